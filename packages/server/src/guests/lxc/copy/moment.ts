/**
 * A running container's volumes as they are at one moment, kept by the storages while a clone is made of them. No document
 * names these snapshots: they are gone when the clone is done.
 */
import type { TaskContext } from '../../../tasks/task.ts';
import { tryReadGuest } from '../../copy/copy-undos.ts';
import type { GuestDisk } from '../../guest-kind.ts';
import type { GuestServices } from '../../guest-services.ts';
import { lxcKind } from '../kind.ts';
import { containerSnapshots } from '../snapshot/hands.ts';
import { whileHeld } from '../snapshot/hold.ts';
import { snapshotVolumes } from '../snapshot/snapshot.ts';

/** Removes such snapshots: `{ vmid, name }`. */
export const dropMomentUndo = 'lxc.drop-moment';

/** Runs `work` with the name of the snapshots. The caller holds the container's lock. */
export async function withMoment(
  services: GuestServices,
  vmid: number,
  newid: number,
  disks: readonly GuestDisk[],
  task: TaskContext,
  work: (snapshot: string) => Promise<void>,
): Promise<void> {
  const name = `clone-${newid}`;
  task.undo(dropMomentUndo, { vmid, name });
  try {
    await whileHeld(services, vmid, task, () => snapshotVolumes(services, disks, name));
    await work(name);
  } finally {
    await drop(services, vmid, disks, name);
  }
}

/** Undo: no error when there are none. */
export async function dropMoment(services: GuestServices, vmid: number, name: string): Promise<void> {
  const guest = tryReadGuest(services, lxcKind, vmid);
  if (guest) await drop(services, vmid, lxcKind.disksOf(guest.file.properties), name);
}

const drop = (services: GuestServices, vmid: number, disks: readonly GuestDisk[], name: string) =>
  containerSnapshots.withDisks(services, vmid, undefined, async ({ remove }) => {
    for (const disk of disks) await remove(disk, name);
  });
