/** Reading the disk keys of a configuration. */
import {
  driveAddress,
  type QemuConfig,
  type QemuDriveBus,
  type QemuDriveKey,
  qemuDriveKeys,
} from '@ryokan/api/schema/qemu-config.ts';
import type { QemuDrive } from '@ryokan/api/schema/qemu-drive.ts';
import { fieldsOf, optionOf } from './config.ts';

export interface ConfiguredDrive {
  readonly key: QemuDriveKey;
  readonly bus: QemuDriveBus;
  readonly index: number;
  readonly options: QemuDrive;
  readonly cdrom: boolean;
  /** A CD-ROM drive without a disc. */
  readonly empty: boolean;
}

/** All drives, in the order of their buses. */
export function configuredDrives(config: QemuConfig): ConfiguredDrive[] {
  const drives: ConfiguredDrive[] = [];
  for (const key of qemuDriveKeys) {
    const address = driveAddress(key);
    const fields = fieldsOf(key);
    const options = fields && (optionOf(config, key, fields) as QemuDrive | undefined);
    if (!options || !address) continue;
    const cdrom = isCdrom(String(config[key]));
    drives.push({ key, ...address, options, cdrom, empty: options.file === 'none' });
  }
  return drives;
}

/** Whether the text of a disk key describes a CD-ROM drive. */
export function isCdrom(text: string): boolean {
  return (
    text.split(',').some((part) => part === 'media=cdrom') ||
    /^(?:file=|volume=)?(?:none|cdrom)(?:,|$)/.test(text)
  );
}
