/** Disks and CD-ROM drives: controllers and devices. */
import type { Arguments, DeviceSink, OptionValue } from '../arguments.ts';
import { type ConfiguredDrive, configuredDrives } from '../drive-options.ts';
import { cannot, type Guest } from '../guest-context.ts';
import { addDriveNodes } from './block.ts';
import { pciPlace } from './chipset.ts';

/** Disks of the LSI controllers on one controller: ids 0..6, the controller itself is 7. */
const lsiDisks = 7;

/** Longest serial number that ATA and virtio-blk have room for. */
const longestSerial = 20;

export function addDrives(guest: Guest, args: Arguments): void {
  const drives = configuredDrives(guest.config);
  const controllers = new Set<string>();
  for (const drive of drives) addDrive(guest, drive, controllers, args);
}

/** A drive with all it needs, whether the guest starts or runs; its controller only where `controllers` lacks it. */
export function addDrive(
  guest: Guest,
  drive: ConfiguredDrive,
  controllers: Set<string>,
  args: DeviceSink,
): void {
  if (drive.cdrom && drive.bus === 'virtio') {
    throw cannot(drive.key, 'a VirtIO block device cannot be a CD-ROM drive; use ide, sata or scsi');
  }
  addController(guest, drive, controllers, args);
  addDriveNodes(guest, drive, args);
  addDriveDevice(guest, drive, args);
}

/** Whether the guest has a SCSI controller for each disk, on the bus pci.3. */
export const hasSingleControllers = (guest: Guest): boolean => guest.config.scsihw === 'virtio-scsi-single';

/** Adds the controller that a drive sits on, once. i440fx and q35 have the IDE controller on board. */
function addController(guest: Guest, drive: ConfiguredDrive, made: Set<string>, args: DeviceSink): void {
  const id = controllerOf(guest, drive);
  if (id === undefined || made.has(id)) return;
  made.add(id);
  const place = pciPlace(guest.chipset, id);
  if (drive.bus === 'sata') args.device('ahci', { id, multifunction: true, ...place });
  else {
    const { driver, ...properties } = scsiController(guest, drive, args);
    args.device(driver, { id, ...place, ...properties });
  }
}

/** Id of the controller that a drive sits on; undefined for those on board and for drives that are PCI devices. */
export function controllerOf(guest: Guest, drive: ConfiguredDrive): string | undefined {
  if (drive.bus === 'sata') return 'ahci0';
  if (drive.bus !== 'scsi') return undefined;
  if (hasSingleControllers(guest)) return `virtioscsi${drive.index}`;
  return isLsi(guest) ? `scsihw${Math.floor(drive.index / lsiDisks)}` : 'scsihw0';
}

const isLsi = (guest: Guest) => /^lsi/.test(guest.config.scsihw ?? 'lsi');

function scsiController(guest: Guest, drive: ConfiguredDrive, args: DeviceSink) {
  const type = guest.config.scsihw ?? 'lsi';
  if (type === 'virtio-scsi-single') {
    return {
      driver: 'virtio-scsi-pci',
      iothread: addIothread(drive, args),
      num_queues: drive.options.queues,
    };
  }
  return { driver: type };
}

/** Id of the thread that serves a drive with iothread=1. */
export function iothreadId(drive: ConfiguredDrive): string {
  return `iothread-${drive.bus === 'scsi' ? 'virtioscsi' : drive.bus}${drive.index}`;
}

/** Adds the thread for a drive with iothread=1 and returns its id. */
function addIothread(drive: ConfiguredDrive, args: DeviceSink): string | undefined {
  if (!drive.options.iothread) return undefined;
  const id = iothreadId(drive);
  args.object('iothread', id);
  return id;
}

function addDriveDevice(guest: Guest, drive: ConfiguredDrive, args: DeviceSink): void {
  const node = drive.empty ? undefined : `drive-${drive.key}`;
  const common = { drive: node, id: drive.key, bootindex: guest.boot.get(drive.key) };
  if (drive.bus === 'virtio') addVirtioDisk(guest, drive, common, args);
  else if (drive.bus === 'scsi') addScsiDrive(guest, drive, common, args);
  else addAtaDrive(guest, drive, common, args);
}

