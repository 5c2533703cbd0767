/** Turning a guest into a template: its disks become base images, which nothing changes any more. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestServices } from '../../guest-services.ts';
import { demandUnlocked, readGuest, type StoredGuest, writeGuest } from '../../guest-store.ts';
import { guestLock } from '../power.ts';
import { isRunning } from '../process.ts';
import { settleBaseUndo } from './copy-undos.ts';
import { disksOf, type GuestDisk, isBaseVolume } from './guest-disks.ts';
import { replaceVolume } from './volume-switch.ts';

/** Throws what forbids it; gives the disks that become bases. With `disk` only that one. */
export async function demandTemplatable(
  services: GuestServices,
  vmid: number,
  disk?: string,
): Promise<{ guest: StoredGuest; disks: readonly GuestDisk[] }> {
  const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const { properties, snapshots, pending } = guest.file;
  demandUnlocked(properties);
  if (Object.keys(snapshots).length > 0) {
    throw new RyokanError(
      'state',
      `unable to create template, because VM ${vmid} contains snapshots: delete them first`,
    );
  }
  if (properties.template === '1' && disk === undefined) {
    throw new RyokanError('state', `you can't convert a template to a template: VM ${vmid} is one already`);
  }
  if (isRunning(services.paths, vmid)) {
    throw new RyokanError('state', `you can't convert VM ${vmid} to a template while it is running: stop it`);
  }
  if (Object.keys(pending.properties).length + Object.keys(pending.delete).length > 0) {
    throw new RyokanError(
      'state',
      `VM ${vmid} has pending changes, which a template never takes: revert them, or start and stop it once`,
    );
  }
  const disks = disksOf(properties).filter((one) => disk === undefined || one.key === disk);
  if (disk !== undefined && disks.length === 0) {
    throw new RyokanError('not-found', `disk '${disk}' does not exist`);
  }
  for (const one of disks) await demandBase(services, one);
  return { guest, disks };
}

async function demandBase(services: GuestServices, { key, volid }: GuestDisk): Promise<void> {
  const { format } = await services.storage.info(volid);
  const { capabilities } = await services.storage.driver(volid.slice(0, volid.indexOf(':')));
  if (capabilities.linkedClone.includes(format)) return;
  throw new RyokanError(
    'unsupported',
    `'${key}' cannot be the base of clones: its storage has no linked clones of ${format} images; move it to another storage`,
    { context: { key } },
  );
}

/** Each disk gets its new name at once in the configuration too: what fails half-way can be begun again. */
export async function makeTemplate(
  services: GuestServices,
  vmid: number,
  disk: string | undefined,
  task: TaskContext,
): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    const { guest, disks } = await demandTemplatable(services, vmid, disk);
    let stored = guest;
    for (const { key, volid } of disks) {
      if (isBaseVolume(volid)) continue;
      task.undo(settleBaseUndo, { vmid, volid });
      const base = await services.storage.makeBase(volid);
      stored = await writeGuest(services.store, stored, replaceVolume(stored.file, volid, base), task.user);
      task.log(`'${key}' is the base image '${base}' now`);
    }
    const properties = { ...stored.file.properties, template: '1' };
    await writeGuest(services.store, stored, { ...stored.file, properties }, task.user);
  });
}
