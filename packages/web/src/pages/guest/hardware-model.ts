/**
 * The rows of the hardware table: each device with what it is now and what it becomes, and what can be done with it.
 * Pure, over the entries of `pending`.
 */
import {
  bootable,
  type ConfigEntry,
  type DeviceGroup,
  deviceGroup,
  future,
  hasPending,
  readDrive,
  readNet,
} from './config-model.ts';

export interface HardwareRow {
  /** Key of the device, or the group for rows of several keys. */
  readonly id: string;
  readonly group: DeviceGroup;
  /** Configuration keys that the row stands for. */
  readonly keys: readonly string[];
  /** Values now, by key; empty for a device that is only pending. */
  readonly now: Readonly<Record<string, string>>;
  /** Values after the next start; empty for a device that goes. */
  readonly next: Readonly<Record<string, string>>;
  readonly pending: boolean;
}

/** Rows of several keys stand always, with their defaults; the keys besides the first are options of it. */
const combined: Readonly<Partial<Record<DeviceGroup, readonly string[]>>> = {
  memory: ['memory', 'balloon', 'shares', 'hugepages', 'keephugepages'],
  processor: ['sockets', 'cores', 'cpu', 'vcpus', 'cpulimit', 'cpuunits', 'affinity', 'numa'],
  bios: ['bios'],
  display: ['vga'],
  machine: ['machine'],
  scsihw: ['scsihw'],
};

const order: readonly DeviceGroup[] = [
  'memory',
  'processor',
  'bios',
  'display',
  'machine',
  'scsihw',
  'cdrom',
  'cloudinit',
  'disk',
  'efidisk',
  'tpm',
  'network',
  'serial',
  'usb',
  'pci',
  'audio',
  'rng',
  'watchdog',
  'unused',
];

export function hardwareRows(entries: ReadonlyMap<string, ConfigEntry>): HardwareRow[] {
  const rows: HardwareRow[] = [];
  for (const [group, keys] of Object.entries(combined) as [DeviceGroup, readonly string[]][]) {
    rows.push(rowOf(group, group, keys, entries));
  }
  for (const entry of entries.values()) {
    const group = deviceGroup(entry.key, entry.value ?? entry.pending ?? '');
    if (group && !(group in combined)) rows.push(rowOf(entry.key, group, [entry.key], entries));
  }
  const place = (row: HardwareRow) => order.indexOf(row.group);
  const number = (row: HardwareRow) => Number(/\d+$/.exec(row.id)?.[0] ?? 0);
  return rows.sort(
    (a, b) => place(a) - place(b) || busOf(a.id).localeCompare(busOf(b.id)) || number(a) - number(b),
  );
}

const busOf = (id: string) => id.replace(/\d+$/, '');

function rowOf(
  id: string,
  group: DeviceGroup,
  keys: readonly string[],
  entries: ReadonlyMap<string, ConfigEntry>,
): HardwareRow {
  const now: Record<string, string> = {};
  const next: Record<string, string> = {};
  let pending = false;
  for (const key of keys) {
    const entry = entries.get(key);
    if (!entry) continue;
    if (entry.value !== undefined) now[key] = entry.value;
    const after = future(entry);
    if (after !== undefined) next[key] = after;
    pending ||= hasPending(entry);
  }
  return { id, group, keys, now, next, pending };
}

/** Devices that can be taken away; what is built in can only be changed. */
export function isRemovable(row: HardwareRow): boolean {
  return !(row.group in combined);
}

/** Disks and what else has a volume of the guest: it can move to another storage. */
export function hasVolume(row: HardwareRow): boolean {
  return ['disk', 'efidisk', 'tpm', 'unused'].includes(row.group);
}

/** A drive with a medium that can be taken out. */
export function hasMedium(row: HardwareRow): boolean {
  const text = row.next[row.id];
  return row.group === 'cdrom' && text !== undefined && readDrive(row.id, text)?.file !== 'none';
}

/** The sizes and names a person looks for, out of a property string; the rest stays as written. */
export interface DeviceText {
  readonly main: string;
  readonly details: readonly string[];
}

export function driveText(key: string, text: string): DeviceText {
  const drive = readDrive(key, text);
  if (!drive) return { main: text, details: [] };
  const skipped = new Set(['file', 'media']);
  const details = Object.entries(drive)
    .filter(([name, value]) => !skipped.has(name) && value !== undefined)
    .map(([name, value]) => `${name}=${value === true ? 'on' : value === false ? 'off' : String(value)}`)
    // The size is what one looks for first.
    .sort((a, b) => Number(b.startsWith('size=')) - Number(a.startsWith('size=')));
  return { main: drive.file, details };
}

export function netText(text: string): DeviceText & { readonly bridge: string } {
  const net = readNet(text);
  if (!net) return { main: text, details: [], bridge: '' };
  const { model, macaddr, bridge = '', ...rest } = net;
  const details = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value === true ? 'on' : value === false ? 'off' : String(value)}`);
  return { main: macaddr ? `${model} ${macaddr}` : model, details, bridge };
}

/** The boot order with every bootable device: those in the order first, then the others, switched off. */
export function bootList(
  order: readonly string[] | undefined,
  keys: Iterable<string>,
): { key: string; on: boolean }[] {
  const possible = bootable(keys);
  const chosen = (order ?? []).filter((key) => possible.includes(key));
  return [
    ...chosen.map((key) => ({ key, on: true })),
    ...possible.filter((key) => !chosen.includes(key)).map((key) => ({ key, on: false })),
  ];
}
