/** Snapshots of disks, whether the guest runs or not: by QEMU, by the storage, or by QEMU for the storage. */
import type { LayeredSnapshots, StorageDriver } from '../../../storage/driver.ts';
import type { GuestDisk } from '../../guest-kind.ts';
import type { GuestServices } from '../../guest-services.ts';
import { driverOf, hasSnapshot } from '../../snapshots/hands.ts';
import { driveGraph, rootNode } from '../block-graph.ts';
import { whilePaused } from '../pause.ts';
import type { JsonObject, QmpClient } from '../qmp-client.ts';
import { closeUnused, liveLayers, openFiles, openOverlay, type RunningDisk, settleMerge } from './layers.ts';
import { runningDisk } from './running-disk.ts';

/** How long QEMU may take to write the tables of large images (ms). */
const patience = { timeout: 300_000 };

/** A guest whose disks are worked on. */
export interface SnapshotGuest {
  readonly services: GuestServices;
  readonly vmid: number;
  /** Undefined for a guest that does not run. */
  readonly qmp: QmpClient | undefined;
  readonly signal?: AbortSignal;
}

/** Who acts on a disk: the storage, QEMU within the image, or both, file by file. */
type Place =
  | { readonly by: 'storage'; readonly driver: StorageDriver; readonly name: string }
  | { readonly by: 'qemu'; readonly qmp: QmpClient }
  | {
      readonly by: 'layers';
      readonly layers: LayeredSnapshots;
      readonly name: string;
      readonly running: RunningDisk;
    };

async function placeOf(guest: SnapshotGuest, disk: GuestDisk): Promise<Place> {
  const { services, vmid, qmp, signal } = guest;
  const { driver, name } = await driverOf(services, disk.volid);
  if (!qmp || !(await driveGraph(qmp, disk.key))) return { by: 'storage', driver, name };
  const { liveSnapshot } = driver.capabilities;
  if (liveSnapshot === 'qemu') return { by: 'qemu', qmp };
  if (liveSnapshot === 'storage' || !driver.layers) return { by: 'storage', driver, name };
  const running = await runningDisk(services, vmid, qmp, disk);
  return {
    by: 'layers',
    layers: driver.layers,
    name,
    running: { ...running, ...(signal ? { signal } : {}) },
  };
}

/** A snapshot that is ready to be taken. */
export interface PreparedSnapshot {
  /**
   * Takes it of all disks at one moment. QEMU holds the I/O of its disks back from the first to the last; when a storage
   * takes part, the guest stands still meanwhile. `paused` is called before it is stopped.
   */
  take(paused: () => void): Promise<void>;
}

/** Makes ready what takes time. The guest goes on, and whoever takes it back needs abandonDisk for each disk. */
export async function prepareSnapshot(
  guest: SnapshotGuest,
  disks: readonly GuestDisk[],
  snapshot: string,
): Promise<PreparedSnapshot> {
  const { qmp } = guest;
  const actions: JsonObject[] = [];
  const below: (() => Promise<void>)[] = [];
  for (const disk of disks) {
    const place = await placeOf(guest, disk);
    if (place.by === 'storage') below.push(() => place.driver.snapshotCreate(place.name, snapshot));
    else if (place.by === 'layers') actions.push(await layOn(place, snapshot));
    else {
      const data = { device: await rootNode(place.qmp, disk.key), name: snapshot };
      actions.push({ type: 'blockdev-snapshot-internal-sync', data });
    }
  }
  const take = async () => {
    if (qmp && actions.length > 0) await qmp.execute('transaction', { actions }, patience);
    for (const one of below) await one();
  };
  return { take: (paused) => (qmp && below.length > 0 ? whilePaused(qmp, paused, take) : take()) };
}

/** Puts a new layer beside the disk; the action makes QEMU write to it. */
async function layOn(
  { layers, name, running }: Extract<Place, { by: 'layers' }>,
  snapshot: string,
): Promise<JsonObject> {
  await layers.create(name, snapshot, liveLayers(running));
  const graph = await driveGraph(running.qmp, running.key);
  const overlay = await openOverlay(running, { driver: 'file', filename: running.volumePath });
  return { type: 'blockdev-snapshot', data: { node: graph?.file?.name, overlay } };
}

/** Removes the snapshot of one disk; no error when it is gone. */
export async function removeFromDisk(guest: SnapshotGuest, disk: GuestDisk, snapshot: string): Promise<void> {
  if (!(await hasSnapshot(guest.services, disk.volid, snapshot))) return;
  const place = await placeOf(guest, disk);
  if (place.by === 'storage') await place.driver.snapshotDelete(place.name, snapshot);
  else if (place.by === 'layers') {
    await place.layers.delete(place.name, snapshot, liveLayers(place.running));
  } else {
    const device = await rootNode(place.qmp, disk.key);
    await place.qmp.execute('blockdev-snapshot-delete-internal-sync', { device, name: snapshot }, patience);
  }
}

/** Takes the snapshot of one disk back, however far it has come. */
export async function abandonDisk(guest: SnapshotGuest, disk: GuestDisk, snapshot: string): Promise<void> {
  const place = await placeOf(guest, disk);
  if (place.by === 'layers') {
    const { layers, name, running } = place;
    await closeUnused(running.qmp, disk.key);
    const [, ...below] = await openFiles(running.qmp, disk.key);
    const aside = (path: string | undefined) => path?.includes(`/snap-${snapshot}-`);
    if (!below.some(aside)) return layers.takeBack(name, snapshot, liveLayers(running));
  }
  await removeFromDisk(guest, disk, snapshot);
}

/** Ends a removal that broke off, so that QEMU's images and the files agree; the snapshot may still be there. */
export async function settleRemoval(guest: SnapshotGuest, disk: GuestDisk, snapshot: string): Promise<void> {
  const place = await placeOf(guest, disk);
  if (place.by !== 'layers') return;
  const replaced = !(await hasSnapshot(guest.services, disk.volid, snapshot));
  const chain = await place.layers.chain(place.name);
  await settleMerge(
    place.running,
    replaced,
    chain.map(({ source }) => source),
  );
}
