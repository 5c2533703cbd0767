/** Changing a container's configuration. */
import { digestMismatch, RyokanError } from '@ryokan/api/errors.ts';
import { lxcNetKeys } from '@ryokan/api/schema/lxc-config.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { ConfigChange } from '../config-change.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest, writeGuest } from '../guest-store.ts';
import { checkHookscript } from '../hookscript.ts';
import type { Problems } from '../live-outcome.ts';
import { completeCard } from './card.ts';
import { requireLxcConfig } from './config.ts';
import {
  applyPending,
  droppedVolumes,
  isVolumeKey,
  mergeChange,
  namesAnywhere,
  volumeOf,
} from './config-change.ts';
import { idRanges } from './ids.ts';
import { applyToRunning } from './live/apply.ts';
import { removeVolumes } from './owned-volumes.ts';
import { isRunning } from './process.ts';
import { newVolumeRequest, parseVolume } from './volume-value.ts';
import { prepareVolume } from './volumes.ts';

export interface UpdateOptions {
  readonly change: ConfigChange;
  /** Refuse when the document has another digest. */
  readonly digest?: string | undefined;
  readonly author: string;
}

/**
 * Carries out a change: makes volumes, merges, stores, removes volumes that the caller wants gone. Resolves with what was
 * tried in the running container and did not work, by key; it waits for the next start.
 */
export async function updateContainer(
  services: GuestServices,
  vmid: number,
  options: UpdateOptions,
  context: ChangeContext,
): Promise<Problems> {
  return services.locks.with(`lxc-${vmid}`, () => carryOut(services, vmid, options, context));
}

/** For dry runs: the same up to what is made and removed, which a rehearsal only tells. */
export function planContainerUpdate(
  services: GuestServices,
  vmid: number,
  options: UpdateOptions,
): Promise<Problems> {
  const quiet = { log() {}, warn() {}, undo() {}, signal: new AbortController().signal };
  return carryOut(services, vmid, options, quiet);
}

async function carryOut(
  services: GuestServices,
  vmid: number,
  options: UpdateOptions,
  context: ChangeContext,
): Promise<Problems> {
  const { store, settings } = services;
  const guest = readGuest(store, 'lxc', settings.node, vmid);
  if (options.digest !== undefined && options.digest !== guest.digest) throw digestMismatch();
  demandUnlocked(guest.file.properties, 'lxc');
  const { properties } = guest.file;
  demandPossible(properties, options.change);
  const running = isRunning(services.paths, vmid);
  const set = await prepareValues(services, vmid, options.change.set, properties, context);
  const file = mergeChange(guest.file, { ...options.change, set }, running);
  demandDistinct(applyPending(file).properties);
  await writeGuest(store, guest, file, options.author);
  const dropped = droppedVolumes(properties, file.properties);
  await removeVolumes(
    services,
    vmid,
    dropped.filter((volid) => !namesAnywhere(file, volid)),
    context,
  );
  if (!running) return {};
  if (rehearsed('changes the running container as far as it takes it; the rest waits for its next start'))
    return {};
  context.keep?.();
  const keys = [...options.change.delete, ...Object.keys(set)];
  return applyToRunning(services, vmid, keys, options.author, context);
}

function demandPossible(present: Readonly<Record<string, string>>, change: ConfigChange): void {
  if (change.delete.includes('rootfs')) {
    throw new RyokanError(
      'parameter',
      "delete: a container cannot be without its root file system ('rootfs')",
    );
  }
  const unprivileged = change.set.unprivileged ?? (change.delete.includes('unprivileged') ? '0' : undefined);
  if (unprivileged !== undefined && unprivileged !== (present.unprivileged ?? '0')) {
    throw new RyokanError(
      'parameter',
      'unprivileged: its files belong to other users then, so that it cannot be changed; back the container up and restore it with the other value',
      { context: { key: 'unprivileged' } },
    );
  }
  const disk = change.delete.find((key) => isVolumeKey(key) && present[key] !== undefined);
  if (present.protection === '1' && disk) {
    throw new RyokanError(
      'state',
      `can't remove disk '${disk}' - protection mode enabled: switch the protection option off first`,
    );
  }
}

/** Two mounts of one volume would be two views of one disk, and the removal of one takes the other's. */
function demandDistinct(properties: Readonly<Record<string, string>>): void {
  const seen = new Map<string, string>();
  for (const [key, text] of Object.entries(properties)) {
    if (!isVolumeKey(key) || key.startsWith('unused')) continue;
    const volid = volumeOf(key, text);
    if (volid === undefined) continue;
    const other = seen.get(volid);
    if (other) throw new RyokanError('parameter', `${key} and ${other} name the same volume '${volid}'`);
    seen.set(volid, key);
  }
}

async function prepareValues(
  services: GuestServices,
  vmid: number,
  given: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
  context: ChangeContext,
): Promise<Record<string, string>> {
  const values: Record<string, string> = { ...given };
  if (given.hookscript !== undefined) await checkHookscript(services, given.hookscript);
  const ids = idRanges(
    requireLxcConfig({ unprivileged: present.unprivileged ?? '0', ...lxcLines(present) }, vmid),
  );
  for (const [key, text] of Object.entries(given)) {
    if ((lxcNetKeys as readonly string[]).includes(key))
      values[key] = completeCard(key, text, services.store, present[key]);
    else if (isVolumeKey(key)) {
      if (key === 'rootfs' && newVolumeRequest(parseVolume(key, text))) {
        throw new RyokanError(
          'parameter',
          'rootfs: a new volume would be empty; create another container instead',
        );
      }
      values[key] = await prepareVolume({ services, vmid, ids }, key, text, context);
    }
  }
  return values;
}

const lxcLines = ({ lxc }: Readonly<Record<string, string>>): Record<string, string> =>
  lxc === undefined ? {} : { lxc };
