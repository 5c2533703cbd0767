/**
 * PCI devices as the kernel shows them below /sys (Documentation/ABI/testing/sysfs-bus-pci and vfio-mediated-device).
 * `sys` is another root of that tree for tests.
 */
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readTextIfPresent } from './files.ts';

export interface PciDevice {
  /** `0000:01:00.0` */
  readonly address: string;
  /** Hexadecimal with 0x in front, as the kernel writes them. */
  readonly class: string;
  readonly vendor: string;
  readonly device: string;
  readonly subsystemVendor?: string;
  readonly subsystemDevice?: string;
  /** Undefined when no IOMMU is in use. */
  readonly iommuGroup?: number;
  readonly mediated: boolean;
  /** The driver that has it. */
  readonly driver?: string;
}

export interface MediatedType {
  readonly type: string;
  readonly available: number;
  readonly description: string;
  readonly name?: string;
}

const defaultSys = '/sys';

export function pciDevices(sys = defaultSys): PciDevice[] {
  return names(join(sys, 'bus/pci/devices'))
    .sort()
    .map((address) => pciDevice(address, sys))
    .filter((device) => device !== undefined);
}

/** One device by its full address; undefined when there is none. */
export function pciDevice(address: string, sys = defaultSys): PciDevice | undefined {
  const folder = deviceFolder(address, sys);
  const read = (name: string) => readTextIfPresent(join(folder, name))?.trim();
  const [cls, vendor, device] = [read('class'), read('vendor'), read('device')];
  if (!cls || !vendor || !device) return undefined;
  const group = link(join(folder, 'iommu_group'));
  const driver = link(join(folder, 'driver'));
  const subsystemVendor = read('subsystem_vendor');
  const subsystemDevice = read('subsystem_device');
  return {
    address,
    class: cls,
    vendor,
    device,
    ...(subsystemVendor === undefined ? {} : { subsystemVendor }),
    ...(subsystemDevice === undefined ? {} : { subsystemDevice }),
    ...(group === undefined ? {} : { iommuGroup: Number(group) }),
    mediated: existsSync(join(folder, 'mdev_supported_types')),
    ...(driver === undefined ? {} : { driver }),
  };
}

/** `01:00.0` as `0000:01:00.0`. */
export function fullAddress(address: string): string {
  return /^[0-9a-f]+:[0-9a-f]+:/i.test(address) ? address : `0000:${address}`;
}

/** The functions that an address means: itself, or without a function number all that are there. */
export function pciFunctions(address: string, sys = defaultSys): string[] {
  const full = fullAddress(address);
  if (/\.[0-9a-f]$/.test(full)) return [full];
  return names(join(sys, 'bus/pci/devices'))
    .filter((name) => name.startsWith(`${full}.`))
    .sort();
}

/** Devices that share an IOMMU group: they can only be passed through together. Bridges count for nothing here. */
export function groupMembers(group: number, sys = defaultSys): string[] {
  return names(join(sys, 'kernel/iommu_groups', String(group), 'devices'))
    .filter((address) => !pciDevice(address, sys)?.class.startsWith('0x06'))
    .sort();
}

export function mediatedTypes(address: string, sys = defaultSys): MediatedType[] {
  const folder = join(deviceFolder(address, sys), 'mdev_supported_types');
  return names(folder).map((type) => {
    const read = (name: string) => readTextIfPresent(join(folder, type, name))?.trim();
    const name = read('name');
    return {
      type,
      available: Number(read('available_instances') ?? 0),
      description: read('description') ?? '',
      ...(name ? { name } : {}),
    };
  });
}

export function deviceFolder(address: string, sys = defaultSys): string {
  return join(sys, 'bus/pci/devices', address);
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Last part of where a symbolic link points. */
function link(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch {
    return undefined;
  }
}

/** Names of vendors and devices from Debian's package pci.ids, where it is installed. */
export class PciNames {
  private readonly vendors = new Map<string, { name: string; devices: Map<string, string> }>();
  private readonly subsystems = new Map<string, string>();

  constructor(text = readTextIfPresent('/usr/share/misc/pci.ids') ?? '') {
    let vendor: { name: string; devices: Map<string, string> } | undefined;
    for (const line of text.split('\n')) {
      // Classes follow behind the vendors.
      if (/^C /.test(line)) break;
      const match = /^(\t{0,2})([0-9a-f]{4})(?: ([0-9a-f]{4}))? {2}(.*)$/.exec(line);
      if (!match) continue;
      const [, indent, id, second, name] = match as unknown as [
        string,
        string,
        string,
        string | undefined,
        string,
      ];
      if (indent === '') {
        vendor = { name, devices: new Map() };
        this.vendors.set(id, vendor);
      } else if (indent === '\t') vendor?.devices.set(id, name);
      else if (second !== undefined) this.subsystems.set(`${id}:${second}`, name);
    }
  }

  vendor(id: string): string | undefined {
    return this.vendors.get(bare(id))?.name;
  }

  device(vendor: string, device: string): string | undefined {
    return this.vendors.get(bare(vendor))?.devices.get(bare(device));
  }

  subsystem(vendor: string, device: string): string | undefined {
    return this.subsystems.get(`${bare(vendor)}:${bare(device)}`);
  }
}

const bare = (id: string): string => id.replace(/^0x/, '').toLowerCase();
