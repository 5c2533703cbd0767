/** Snapshots of disks, whether the guest runs or not: by QEMU, by the storage, or by QEMU for the storage. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { GuestServices } from '../../guest-services.ts';
import { driveGraph } from '../block-graph.ts';
import type { QmpClient } from '../qmp-client.ts';
import { driverOf, hasSnapshot, type SnapshotDisk } from './disks.ts';

/** How long QEMU may take to write the tables of large images (ms). */
const patience = { timeout: 300_000 };

/** Who has to act on a disk. */
type Place = 'qemu' | 'storage';

/** `qmp` is undefined for a guest that does not run. Throws 'unsupported' for what cannot be done while it runs. */
async function placeOf(
  services: GuestServices,
  qmp: QmpClient | undefined,
  disk: SnapshotDisk,
): Promise<Place> {
  if (!qmp || !(await driveGraph(qmp, disk.key))) return 'storage';
  const { driver } = await driverOf(services, disk.volid);
  const { liveSnapshot } = driver.capabilities;
  if (liveSnapshot !== 'layers') return liveSnapshot;
  throw new RyokanError(
    'unsupported',
    `'${disk.key}' keeps snapshots in files of their own, which is not possible while the guest runs yet: stop it first`,
  );
}

/**
 * A snapshot of all disks at one moment. QEMU holds the I/O of its disks back from the first snapshot to the last; when
 * a storage takes part, the guest stands still meanwhile. `paused` is called before it is stopped.
 */
export async function snapshotAll(
  services: GuestServices,
  qmp: QmpClient | undefined,
  disks: readonly SnapshotDisk[],
  snapshot: string,
  paused: () => void,
): Promise<void> {
  const places = await Promise.all(disks.map((disk) => placeOf(services, qmp, disk)));
  const actions = disks
    .filter((_, index) => places[index] === 'qemu')
    .map(({ key }) => ({
      type: 'blockdev-snapshot-internal-sync',
      data: { device: `drive-${key}`, name: snapshot },
    }));
  const below = disks.filter((_, index) => places[index] === 'storage');
  const take = async () => {
    if (qmp && actions.length > 0) await qmp.execute('transaction', { actions }, patience);
    for (const { volid } of below) {
      const { driver, name } = await driverOf(services, volid);
      await driver.snapshotCreate(name, snapshot);
    }
  };
  if (qmp && below.length > 0) await whileStopped(qmp, paused, take);
  else await take();
}

/** Runs `work` while the guest stands still with all its writes on disk. */
async function whileStopped(qmp: QmpClient, paused: () => void, work: () => Promise<void>): Promise<void> {
  const { running } = await qmp.execute<{ running: boolean }>('query-status');
  if (!running) return work();
  paused();
  await qmp.execute('stop', {}, patience);
  try {
    await work();
  } finally {
    await qmp.execute('cont');
  }
}

/** Removes the snapshot of one disk; no error when it is gone. */
export async function removeFromDisk(
  services: GuestServices,
  qmp: QmpClient | undefined,
  disk: SnapshotDisk,
  snapshot: string,
): Promise<void> {
  if (!(await hasSnapshot(services, disk.volid, snapshot))) return;
  if ((await placeOf(services, qmp, disk)) === 'qemu' && qmp) {
    const device = `drive-${disk.key}`;
    await qmp.execute('blockdev-snapshot-delete-internal-sync', { device, name: snapshot }, patience);
    return;
  }
  const { driver, name } = await driverOf(services, disk.volid);
  await driver.snapshotDelete(name, snapshot);
}