type Properties = Record<string, OptionValue>;

/** What all disks but CD-ROM drives have. */
function diskProperties(drive: ConfiguredDrive): Properties {
  const { cache, werror, rerror } = drive.options;
  return {
    'write-cache': !(cache === 'writethrough' || cache === 'directsync'),
    werror,
    rerror,
    serial: serialOf(drive),
  };
}

function serialOf(drive: ConfiguredDrive): string | undefined {
  const serial = decoded(drive, 'serial');
  if (serial && Buffer.byteLength(serial) > longestSerial) {
    throw cannot(drive.key, `the serial number '${serial}' is longer than ${longestSerial} characters`);
  }
  return serial;
}

function decoded(drive: ConfiguredDrive, field: 'serial' | 'model'): string | undefined {
  const text = drive.options[field];
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw cannot(drive.key, `${field}='${text}' is not URL-encoded`);
  }
}

function addVirtioDisk(guest: Guest, drive: ConfiguredDrive, common: Properties, args: DeviceSink): void {
  const iothread = addIothread(drive, args);
  const place = pciPlace(guest.chipset, drive.key);
  args.device('virtio-blk-pci', { ...common, ...place, iothread, ...diskProperties(drive) });
}

function addScsiDrive(guest: Guest, drive: ConfiguredDrive, common: Properties, args: DeviceSink): void {
  const { options } = drive;
  if (options.iothread && !hasSingleControllers(guest)) {
    guest.note(`${drive.key}: iothread needs scsihw: virtio-scsi-single and is left out`);
  }
  const address =
    isLsi(guest) || guest.config.scsihw === 'pvscsi' ? { 'scsi-id': scsiId(guest, drive) } : lun(drive);
  const properties: Properties = { bus: `${controllerOf(guest, drive)}.0`, ...address, ...common };
  if (drive.cdrom) {
    args.device('scsi-cd', { ...properties, device_id: common.drive });
    return;
  }
  if (options.scsiblock) {
    // The device itself answers for its caches, names and numbers.
    args.device('scsi-block', { ...properties, werror: options.werror, rerror: options.rerror });
    return;
  }
  args.device('scsi-hd', {
    ...properties,
    // Names the disk below /dev/disk/by-id in the guest.
    device_id: common.drive,
    ...diskProperties(drive),
    vendor: options.vendor,
    product: options.product,
    wwn: options.wwn,
    rotation_rate: options.ssd ? 1 : undefined,
  });
}

/** Parallel SCSI: a target for each disk. */
function scsiId(guest: Guest, drive: ConfiguredDrive): number {
  return isLsi(guest) ? drive.index % lsiDisks : drive.index;
}

const lun = (drive: ConfiguredDrive) => ({ channel: 0, 'scsi-id': 0, lun: drive.index });

function addAtaDrive(guest: Guest, drive: ConfiguredDrive, common: Properties, args: DeviceSink): void {
  const { options } = drive;
  const properties: Properties = { ...ataPort(guest, drive), ...common };
  if (drive.cdrom) {
    args.device('ide-cd', { ...properties, model: decoded(drive, 'model') });
    return;
  }
  args.device('ide-hd', {
    ...properties,
    ...diskProperties(drive),
    model: decoded(drive, 'model'),
    wwn: options.wwn,
    rotation_rate: options.ssd ? 1 : undefined,
  });
}

/** IDE has two drives a cable; the SATA controllers, that of q35 included, one a port. */
function ataPort(guest: Guest, drive: ConfiguredDrive): Properties {
  if (drive.bus === 'sata') return { bus: `ahci0.${drive.index}` };
  if (guest.chipset === 'i440fx') return { bus: `ide.${Math.floor(drive.index / 2)}`, unit: drive.index % 2 };
  // ide0 and ide2 are what people use: they get the first ports, as guests from Proxmox VE expect.
  return { bus: `ide.${[0, 2, 1, 3][drive.index]}`, unit: 0 };
}
