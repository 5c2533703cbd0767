/** Going back to a snapshot. */
import { randomUUID } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestServices } from '../../guest-services.ts';
import { changeFile, demandUnlocked, readGuest, unlocked } from '../../guest-store.ts';
import { volumeExists } from '../disks.ts';
import { guestLock, stopGuest } from '../power.ts';
import { type StateToLoad, stateIn } from '../saved-state/load.ts';
import { driverOf, hasSnapshot, snapshotDisks } from './disks.ts';
import { rolledBack, sectionOf } from './section.ts';
import { keepingVolumes } from './snapshot.ts';

/** What forbids it, said before a task is made. */
export async function demandRollback(services: GuestServices, vmid: number, name: string): Promise<void> {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  demandUnlocked(file.properties);
  const section = sectionOf(file, name);
  if (section.snapstate) {
    throw new RyokanError(
      'state',
      `unable to rollback to incomplete snapshot '${name}' (snapstate = ${section.snapstate})`,
    );
  }
  if (section.vmstate !== undefined && !(await volumeExists(services, section.vmstate))) {
    throw new RyokanError(
      'state',
      `the memory of snapshot '${name}', '${section.vmstate}', is gone: clone the snapshot to get at its disks`,
    );
  }
  for (const { key, volid } of snapshotDisks(section)) {
    if (await hasSnapshot(services, volid, name)) continue;
    throw new RyokanError('state', `'${volid}' (${key}) has no snapshot '${name}' any more`);
  }
}

/** Stops the guest and brings disks and configuration back. */
export async function rollbackGuest(
  services: GuestServices,
  vmid: number,
  name: string,
  task: TaskContext,
): Promise<void> {
  await demandRollback(services, vmid, name);
  await stopGuest(services, vmid, task);
  await guestLock(services, vmid, task, async () => {
    await demandRollback(services, vmid, name);
    task.signal.throwIfAborted();
    // From here on there is no way but forward: the first disk that has gone back has lost its state of now.
    task.undo('snapshot.finish-rollback', { vmid, name });
    await changeFile(services, vmid, task.user, (file) => ({
      ...file,
      properties: { ...file.properties, lock: 'rollback' },
    }));
    await bringBack(services, vmid, name, task.user);
    task.keep();
  });
}

/** The memory that the snapshot has, for the start that follows; undefined when it has only disks. */
export function memoryOf(services: GuestServices, vmid: number, name: string): StateToLoad | undefined {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  return stateIn(sectionOf(file, name));
}

/** Undo: carries on with a rollback that has begun. Safe to repeat. */
export async function finishRollback(services: GuestServices, vmid: number, name: string): Promise<void> {
  await services.locks.with(`qemu-${vmid}`, async () => {
    const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
    if (file.properties.lock === 'rollback') await bringBack(services, vmid, name, 'undo');
  });
}

async function bringBack(services: GuestServices, vmid: number, name: string, author: string): Promise<void> {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  for (const { volid } of snapshotDisks(sectionOf(file, name))) {
    const { driver, name: volume } = await driverOf(services, volid);
    await driver.snapshotRollback(volume, name);
  }
  const before = [...snapshotDisks(file.properties), ...snapshotDisks(file.pending.properties)];
  const unused = Object.entries(file.properties)
    .filter(([key]) => /^unused\d+$/.test(key))
    .map(([key, volid]) => ({ key, volid }));
  await changeFile(services, vmid, author, (now) =>
    keepingVolumes([...before, ...unused], unlocked(rolledBack(now, name, randomUUID()))),
  );
}
