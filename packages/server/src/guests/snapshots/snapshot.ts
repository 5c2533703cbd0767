/** Taking snapshots of a guest, and taking one back that was not finished. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { ConfigProperties } from '../config-file.ts';
import type { GuestDisk } from '../guest-kind.ts';
import { guestLock } from '../guest-lock.ts';
import type { GuestServices } from '../guest-services.ts';
import { changeFile, demandUnlocked, readGuest, unlocked } from '../guest-store.ts';
import type { SnapshotHands } from './hands.ts';
import { demandFreeName, withFinished, withoutSnapshot, withPrepared } from './section.ts';

export interface SnapshotRequest {
  readonly name: string;
  readonly description?: string | undefined;
}

/** What forbids a snapshot, said before a task is made. */
export async function demandSnapshotPossible(
  services: GuestServices,
  hands: SnapshotHands,
  vmid: number,
  name: string,
): Promise<void> {
  const { type } = hands.kind;
  const { file } = readGuest(services.store, type, services.settings.node, vmid);
  demandUnlocked(file.properties, type);
  if (file.properties.template === '1') {
    throw new RyokanError('state', "you can't take a snapshot if it's a template");
  }
  demandFreeName(file, name);
  await hands.demandSnapshots(services, vmid, file.properties);
}

/**
 * Enters a snapshot, lets `take` make it of the disks, and says then that it is whole. `take` calls `enter` before it
 * changes the first disk, with the keys that say where the memory is, if that is saved too.
 */
export async function takeSnapshot(
  services: GuestServices,
  hands: SnapshotHands,
  vmid: number,
  request: SnapshotRequest,
  take: (disks: readonly GuestDisk[], enter: (memory: ConfigProperties) => Promise<void>) => Promise<void>,
  task: TaskContext,
): Promise<void> {
  const { kind } = hands;
  const { name } = request;
  await guestLock(services, kind.type, vmid, task, async () => {
    await demandSnapshotPossible(services, hands, vmid, name);
    const { file } = readGuest(services.store, kind.type, services.settings.node, vmid);
    const disks = kind.disksOf(file.properties);
    task.undo('snapshot.abandon', { vmid, name });
    await take(disks, async (memory) => {
      const snapshot = { ...request, time: Math.floor(Date.now() / 1000) };
      await changeFile(services, vmid, task.user, (now) => withPrepared(now, snapshot, memory));
      task.signal.throwIfAborted();
    });
    task.signal.throwIfAborted();
    await changeFile(services, vmid, task.user, (now) => withFinished(now, name));
    task.keep();
    task.log(`snapshot '${name}' of ${disks.length} disk(s) taken`);
  });
}

/** Undo: takes a snapshot back that was not finished. Safe to repeat. */
export async function abandonSnapshot(
  services: GuestServices,
  hands: SnapshotHands,
  vmid: number,
  name: string,
): Promise<void> {
  const { type, disksOf } = hands.kind;
  await services.locks.with(`${type}-${vmid}`, async () => {
    const { file } = readGuest(services.store, type, services.settings.node, vmid);
    const section = file.snapshots[name];
    if (section?.snapstate !== 'prepare') return;
    await hands.withDisks(services, vmid, undefined, async ({ abandon }) => {
      for (const disk of disksOf(section)) await abandon(disk, name);
    });
    await changeFile(services, vmid, 'undo', (now) => unlocked(withoutSnapshot(now, name)));
  });
}
