/** The disks of a virtual machine's configuration, as far as snapshots, clones, templates and moves are concerned. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuVolumeKeys } from '@ryokan/api/schema/qemu-config.ts';
import type { ConfigProperties } from '../../config-file.ts';
import type { GuestDisk } from '../../guest-kind.ts';
import { type DriveValue, isCdrom, isCloudInit, namesVolume, parseDrive } from '../drive-value.ts';

/** Disks with a volume, unused ones not counted. Throws 'unsupported' for a device or file of the node. */
export function disksOf(properties: ConfigProperties): GuestDisk[] {
  const disks: GuestDisk[] = [];
  for (const key of qemuVolumeKeys) {
    const text = properties[key];
    if (text === undefined) continue;
    const drive = parseDrive(key, text);
    if (isCdrom(drive)) continue;
    if (!namesVolume(drive)) {
      throw new RyokanError(
        'unsupported',
        `'${key}' is '${drive.file}' of the node itself, not a volume of a storage: detach it first`,
        { context: { key } },
      );
    }
    disks.push({ key, volid: drive.file });
  }
  return disks;
}

export interface CloudInitDrive extends GuestDisk {
  readonly drive: DriveValue;
}

/** Keys of drives for cloud-init, with their values. */
export function cloudInitDrives(properties: ConfigProperties): CloudInitDrive[] {
  return qemuVolumeKeys
    .filter((key) => properties[key] !== undefined)
    .map((key) => ({ key, drive: parseDrive(key, properties[key] ?? '') }))
    .filter(({ drive }) => isCloudInit(drive) && namesVolume(drive))
    .map(({ key, drive }) => ({ key, drive, volid: drive.file }));
}
