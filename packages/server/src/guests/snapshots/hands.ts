/** What each kind of guest does in its own way when snapshots of it are taken, removed and gone back to. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { StorageDriver } from '../../storage/driver.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { ConfigProperties } from '../config-file.ts';
import type { GuestDisk, GuestKind } from '../guest-kind.ts';
import type { GuestServices } from '../guest-services.ts';

/** Works on the snapshots of single disks, whether the guest runs or not. */
export interface DiskHands {
  /** Removes the snapshot of a disk; no error when it is gone. */
  remove(disk: GuestDisk, snapshot: string): Promise<void>;
  /** Takes the snapshot of a disk back, however far it has come. */
  abandon(disk: GuestDisk, snapshot: string): Promise<void>;
  /** Ends a removal that broke off, so that what runs and the storage agree; the snapshot may still be there. */
  settleRemoval(disk: GuestDisk, snapshot: string): Promise<void>;
}

export interface SnapshotHands {
  readonly kind: GuestKind;
  /** Throws 'unsupported', and says which disk is why, when no snapshot of the guest can be taken now. */
  demandSnapshots(services: GuestServices, vmid: number, properties: ConfigProperties): Promise<void>;
  withDisks<T>(
    services: GuestServices,
    vmid: number,
    signal: AbortSignal | undefined,
    work: (hands: DiskHands) => Promise<T>,
  ): Promise<T>;
  /** Ends the guest at once; no error when it does not run. Takes its lock. */
  stop(services: GuestServices, vmid: number, task: TaskContext): Promise<void>;
}

/** The driver of a volume's storage, and the name that the volume has there. */
export async function driverOf(
  services: Pick<GuestServices, 'storage'>,
  volid: string,
): Promise<{ readonly driver: StorageDriver; readonly name: string }> {
  const { storage, name } = parseVolumeId(volid);
  return { driver: await services.storage.driver(storage), name };
}

/** Throws 'unsupported' when the storage of a disk takes no snapshots of its format; says what would help. */
export async function demandSnapshotFormat(
  services: Pick<GuestServices, 'storage'>,
  kind: GuestKind,
  { key, volid }: GuestDisk,
): Promise<void> {
  const { driver, name } = await driverOf(services, volid);
  const { format } = await driver.info(name);
  const { snapshot } = driver.capabilities;
  if (snapshot.includes(format)) return;
  const storage = parseVolumeId(volid).storage;
  const possible = snapshot.filter((one) => kind.formats.includes(one));
  const help =
    possible.length > 0
      ? `possible there: ${possible.join(', ')} (move the disk to convert it)`
      : 'move it to a storage that keeps snapshots of such disks, such as one of type btrfs';
  throw noSnapshots(`'${key}' on storage '${storage}' has the format ${format}; ${help}`);
}

export function noSnapshots(reason: string): RyokanError {
  return new RyokanError('unsupported', `snapshot feature is not available: ${reason}`);
}

/** Has this volume a snapshot of that name? False when the volume is gone. */
export async function hasSnapshot(
  services: Pick<GuestServices, 'storage'>,
  volid: string,
  snapshot: string,
): Promise<boolean> {
  const { driver, name } = await driverOf(services, volid);
  try {
    return (await driver.snapshotList(name)).includes(snapshot);
  } catch (error) {
    if (error instanceof RyokanError && error.code === 'not-found') return false;
    throw error;
  }
}
