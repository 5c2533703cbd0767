/** The disks that a snapshot is made of: all volumes of the guest but CD-ROMs and unused ones. */
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuVolumeKeys } from '@ryokan/api/schema/qemu-config.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { StorageDriver } from '../../../storage/driver.ts';
import type { ConfigProperties } from '../../config-file.ts';
import type { GuestServices } from '../../guest-services.ts';
import { isCdrom, namesVolume, parseDrive } from '../drive-value.ts';
import { isRunning } from '../process.ts';
import { qemuVersion } from '../qemu-facts.ts';

/** A disk in a configuration. */
export interface SnapshotDisk {
  /** `scsi0`, `efidisk0`, … */
  readonly key: string;
  readonly volid: string;
}

/** Throws 'unsupported' for a device or file of the node, of which nobody can take a snapshot. */
export function snapshotDisks(properties: ConfigProperties): SnapshotDisk[] {
  const disks: SnapshotDisk[] = [];
  for (const key of qemuVolumeKeys) {
    const text = properties[key];
    if (text === undefined) continue;
    const drive = parseDrive(key, text);
    if (isCdrom(drive)) continue;
    if (!namesVolume(drive)) throw notPossible(`'${key}' is '${drive.file}' of the node itself`);
    disks.push({ key, volid: drive.file });
  }
  return disks;
}

/** The driver of a volume's storage, and the name that the volume has there. */
export async function driverOf(
  services: Pick<GuestServices, 'storage'>,
  volid: string,
): Promise<{ readonly driver: StorageDriver; readonly name: string }> {
  const { storage, name } = parseVolumeId(volid);
  return { driver: await services.storage.driver(storage), name };
}

/** Throws 'unsupported', and says which disk is why, when no snapshot of the guest can be taken now. */
export async function demandSnapshots(
  services: GuestServices,
  vmid: number,
  properties: ConfigProperties,
): Promise<void> {
  const running = isRunning(services.paths, vmid);
  for (const { key, volid } of snapshotDisks(properties)) {
    const { driver, name } = await driverOf(services, volid);
    const { format } = await driver.info(name);
    if (!driver.capabilities.snapshot.includes(format)) {
      const possible = driver.capabilities.snapshot.join(', ');
      throw notPossible(
        `'${key}' on storage '${parseVolumeId(volid).storage}' has the format ${format}` +
          (possible ? `; possible there: ${possible} (move the disk to convert it)` : ''),
      );
    }
    if (!running || driver.capabilities.liveSnapshot !== 'layers') continue;
    const problem = await layerProblem(services, key, properties[key] ?? '');
    if (problem) throw notPossible(problem);
  }
}

/** The first QEMU that exchanges the file of an image in a thread of its own; before, it aborts now and then. */
const safeExchange = 9;

/** Why the layers of a disk cannot be changed while its guest runs; undefined when they can. */
export async function layerProblem(
  { paths }: Pick<GuestServices, 'paths'>,
  key: string,
  text: string,
): Promise<string | undefined> {
  const version = await qemuVersion(join(paths.run, 'qemu-version'));
  if (!parseDrive(key, text).iothread || Number.parseInt(version, 10) >= safeExchange) return undefined;
  return (
    `'${key}' keeps snapshots in files of their own and has iothread=1, which QEMU ${version} cannot do while the ` +
    `guest runs (from ${safeExchange}.0 on it can): stop the guest, or take iothread from the disk`
  );
}

function notPossible(reason: string): RyokanError {
  return new RyokanError('unsupported', `snapshot feature is not available: ${reason}`);
}

/** The answer to the API's question whether the feature `snapshot` is there. */
export async function canSnapshot(
  services: GuestServices,
  vmid: number,
  properties: ConfigProperties,
): Promise<boolean> {
  try {
    await demandSnapshots(services, vmid, properties);
    return true;
  } catch (error) {
    if (error instanceof RyokanError && error.code === 'unsupported') return false;
    throw error;
  }
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
