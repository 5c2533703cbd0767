/** Which snapshots of a virtual machine's disks are possible now. */
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigProperties } from '../../config-file.ts';
import type { GuestServices } from '../../guest-services.ts';
import { demandSnapshotFormat, driverOf, noSnapshots } from '../../snapshots/hands.ts';
import { disksOf } from '../copy/guest-disks.ts';
import { parseDrive } from '../drive-value.ts';
import { qemuKind } from '../kind.ts';
import { isRunning } from '../process.ts';
import { qemuVersion } from '../qemu-facts.ts';

/** Throws 'unsupported', and says which disk is why, when no snapshot of the guest can be taken now. */
export async function demandSnapshots(
  services: GuestServices,
  vmid: number,
  properties: ConfigProperties,
): Promise<void> {
  const running = isRunning(services.paths, vmid);
  for (const disk of disksOf(properties)) {
    await demandSnapshotFormat(services, qemuKind, disk);
    if (!running) continue;
    const { driver } = await driverOf(services, disk.volid);
    if (driver.capabilities.liveSnapshot !== 'layers') continue;
    const problem = await layerProblem(services, disk.key, properties[disk.key] ?? '');
    if (problem) throw noSnapshots(problem);
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
