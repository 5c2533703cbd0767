/** Controllers, disks and CD drives of an OVF descriptor, placed on the buses that a guest has. */
import { importableFormat, isPlainFileName } from '@ryokan/api/schema/volume-id.ts';
import { itemType, type OvfDisk, type OvfItem, type OvfMachine } from './ovf.ts';
import type { RecognisedDisk } from './recognised.ts';
import type { Warnings } from './warnings.ts';

type Bus = 'ide' | 'sata' | 'scsi' | 'virtio';

/** Places of each bus. */
const places: Readonly<Record<Bus, number>> = { ide: 4, sata: 6, scsi: 31, virtio: 16 };

interface Controller {
  readonly bus: Bus;
  /** Place of its first device: the second IDE channel begins at ide2. */
  readonly base: number;
  /** Value of `scsihw`, for SCSI. */
  readonly scsihw?: string;
}

export interface PlacedDrives {
  readonly config: Readonly<Record<string, string>>;
  readonly disks: Readonly<Record<string, RecognisedDisk>>;
}

export function placeDrives(machine: OvfMachine, efi: boolean, warnings: Warnings): PlacedDrives {
  const controllers = controllersOf(machine.items, warnings);
  const taken = new Set<string>();
  const disks: Record<string, RecognisedDisk> = {};
  const config: Record<string, string> = {};
  for (const item of inOrder(machine.items)) {
    const controller = controllers.get(item.parent ?? '') ?? { bus: 'scsi', base: 0 };
    if (item.type === itemType.disk) {
      const disk = diskOf(machine, item, warnings);
      if (disk) disks[take(controller, item, taken)] = disk;
      continue;
    }
    const key = take(controller, item, taken);
    config[key] = 'none,media=cdrom';
    const image = imageOf(machine, item);
    if (image !== undefined) warnings.add('cdrom-image-ignored', key, image);
  }
  const scsihw = scsiModel(machine.items, controllers);
  const usesScsi = [...Object.keys(disks), ...Object.keys(config)].some((key) => key.startsWith('scsi'));
  if (usesScsi) config.scsihw = scsihw;
  if (usesScsi && efi && scsihw === 'lsi') warnings.add('ovmf-with-lsi-unsupported', 'scsihw', scsihw);
  if (Object.keys(disks).length === 0) warnings.add('no-disks');
  const boot = bootOrder(disks, config);
  return { config: { ...config, ...(boot ? { boot } : {}) }, disks };
}

function controllersOf(items: readonly OvfItem[], warnings: Warnings): Map<string, Controller> {
  const controllers = new Map<string, Controller>();
  let ideChannels = 0;
  for (const item of items) {
    const controller = controllerOf(item, ideChannels, warnings);
    if (!controller) continue;
    if (controller.bus === 'ide') ideChannels++;
    controllers.set(item.id, controller);
  }
  return controllers;
}

function controllerOf(item: OvfItem, ideChannels: number, warnings: Warnings): Controller | undefined {
  const kind = item.subType.toLowerCase();
  if (item.type === itemType.ideController) {
    // The address says which channel it is; some tools leave it out, and count.
    const channel = item.address === '0' || item.address === '1' ? Number(item.address) : ideChannels;
    return { bus: 'ide', base: Math.min(channel, 1) * 2 };
  }
  if (item.type === itemType.scsiController) {
    return { bus: 'scsi', base: 0, scsihw: scsiModelOf(item, warnings) };
  }
  if (item.type !== itemType.otherStorage) return undefined;
  if (/ahci|sata/.test(kind)) return { bus: 'sata', base: 0 };
  if (/virtio-?scsi/.test(kind)) return { bus: 'scsi', base: 0, scsihw: 'virtio-scsi-single' };
  if (/virtio/.test(kind)) return { bus: 'virtio', base: 0 };
  if (!/nvme/.test(kind)) return undefined;
  warnings.add('nvme-unsupported', item.name, 'scsi');
  return { bus: 'scsi', base: 0, scsihw: 'virtio-scsi-single' };
}

