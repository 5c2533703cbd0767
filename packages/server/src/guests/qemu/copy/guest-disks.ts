/** The disks of a configuration, as far as clones, templates and moves are concerned. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuVolumeKeys } from '@ryokan/api/schema/qemu-config.ts';
import { parseVolumeId, parseVolumeName } from '@ryokan/api/schema/volume-id.ts';
import type { ConfigProperties } from '../../config-file.ts';
import { type DriveValue, isCdrom, isCloudInit, namesVolume, parseDrive } from '../drive-value.ts';

export interface GuestDisk {
  /** `scsi0`, `efidisk0`, … */
  readonly key: string;
  readonly drive: DriveValue;
  readonly volid: string;
}

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
    disks.push({ key, drive, volid: drive.file });
  }
  return disks;
}

/** Keys of drives for cloud-init, with their values. */
export function cloudInitDrives(properties: ConfigProperties): GuestDisk[] {
  return qemuVolumeKeys
    .filter((key) => properties[key] !== undefined)
    .map((key) => ({ key, drive: parseDrive(key, properties[key] ?? '') }))
    .filter(({ drive }) => isCloudInit(drive) && namesVolume(drive))
    .map(({ key, drive }) => ({ key, drive, volid: drive.file }));
}

/** Is this volume the base of linked clones? */
export function isBaseVolume(volid: string): boolean {
  const name = parseVolumeName(parseVolumeId(volid).name);
  return name.kind === 'image' && name.isBase;
}

/** The id that a volume gets when it becomes a base: `vm-100-disk-0` is `base-100-disk-0` then. */
export function baseVolumeOf(volid: string): string {
  return volid.replace(/(^|[:/])vm-(\d+-[^/]*)$/, '$1base-$2');
}

/** The same drive on another volume; sizes are for information, formats stand in the volume's name. */
export function onVolume(drive: DriveValue, volid: string, size: string): DriveValue {
  const { format: _format, ...rest } = drive;
  return { ...rest, file: volid, size } as DriveValue;
}
