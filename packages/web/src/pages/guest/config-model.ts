/**
 * A guest's configuration as its pages show it: devices with their present and pending values, drives, volumes. Pure
 * functions over the answers of `config` and `pending`.
 */
import { parsePropertyString, propertyStringFields } from '@ryokan/api/schema/property-string.ts';
import { driveAddress, qemuConfigFields } from '@ryokan/api/schema/qemu-config.ts';
import { type QemuDrive, scsiDriveFields } from '@ryokan/api/schema/qemu-drive.ts';
import { type QemuNet, qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import type { TSchema } from '@ryokan/api/schema/types.ts';

/** Configuration as the API answers it: numbers, texts, property strings. */
export type Config = Readonly<Record<string, unknown>>;

export interface PendingRow {
  readonly key: string;
  readonly value?: string | undefined;
  readonly pending?: string | undefined;
  readonly delete?: number | undefined;
  readonly reason?: string | undefined;
}

/** One key with what it is now and what it becomes at the next start. */
export interface ConfigEntry {
  readonly key: string;
  /** Undefined when the key exists only as a pending addition. */
  readonly value: string | undefined;
  /** Undefined when nothing is pending. */
  readonly pending: string | undefined;
  /** True: goes at the next start. */
  readonly removing: boolean;
  /** Why the running guest does not have it yet, in the node's words. */
  readonly reason?: string | undefined;
}

export function entriesOf(rows: readonly PendingRow[]): Map<string, ConfigEntry> {
  const entries = new Map<string, ConfigEntry>();
  for (const row of rows) {
    entries.set(row.key, {
      key: row.key,
      value: row.value === undefined ? undefined : String(row.value),
      pending: row.pending === undefined ? undefined : String(row.pending),
      removing: Boolean(row.delete),
      ...(row.reason === undefined ? {} : { reason: row.reason }),
    });
  }
  return entries;
}

/** What a key will be after the next start; undefined when it will not be there. */
export function future(entry: ConfigEntry | undefined): string | undefined {
  if (!entry || entry.removing) return undefined;
  return entry.pending ?? entry.value;
}

export function hasPending(entry: ConfigEntry): boolean {
  return entry.pending !== undefined || entry.removing;
}

/** Parses a drive of any bus; undefined when the text is none. */
export function readDrive(key: string, text: string): QemuDrive | undefined {
  const fields =
    propertyStringFields((qemuConfigFields as Record<string, TSchema>)[key] as TSchema) ?? scsiDriveFields;
  try {
    return parsePropertyString(fields as typeof scsiDriveFields, text) as QemuDrive;
  } catch {
    return undefined;
  }
}

export function isCdrom(drive: QemuDrive): boolean {
  return drive.media === 'cdrom';
}

/** Whether a CD-ROM carries the data for cloud-init: `local:100/vm-100-cloudinit.qcow2`, `local:cloudinit`. */
export function isCloudInit(drive: QemuDrive): boolean {
  return /(?::|[-/])cloudinit\b/.test(drive.file);
}

export function readNet(text: string): QemuNet | undefined {
  try {
    return parsePropertyString(qemuNetFields, text);
  } catch {
    return undefined;
  }
}

const storageKeys = /^(?:rootfs|(?:ide|sata|scsi|virtio|efidisk|tpmstate|mp|unused)\d+)$/;

export interface GuestVolume {
  readonly key: string;
  readonly volid: string;
  readonly size?: string | undefined;
}

/** A volume of `local:100/vm-100-disk-0.qcow2,size=8G`, of any device of any guest; undefined for other things. */
export function readVolume(text: string): { volid: string; size: string | undefined } | undefined {
  const parts = text.split(',').map((part) => /^(?:(\w+)=)?(.*)$/s.exec(part) ?? []);
  const option = (...names: readonly string[]) => parts.find(([, name = '']) => names.includes(name))?.[2];
  const volid = option('', 'file', 'volume') ?? '';
  // Directories and devices of the node are not the guest's own, nor are CD-ROM images.
  if (volid.startsWith('/') || !volid.includes(':') || option('media') === 'cdrom') return undefined;
  return { volid, size: option('size') };
}

/** Volumes that belong to the guest: what removing it removes. */
export function volumesOf(config: Config): GuestVolume[] {
  const volumes: GuestVolume[] = [];
  for (const [key, value] of Object.entries(config)) {
    const volume = storageKeys.test(key) && typeof value === 'string' ? readVolume(value) : undefined;
    if (volume) volumes.push({ key, volid: volume.volid, ...(volume.size ? { size: volume.size } : {}) });
  }
  return volumes.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The first free key of a family (`scsi` → `scsi2`) among the keys of a kind; undefined when all are taken. */
export function freeKey(
  family: string,
  taken: ReadonlySet<string>,
  fields: Readonly<Record<string, unknown>> = qemuConfigFields,
): string | undefined {
  for (let index = 0; `${family}${index}` in fields; index++) {
    if (!taken.has(`${family}${index}`)) return `${family}${index}`;
  }
  return undefined;
}

export type DeviceGroup =
  | 'memory'
  | 'processor'
  | 'bios'
  | 'display'
  | 'machine'
  | 'scsihw'
  | 'disk'
  | 'cdrom'
  | 'cloudinit'
  | 'efidisk'
  | 'tpm'
  | 'network'
  | 'serial'
  | 'parallel'
  | 'rng'
  | 'usb'
  | 'pci'
  | 'audio'
  | 'watchdog'
  | 'directory'
  | 'sharedmemory'
  | 'numanode'
  | 'unused'
  | 'other'
  // Of containers only:
  | 'swap'
  | 'cpu'
  | 'rootfs'
  | 'mountpoint'
  | 'device'
  | 'card';

const groupPatterns: readonly (readonly [RegExp, DeviceGroup])[] = [
  [/^(memory|balloon|shares|hugepages|keephugepages)$/, 'memory'],
  [/^(cpu|cores|sockets|vcpus|cpulimit|cpuunits|affinity|numa)$/, 'processor'],
  [/^bios$/, 'bios'],
  [/^vga$/, 'display'],
  [/^machine$/, 'machine'],
  [/^scsihw$/, 'scsihw'],
  [/^efidisk0$/, 'efidisk'],
  [/^tpmstate0$/, 'tpm'],
  [/^net\d+$/, 'network'],
  [/^serial\d+$/, 'serial'],
  [/^parallel\d+$/, 'parallel'],
  [/^rng0$/, 'rng'],
  [/^usb\d+$/, 'usb'],
  [/^hostpci\d+$/, 'pci'],
  [/^audio0$/, 'audio'],
  [/^watchdog$/, 'watchdog'],
  [/^virtiofs\d+$/, 'directory'],
  [/^ivshmem$/, 'sharedmemory'],
  [/^numa\d+$/, 'numanode'],
  [/^unused\d+$/, 'unused'],
];

/** What kind of device a key is; undefined for keys that are options and not hardware. */
export function deviceGroup(key: string, value: string): DeviceGroup | undefined {
  if (driveAddress(key)) {
    const drive = readDrive(key, value);
    if (!drive || !isCdrom(drive)) return 'disk';
    return isCloudInit(drive) ? 'cloudinit' : 'cdrom';
  }
  return groupPatterns.find(([pattern]) => pattern.test(key))?.[1];
}

/** Boot devices in order, as `boot: order=scsi0;ide2` has them; undefined when the order is the default one. */
export function bootOrder(boot: string | undefined): string[] | undefined {
  const match = /(?:^|,)order=([^,]*)/.exec(boot ?? '');
  return match ? (match[1] ?? '').split(';').filter(Boolean) : undefined;
}

/** Keys one can boot from: disks, CD-ROMs and network cards, each in the order of its number. */
export function bootable(keys: Iterable<string>): string[] {
  const order = ['scsi', 'virtio', 'sata', 'ide', 'net'];
  const parts = (key: string) => /^([a-z]+)(\d+)$/.exec(key);
  return [...keys]
    .filter((key) => driveAddress(key) || /^net\d+$/.test(key))
    .sort((a, b) => {
      const [left, right] = [parts(a), parts(b)];
      return (
        order.indexOf(left?.[1] ?? '') - order.indexOf(right?.[1] ?? '') ||
        Number(left?.[2] ?? 0) - Number(right?.[2] ?? 0)
      );
    });
}
