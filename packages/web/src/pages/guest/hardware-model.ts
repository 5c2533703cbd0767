/**
 * The rows of the tables of devices: each device with what it is now and what it becomes, and what can be done with it.
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
  readVolume,
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
  /** Why the running guest does not have it yet, in the node's words; one for each key that has one. */
  readonly reasons: readonly string[];
}

/** Which keys of the configuration a table shows, and how. */
export interface DeviceLayout {
  /** Rows that stand always, with their defaults: their keys; those besides the first are options of it. */
  readonly combined: Readonly<Partial<Record<DeviceGroup, readonly string[]>>>;
  readonly order: readonly DeviceGroup[];
  /** The kind of device that a key is; undefined when the table does not show it. */
  readonly groupOf: (key: string, value: string) => DeviceGroup | undefined;
}

const combined: DeviceLayout['combined'] = {
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
  'parallel',
  'usb',
  'pci',
  'audio',
  'rng',
  'watchdog',
  'directory',
  'sharedmemory',
  'numanode',
  'unused',
];

export const machineLayout: DeviceLayout = { combined, order, groupOf: deviceGroup };

export function deviceRows(
  entries: ReadonlyMap<string, ConfigEntry>,
  { combined, order, groupOf }: DeviceLayout,
): HardwareRow[] {
  const rows: HardwareRow[] = [];
  for (const [group, keys] of Object.entries(combined) as [DeviceGroup, readonly string[]][]) {
    rows.push(rowOf(group, group, keys, entries));
  }
  for (const entry of entries.values()) {
    const group = groupOf(entry.key, entry.value ?? entry.pending ?? '');
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
  const reasons: string[] = [];
  for (const key of keys) {
    const entry = entries.get(key);
    if (!entry) continue;
    if (entry.value !== undefined) now[key] = entry.value;
    const after = future(entry);
    if (after !== undefined) next[key] = after;
    pending ||= hasPending(entry);
    if (entry.reason !== undefined && !reasons.includes(entry.reason)) reasons.push(entry.reason);
  }
  return { id, group, keys, now, next, pending, reasons };
}

const builtIn: ReadonlySet<DeviceGroup> = new Set([
  ...(Object.keys(combined) as DeviceGroup[]),
  'swap',
  'cpu',
  'rootfs',
]);

/** Devices that can be taken away; what is built in can only be changed. */
export function isRemovable(row: HardwareRow): boolean {
  return !builtIn.has(row.group);
}

const withVolume: ReadonlySet<DeviceGroup> = new Set([
  'disk',
  'efidisk',
  'tpm',
  'unused',
  'rootfs',
  'mountpoint',
]);

/** Disks and what else has a volume of the guest: it can move to another storage. */
export function hasVolume(row: HardwareRow): boolean {
  return withVolume.has(row.group) && volumeOf(row) !== undefined;
}

/** The volume of a row; undefined for what is none of the guest's own. */
export function volumeOf(row: HardwareRow): ReturnType<typeof readVolume> {
  return readVolume(row.now[row.id] ?? row.next[row.id] ?? '');
}

/** Volumes that a person makes larger: not those of a fixed size. */
export function canGrow(row: HardwareRow): boolean {
  return ['disk', 'rootfs', 'mountpoint'].includes(row.group) && hasVolume(row);
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
