/** Clones of virtual machines, also of running ones, and of templates. */
import { randomUUID } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import { newConfigFile } from '../../config-file.ts';
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
import type { NewVolume } from '../../copy/volume-copy.ts';
import { formatSize } from '../../disk-size.ts';
import type { GuestServices } from '../../guest-services.ts';
import { readGuest, writeGuest } from '../../guest-store.ts';
import { makeCloudInitDrive } from '../cloud-init/drive.ts';
import { withNewMac } from '../create.ts';
import { formatDrive } from '../drive-value.ts';
import { qemuKind } from '../kind.ts';
import { isRunning } from '../process.ts';
import { cloneProperties } from './clone-config.ts';
import { cloudInitDrives } from './guest-disks.ts';
import { copyLive } from './live-clone.ts';

export interface VmCloneRequest extends CloneRequest {
  readonly name?: string | undefined;
}

/** Decides how the clone is made. Throws what forbids it. */
export async function planVmClone(services: GuestServices, request: CloneRequest): Promise<ClonePlan> {
  const plan = await planClone(services, qemuKind, request);
  const { vmid, snapname } = request;
  const copiesTpm = plan.full && plan.disks.some((disk) => disk.key === 'tpmstate0');
  if (copiesTpm && snapname === undefined && isRunning(services.paths, vmid)) {
    throw new RyokanError('state', `cannot clone TPM state while VM ${vmid} is running: stop it first`);
  }
  return plan;
}

/** Fills the claimed VMID `newid`. Everything made on the way is registered for undo. */
export async function cloneGuest(
  services: GuestServices,
  request: VmCloneRequest,
  options: { readonly qemuVersion: string; readonly limitFor: LimitFor },
  task: TaskContext,
): Promise<void> {
  const { vmid, newid } = request;
  await whileCloned(services, qemuKind, vmid, task, async () => {
    const plan = await planVmClone(services, request);
    const made = plan.full
      ? await fullCopies(services, request, plan, options.limitFor, task)
      : await linkedClones(services, request, plan, task);
    const values = cloneProperties(plan.properties, {
      vmid,
      name: request.name,
      description: request.description,
      meta: `creation-qemu=${options.qemuVersion},ctime=${Math.floor(Date.now() / 1000)}`,
      newUuid: randomUUID,
      newCard: (text) => withNewMac(text, services.store),
    });
    for (const [i, { key }] of plan.disks.entries()) {
      const volume = made[i];
      if (!volume) continue;
      const size = formatSize(volume.size);
      values[key] = qemuKind.onVolume(key, plan.properties[key] ?? '', volume.volid, size);
    }
    await newCloudInit(services, request, values, task);
    const claimed = readGuest(services.store, 'qemu', services.settings.node, newid);
    await copyFirewall(services, vmid, newid, task.user);
    await writeGuest(services.store, claimed, newConfigFile(values), task.user);
  });
}

async function fullCopies(
  services: GuestServices,
  request: CloneRequest,
  plan: ClonePlan,
  limitFor: LimitFor,
  task: TaskContext,
): Promise<NewVolume[]> {
  const { vmid, newid, snapname } = request;
  const live = isRunning(services.paths, vmid);
  const { copies, rateLimit } = await cloneTargets(services, request, plan, limitFor, task);
  if (live && snapname === undefined) await copyLive(services, vmid, copies, rateLimit, task);
  else await fillTargets(services, qemuKind, newid, copies, { rateLimit, inUse: live }, task);
  return copies.map(({ target }) => target);
}

/** Drives for cloud-init get an empty volume of the clone's own; the next start writes it. */
async function newCloudInit(
  services: GuestServices,
  { newid, storage }: CloneRequest,
  values: Record<string, string>,
  task: TaskContext,
): Promise<void> {
  for (const { key, drive, volid } of cloudInitDrives(values)) {
    const place = storage ?? parseVolumeId(volid).storage;
    values[key] = formatDrive(key, await makeCloudInitDrive(services, newid, drive, place, task));
  }
}
