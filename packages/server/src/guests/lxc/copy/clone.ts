/** Clones of containers and of templates. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { lxcNetFields, lxcNetKeys, lxcUnusedKeys } from '@ryokan/api/schema/lxc-config.ts';
import { formatPropertyString } from '@ryokan/api/schema/property-string.ts';
import type { ConfigStore } from '../../../cluster/store.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import { type ConfigProperties, newConfigFile } from '../../config-file.ts';
import type { LimitFor } from '../../copy/bandwidth.ts';
import {
  type ClonePlan,
  type CloneRequest,
  cloneTargets,
  copyFirewall,
  fillTargets,
  linkedClones,
  planClone,
  whileCloned,
} from '../../copy/clone.ts';
import { nameOfCopy } from '../../copy/name-of-copy.ts';
import type { NewVolume } from '../../copy/volume-copy.ts';
import { formatSize } from '../../disk-size.ts';
import type { GuestServices } from '../../guest-services.ts';
import { readGuest, writeGuest } from '../../guest-store.ts';
import { completeCard, parseCard } from '../card.ts';
import { requireLxcConfig } from '../config.ts';
import { idRanges } from '../ids.ts';
import { lxcKind } from '../kind.ts';
import { isRunning } from '../process.ts';
import { setUpInside } from '../set-up-inside.ts';
import { demandContainerSnapshots } from '../snapshot/hands.ts';
import { withMounted } from '../task-mount.ts';
import { withMoment } from './moment.ts';

export interface ContainerCloneRequest extends CloneRequest {
  readonly hostname?: string | undefined;
}

/** Decides how the clone is made. Throws what forbids it. */
export async function planContainerClone(services: GuestServices, request: CloneRequest): Promise<ClonePlan> {
  const plan = await planClone(services, lxcKind, request);
  const { vmid, snapname } = request;
  if (plan.full && snapname === undefined) await demandCopyable(services, vmid, plan.properties);
  return plan;
}

/** Files that change while they are copied would be of no moment at all: a storage has to keep that of a running one. */
export async function demandCopyable(
  services: GuestServices,
  vmid: number,
  properties: ConfigProperties,
): Promise<void> {
  if (!isRunning(services.paths, vmid)) return;
  await demandContainerSnapshots(services, properties).catch((cause: unknown) => {
    throw new RyokanError(
      'state',
      `Cannot do full clones on a running container without snapshots: stop CT ${vmid} first (${messageOf(cause)})`,
      { cause },
    );
  });
}

/** Fills the claimed VMID `newid`. Everything made on the way is registered for undo. */
export async function cloneContainer(
  services: GuestServices,
  request: ContainerCloneRequest,
  limitFor: LimitFor,
  task: TaskContext,
): Promise<void> {
  const { vmid, newid } = request;
  await whileCloned(services, lxcKind, vmid, task, async () => {
    const plan = await planContainerClone(services, request);
    const made = plan.full
      ? await fullCopies(services, request, plan, limitFor, task)
      : await linkedClones(services, request, plan, task);
    const values = cloneValues(plan.properties, request, services.store);
    for (const [i, { key }] of plan.disks.entries()) {
      const volume = made[i];
      if (!volume) continue;
      // A folder without a limit has no size to tell.
      const size = volume.size > 0 ? formatSize(volume.size) : undefined;
      values[key] = lxcKind.onVolume(key, plan.properties[key] ?? '', volume.volid, size);
    }
    await giveIdentity(services, newid, values, task);
    const claimed = readGuest(services.store, 'lxc', services.settings.node, newid);
    await copyFirewall(services, vmid, newid, task.user);
    await writeGuest(services.store, claimed, newConfigFile(values), task.user);
  });
}

/** What belongs to the original or to the moment of a snapshot. */
const ownKeys: ReadonlySet<string> = new Set([
  ...['lock', 'template', 'parent', 'snaptime', 'snapstate'],
  ...lxcUnusedKeys,
]);

/** The original's configuration with a name and addresses of the clone's own. Its ids stay: files belong to them. */
function cloneValues(
  original: ConfigProperties,
  { vmid, hostname, description }: ContainerCloneRequest,
  store: ConfigStore,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [key, text] of Object.entries(original)) {
    if (ownKeys.has(key)) continue;
    values[key] = (lxcNetKeys as readonly string[]).includes(key) ? withNewMac(key, text, store) : text;
  }
  values.hostname = hostname ?? nameOfCopy('CT', original.hostname, vmid);
  if (description) values.description = description;
  return values;
}

function withNewMac(key: string, text: string, store: ConfigStore): string {
  const { hwaddr: _hwaddr, ...card } = parseCard(key, text);
  return completeCard(key, formatPropertyString(lxcNetFields, card), store);
}

async function fullCopies(
  services: GuestServices,
  request: CloneRequest,
  plan: ClonePlan,
  limitFor: LimitFor,
  task: TaskContext,
): Promise<NewVolume[]> {
  const { vmid, newid, snapname } = request;
  const { copies, rateLimit } = await cloneTargets(services, request, plan, limitFor, task);
  const inUse = isRunning(services.paths, vmid);
  const copy = (snapshot: string | undefined) => {
    const ofMoment = copies.map((one) => ({ ...one, plan: { ...one.plan, snapshot } }));
    return fillTargets(services, lxcKind, newid, ofMoment, { rateLimit, inUse }, task);
  };
  if (inUse && snapname === undefined) await withMoment(services, vmid, newid, plan.disks, task, copy);
  else await copy(snapname);
  return copies.map(({ target }) => target);
}

/**
 * Two systems with one machine-id would ask DHCP for the same address (it is in systemd-networkd's client identifier)
 * and be one machine in journals that are gathered.
 */
async function giveIdentity(
  services: GuestServices,
  newid: number,
  values: Readonly<Record<string, string>>,
  task: TaskContext,
): Promise<void> {
  const config = requireLxcConfig(values, newid);
  const ids = idRanges(config);
  const { rootfs } = values;
  if (rootfs === undefined) return;
  const log = (line: string) => task.log(line);
  await withMounted({ services, vmid: newid, ids }, { rootfs }, task, (root) =>
    setUpInside({ vmid: newid, root, ids, config, made: 'clone', log }),
  );
}
