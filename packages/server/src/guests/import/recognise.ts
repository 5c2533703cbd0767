/** Turns what an OVF descriptor says into the configuration of a guest, and into warnings about what cannot be kept. */
import { placeDrives } from './drives.ts';
import { netsOf } from './nets.ts';
import { recogniseOs } from './os-types.ts';
import { itemType, type OvfItem, type OvfMachine, unitBytes } from './ovf.ts';
import type { RecognisedMachine } from './recognised.ts';
import { Warnings } from './warnings.ts';

/** Items that every guest has anyway, or that only their platform needs: nothing is lost without them. */
const needless = /vmci|video|graphics|svga|vga|hpet|keyboard|mouse|pointing|usb|precisionclock/i;

export function recogniseMachine(machine: OvfMachine): RecognisedMachine {
  const warnings = new Warnings();
  if (machine.systems > 1) warnings.add('more-machines', undefined, String(machine.systems));
  const config: Record<string, string | number> = {
    ...identityOf(machine),
    ...processorOf(machine, warnings),
    ...memoryOf(machine, warnings),
    ...osOf(machine, warnings),
  };
  const firmware = firmwareOf(machine, warnings);
  const drives = placeDrives(machine, firmware.efi, warnings);
  const nets = netsOf(machine, warnings);
  const ports = portsOf(machine, warnings);
  return {
    config: { ...config, ...firmware.config, ...drives.config, ...ports },
    disks: { ...drives.disks, ...firmware.disks },
    nets,
    secureBoot: firmware.secureBoot,
    warnings: warnings.all,
  };
}

/** A host name out of any text; the notes as they are, at most 8 KiB. */
function identityOf({ name, annotation }: OvfMachine): Record<string, string> {
  const label = (name ?? '')
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9.-]+/g, '-')
    .split('.')
    .map((part) => part.slice(0, 63).replace(/^-+|-+$/g, ''))
    .filter((part) => part !== '')
    .join('.');
  return {
    ...(label === '' ? {} : { name: label.slice(0, 200).replace(/[.-]+$/, '') }),
    ...(annotation === undefined ? {} : { description: annotation.slice(0, 8192) }),
  };
}

const mostProcessors = 1024;

function processorOf({ items }: OvfMachine, warnings: Warnings): Record<string, number> {
  const item = items.find((one) => one.type === itemType.processor);
  const count = item?.quantity ?? 1;
  if (count < 1 || count > mostProcessors) {
    warnings.add('value-not-recognised', 'cores', String(count));
    return { cores: 1, sockets: 1 };
  }
  const perSocket = item?.coresPerSocket ?? count;
  return perSocket > 0 && count % perSocket === 0
    ? { cores: perSocket, sockets: count / perSocket }
    : { cores: count, sockets: 1 };
}

function memoryOf({ items }: OvfMachine, warnings: Warnings): Record<string, number> {
  const item = items.find((one) => one.type === itemType.memory);
  if (item?.quantity === undefined) return {};
  const factor = unitBytes(item.units ?? 'byte * 2^20');
  const mebibytes = Math.ceil((item.quantity * (factor ?? 1024 ** 2)) / 1024 ** 2);
  if (factor === undefined || mebibytes < 16 || mebibytes > 64 * 1024 ** 2) {
    warnings.add('value-not-recognised', 'memory', `${item.quantity} ${item.units ?? ''}`.trim());
    return {};
  }
  return { memory: mebibytes };
}

function osOf({ os }: OvfMachine, warnings: Warnings): Record<string, string> {
  const ostype = recogniseOs(os);
  if (ostype === undefined) {
    const said =
      os.vmware ?? os.virtualBox ?? os.description ?? (os.cim === undefined ? '' : `CIM ${os.cim}`);
    if (!/^other(guest)?(_?64)?(guest)?$/i.test(said) && said !== '')
      warnings.add('os-unknown', 'ostype', said);
  }
  return { ostype: ostype ?? 'other' };
}

interface Firmware {
  readonly efi: boolean;
  readonly secureBoot: boolean;
  readonly config: Readonly<Record<string, string>>;
  readonly disks: Readonly<Record<string, 1>>;
}

function firmwareOf({ settings, virtualBox, items }: OvfMachine, warnings: Warnings): Firmware {
  const isTrue = (key: string) => settings.get(key.toLowerCase()) === 'true';
  const secureBoot = isTrue('bootOptions.efiSecureBootEnabled') || isTrue('uefi.secureBoot.enabled');
  const efi = settings.get('firmware')?.toLowerCase() === 'efi' || virtualBox?.efi === true || secureBoot;
  const tpm = virtualBox?.tpm === true || items.some(isTpm);
  if (efi) warnings.add('efi-state-lost', 'efidisk0');
  if (tpm) warnings.add('tpm-state-lost', 'tpmstate0');
  return {
    efi,
    secureBoot,
    config: efi ? { bios: 'ovmf', machine: 'q35' } : {},
    disks: { ...(efi ? { efidisk0: 1 } : {}), ...(tpm ? { tpmstate0: 1 } : {}) },
  };
}

const isTpm = (item: OvfItem): boolean => item.type === itemType.other && /tpm/i.test(item.subType);

/** Controllers, disks and cards are looked at elsewhere. */
const placed: readonly number[] = [
  itemType.processor,
  itemType.memory,
  itemType.ideController,
  itemType.scsiController,
  itemType.ethernet,
  itemType.cdDrive,
  itemType.dvdDrive,
  itemType.disk,
];
const mostSerialPorts = 4;

/** Serial ports and sound; the rest becomes warnings. */
function portsOf({ items }: OvfMachine, warnings: Warnings): Record<string, string> {
  const config: Record<string, string> = {};
  let serial = 0;
  for (const item of items) {
    if (placed.includes(item.type) || isTpm(item) || isDiskController(item)) continue;
    if (item.type === itemType.serialPort && serial < mostSerialPorts) {
      const key = `serial${serial++}`;
      config[key] = 'socket';
      warnings.add('serial-port-socket-only', key);
    } else if (isSound(item) && config.audio0 === undefined) {
      config.audio0 = `device=${/97|1371/.test(item.subType) ? 'AC97' : 'ich9-intel-hda'},driver=none`;
    } else if (!isNeedless(item)) {
      warnings.add('device-not-imported', item.name || `ResourceType ${item.type}`, item.subType);
    }
  }
  return config;
}

const isSound = (item: OvfItem): boolean =>
  item.type === itemType.sound || (item.type === itemType.other && /soundcard/i.test(item.subType));

const isNeedless = (item: OvfItem): boolean =>
  item.type === itemType.usbController ||
  item.type === itemType.graphics ||
  (item.type === itemType.other && needless.test(`${item.subType} ${item.name}`));

/** SATA and NVMe controllers have no number of their own. */
export const isDiskController = (item: OvfItem): boolean =>
  item.type === itemType.otherStorage && /ahci|sata|nvme|virtio/i.test(item.subType);
