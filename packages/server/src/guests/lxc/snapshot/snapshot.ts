/** Snapshots of containers: all volumes at one moment. */
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestDisk } from '../../guest-kind.ts';
import type { GuestServices } from '../../guest-services.ts';
import { driverOf } from '../../snapshots/hands.ts';
import { type SnapshotRequest, takeSnapshot } from '../../snapshots/snapshot.ts';
import { containerSnapshots } from './hands.ts';
import { whileHeld } from './hold.ts';

export async function takeContainerSnapshot(
  services: GuestServices,
  vmid: number,
  request: SnapshotRequest,
  task: TaskContext,
): Promise<void> {
  await takeSnapshot(
    services,
    containerSnapshots,
    vmid,
    request,
    async (disks, enter) => {
      await enter({});
      await whileHeld(services, vmid, task, () => snapshotVolumes(services, disks, request.name));
    },
    task,
  );
}

/** By the storages, which see nothing of whether the container runs. */
export async function snapshotVolumes(
  services: GuestServices,
  disks: readonly GuestDisk[],
  snapshot: string,
): Promise<void> {
  for (const { volid } of disks) {
    const { driver, name } = await driverOf(services, volid);
    await driver.snapshotCreate(name, snapshot);
  }
}
