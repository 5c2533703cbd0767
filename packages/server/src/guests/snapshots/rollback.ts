/** Going back to a snapshot. */
import { randomUUID } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { GuestKind } from '../guest-kind.ts';
import { guestLock } from '../guest-lock.ts';
import type { GuestServices } from '../guest-services.ts';
import { changeFile, demandUnlocked, readGuest, unlocked } from '../guest-store.ts';
import { volumeExists } from '../volumes-of-guest.ts';
import { driverOf, hasSnapshot, type SnapshotHands } from './hands.ts';
import { keepingVolumes } from './kept-volumes.ts';
import { rolledBack, sectionOf } from './section.ts';

/** What forbids it, said before a task is made. */
export async function demandRollback(
  services: GuestServices,
  { type, disksOf }: GuestKind,
  vmid: number,
  name: string,
): Promise<void> {
  const { file } = readGuest(services.store, type, services.settings.node, vmid);
  demandUnlocked(file.properties, type);
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
  for (const { key, volid } of disksOf(section)) {
    if (await hasSnapshot(services, volid, name)) continue;
    throw new RyokanError('state', `'${volid}' (${key}) has no snapshot '${name}' any more`);
  }
}

/** Stops the guest and brings disks and configuration back. */
export async function rollbackGuest(
  services: GuestServices,
  hands: SnapshotHands,
  vmid: number,
  name: string,
  task: TaskContext,
): Promise<void> {
  const { kind } = hands;
  await demandRollback(services, kind, vmid, name);
  await hands.stop(services, vmid, task);
  await guestLock(services, kind.type, vmid, task, async () => {
    await demandRollback(services, kind, vmid, name);
    task.signal.throwIfAborted();
    // From here on there is no way but forward: the first disk that has gone back has lost its state of now.
    task.undo('snapshot.finish-rollback', { vmid, name });
    await changeFile(services, vmid, task.user, (file) => ({
      ...file,
      properties: { ...file.properties, lock: 'rollback' },
    }));
    await bringBack(services, kind, vmid, name, task.user);
    task.keep();
  });
}

/** Undo: carries on with a rollback that has begun. Safe to repeat. */
export async function finishRollback(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  name: string,
): Promise<void> {
  await services.locks.with(`${kind.type}-${vmid}`, async () => {
    const { file } = readGuest(services.store, kind.type, services.settings.node, vmid);
    if (file.properties.lock === 'rollback') await bringBack(services, kind, vmid, name, 'undo');
  });
}

async function bringBack(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  name: string,
  author: string,
): Promise<void> {
  const { file } = readGuest(services.store, kind.type, services.settings.node, vmid);
  for (const { volid } of kind.disksOf(sectionOf(file, name))) {
    const { driver, name: volume } = await driverOf(services, volid);
    await driver.snapshotRollback(volume, name);
  }
  const before = [...kind.disksOf(file.properties), ...kind.disksOf(file.pending.properties)];
  const unused = kind.unusedKeys.flatMap((key) => {
    const text = file.properties[key];
    const volid = text === undefined ? undefined : kind.volumeOf(key, text);
    return volid === undefined ? [] : [{ key, volid }];
  });
  await changeFile(services, vmid, author, (now) =>
    keepingVolumes(kind, [...before, ...unused], unlocked(rolledBack(now, name, randomUUID()))),
  );
}