function scsiModelOf({ subType, name }: OvfItem, warnings: Warnings): string {
  const kind = subType.toLowerCase();
  if (kind === 'lsilogic' || kind === '') return 'lsi';
  if (/lsilogic-?sas|lsisas/.test(kind)) return 'megasas';
  if (/virtualscsi|pvscsi/.test(kind)) return 'pvscsi';
  if (/virtio/.test(kind)) return 'virtio-scsi-single';
  warnings.add('device-replaced', name, `${subType} → lsi`);
  return 'lsi';
}

/** A guest has one model of SCSI controllers: that of the first one with a drive. */
function scsiModel(items: readonly OvfItem[], controllers: ReadonlyMap<string, Controller>): string {
  for (const item of inOrder(items)) {
    const model = controllers.get(item.parent ?? '')?.scsihw;
    if (model !== undefined) return model;
  }
  return 'lsi';
}

/** Disks and CD drives by controller and place, so that the first disk stays the first. */
function inOrder(items: readonly OvfItem[]): OvfItem[] {
  const isDrive = ({ type }: OvfItem) =>
    type === itemType.disk || type === itemType.cdDrive || type === itemType.dvdDrive;
  const order = items.map((item) => item.id);
  return items
    .filter(isDrive)
    .sort(
      (a, b) =>
        order.indexOf(a.parent ?? '') - order.indexOf(b.parent ?? '') ||
        (a.addressOnParent ?? 0) - (b.addressOnParent ?? 0),
    );
}

/** The device's own place where the bus has it free, else the next free one; when the bus is full, one on SCSI. */
function take({ bus, base }: Controller, item: OvfItem, taken: Set<string>): string {
  const wanted = bus === 'scsi' || bus === 'virtio' ? 0 : base + (item.addressOnParent ?? 0);
  const candidates = [
    ...Array.from({ length: places[bus] }, (_, index) => `${bus}${(wanted + index) % places[bus]}`),
    ...Array.from({ length: places.scsi }, (_, index) => `scsi${index}`),
  ];
  const key = candidates.find((one) => !taken.has(one)) ?? candidates[0] ?? 'scsi0';
  taken.add(key);
  return key;
}

/** `ovf:/disk/vmdisk1` or `ovf:/file/file1`, also without the scheme. */
function referred(machine: OvfMachine, item: OvfItem): { disk?: OvfDisk; href?: string } {
  const [, kind, id = ''] = /^(?:ovf:)?\/(disk|file)\/(.+)$/.exec(item.hostResource ?? '') ?? [];
  if (kind === 'disk') {
    const disk = machine.disks.get(id);
    return disk ? { disk } : {};
  }
  const file = kind === 'file' ? machine.files.get(id) : undefined;
  return file ? { disk: { id, file, hasParent: false }, href: file.href } : {};
}

function imageOf(machine: OvfMachine, item: OvfItem): string | undefined {
  return referred(machine, item).href;
}

function diskOf(machine: OvfMachine, item: OvfItem, warnings: Warnings): RecognisedDisk | undefined {
  const { disk } = referred(machine, item);
  const name = item.name || item.id;
  if (!disk) {
    warnings.add('disk-missing', name, item.hostResource);
    return undefined;
  }
  const size = disk.capacity === undefined ? {} : { size: disk.capacity };
  if (!disk.file) {
    if (disk.capacity) return size;
    warnings.add('disk-missing', name, disk.id);
    return undefined;
  }
  const file = fileName(disk.file.href);
  const isReadable =
    !disk.hasParent &&
    !disk.file.compressed &&
    !disk.file.chunked &&
    file !== undefined &&
    importableFormat(file);
  if (!isReadable) {
    warnings.add('disk-unsupported', name, disk.file.href);
    return undefined;
  }
  return { file, ...size };
}

/** A file beside the descriptor: no folder, no other machine. */
function fileName(href: string): string | undefined {
  try {
    const name = decodeURIComponent(href.replace(/^\.\//, ''));
    return isPlainFileName(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

function bootOrder(
  disks: Readonly<Record<string, RecognisedDisk>>,
  config: Readonly<Record<string, string>>,
): string | undefined {
  const first = Object.keys(disks)[0];
  const cdrom = Object.keys(config).find((key) => config[key]?.endsWith('media=cdrom'));
  const order = [first, cdrom].filter((key) => key !== undefined);
  return order.length > 0 ? `order=${order.join(';')}` : undefined;
}
