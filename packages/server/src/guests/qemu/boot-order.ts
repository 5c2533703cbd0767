/** Which devices the firmware boots from, in which order: QEMU's `bootindex`. */
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { type QemuConfig, qemuDriveKeys, qemuNetKeys } from '@ryokan/api/schema/qemu-config.ts';
import { bootFields } from '@ryokan/api/schema/qemu-options.ts';
import type { ConfigProperties } from '../config-file.ts';
import { optionOf } from './config.ts';
import { isCdrom } from './drive-options.ts';

/** bootindex by configuration key; devices without one are not booted from. */
export type BootIndexes = ReadonlyMap<string, number>;

/** Indexes start here; room in front lets a person boot something else first by `args`. */
const first = 100;

export function bootIndexes(config: QemuConfig): BootIndexes {
  const boot = optionOf(config, 'boot', bootFields);
  // An empty order is a choice too: boot from nothing.
  const order =
    boot?.order === undefined
      ? legacyOrder(config, boot?.legacy ?? 'cdn')
      : boot.order.split(/[;,\s]+/).filter(Boolean);
  return new Map(order.map((key, position) => [key, first + position]));
}

/** The older form names kinds: c the boot disk, d all CD-ROM drives, n all network cards (a, floppies, do not exist). */
function legacyOrder(config: QemuConfig, kinds: string): string[] {
  const drives = qemuDriveKeys.filter((key) => config[key] !== undefined);
  const cdroms = drives.filter((key) => isCdrom(String(config[key])));
  const disks = drives.filter((key) => !cdroms.includes(key));
  const bootDisk = config.bootdisk ?? disks[0];
  return [...kinds].flatMap((kind) => {
    if (kind === 'c') return bootDisk && disks.some((key) => key === bootDisk) ? [bootDisk] : [];
    if (kind === 'd') return cdroms;
    if (kind === 'n') return qemuNetKeys.filter((key) => config[key] !== undefined);
    return [];
  });
}

/** A configuration whose boot order does not name the device any more; without any order when it was the only one. */
export function withoutBootDevice(properties: ConfigProperties, key: string): ConfigProperties {
  const { boot, ...rest } = properties;
  const order = boot === undefined ? undefined : parsePropertyString(bootFields, boot).order;
  const devices = order?.split(/[;,\s]+/).filter(Boolean) ?? [];
  if (!devices.includes(key)) return properties;
  const left = devices.filter((device) => device !== key);
  return left.length === 0 ? rest : { ...rest, boot: `order=${left.join(';')}` };
}
