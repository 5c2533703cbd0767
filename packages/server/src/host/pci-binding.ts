/**
 * Giving PCI devices to guests: the kernel's vfio-pci driver takes them over from their own driver, and mediated devices
 * are made of them (kernel documentation: driver-api/vfio.rst, driver-api/vfio-mediated-device.rst).
 * Everything goes through files below /sys; tests put a tree of their own there.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from './exec.ts';
import { deviceFolder, groupMembers, type PciDevice, pciDevice } from './pci.ts';

/** Where the tree is, how it is written to, and how a driver is loaded. */
export interface PciHost {
  readonly sys: string;
  write(path: string, text: string): void;
  loadDriver(name: string): Promise<void>;
}

export const realPciHost: PciHost = {
  sys: '/sys',
  write: (path, text) => writeFileSync(path, text),
  async loadDriver(name) {
    await run('modprobe', [name]);
  },
};

export const vfioDriver = 'vfio-pci';

/** The device at an address. Rejects when there is none, or when nothing keeps it from the node's own memory. */
export function demandPassable(
  address: string,
  host: PciHost = realPciHost,
): PciDevice & { iommuGroup: number } {
  const device = pciDevice(address, host.sys);
  if (!device) {
    throw new RyokanError('failed', `there is no PCI device at ${address} on this node`, {
      context: { address },
    });
  }
  const { iommuGroup } = device;
  if (iommuGroup === undefined) {
    throw new RyokanError(
      'unsupported',
      `PCI device ${address} cannot be given to a guest: this node has no IOMMU in use. Enable VT-d or AMD-Vi in its ` +
        'firmware, on Intel boot with intel_iommu=on, and see whether /sys/kernel/iommu_groups has entries',
      { context: { address } },
    );
  }
  return { ...device, iommuGroup };
}

/** Refuses a group of which a part stays with the node: VFIO opens whole groups only. `passed` go to the guest. */
export function demandWholeGroup(
  group: number,
  passed: ReadonlySet<string>,
  host: PciHost = realPciHost,
): void {
  const others = groupMembers(group, host.sys).filter((address) => {
    const driver = pciDevice(address, host.sys)?.driver;
    return !passed.has(address) && driver !== undefined && driver !== vfioDriver && driver !== 'pci-stub';
  });
  if (others.length === 0) return;
  throw new RyokanError(
    'failed',
    `PCI devices ${others.join(', ')} are in the same IOMMU group (${group}) and used by the node; pass them through too, ` +
      'or put the card into another slot',
    { context: { group } },
  );
}

/** Hands the device to vfio-pci. Returns the driver that had it: undefined for none, and when vfio-pci had it already. */
export async function bindToVfio(address: string, host: PciHost = realPciHost): Promise<string | undefined> {
  const { driver } = demandPassable(address, host);
  if (driver === vfioDriver) return undefined;
  if (!existsSync(join(host.sys, 'bus/pci/drivers', vfioDriver))) {
    await host.loadDriver(vfioDriver).catch((cause: Error) => {
      throw new RyokanError(
        'failed',
        `the kernel's driver ${vfioDriver} could not be loaded: ${cause.message}`,
        {
          cause,
        },
      );
    });
  }
  const folder = deviceFolder(address, host.sys);
  host.write(join(folder, 'driver_override'), vfioDriver);
  if (driver !== undefined) host.write(join(folder, 'driver/unbind'), address);
  host.write(join(host.sys, 'bus/pci/drivers_probe'), address);
  const now = pciDevice(address, host.sys)?.driver;
  if (now !== vfioDriver) {
    throw new RyokanError(
      'failed',
      `${vfioDriver} did not take PCI device ${address} (its driver is ${now ?? 'none'}); see dmesg`,
      {
        context: { address },
      },
    );
  }
  return driver;
}

/** Gives a device back to the driver that it had. Safe to repeat. */
export function restoreDriver(address: string, driver: string, host: PciHost = realPciHost): void {
  const device = pciDevice(address, host.sys);
  if (!device) return;
  const folder = deviceFolder(address, host.sys);
  host.write(join(folder, 'driver_override'), '\n');
  if (device.driver === vfioDriver) {
    // Whatever the guest has begun on it ends here.
    if (existsSync(join(folder, 'reset'))) tryWrite(host, join(folder, 'reset'), '1');
    host.write(join(folder, 'driver/unbind'), address);
  }
  if (driver !== '' && pciDevice(address, host.sys)?.driver === undefined)
    host.write(join(host.sys, 'bus/pci/drivers_probe'), address);
}

/** The id that a guest's mediated device always has; by it left ones are found. */
export function mediatedUuid(vmid: number, index: number): string {
  const hex = (value: number, length: number) => value.toString(16).padStart(length, '0');
  return `00000000-0000-${hex(index, 4)}-0000-${String(vmid).padStart(12, '0')}`;
}

/** Makes a mediated device; returns its folder. */
export function makeMediated(
  parent: string,
  type: string,
  uuid: string,
  host: PciHost = realPciHost,
): string {
  const folder = join(deviceFolder(parent, host.sys), 'mdev_supported_types', type);
  if (!existsSync(folder)) {
    throw new RyokanError('failed', `PCI device ${parent} offers no mediated devices of type '${type}'`, {
      context: { address: parent },
    });
  }
  const made = join(host.sys, 'bus/mdev/devices', uuid);
  if (!existsSync(made)) host.write(join(folder, 'create'), uuid);
  return made;
}

/** Removes the mediated devices of a guest that has ended. Safe to repeat. */
export function removeMediated(vmid: number, host: PciHost = realPciHost): void {
  const folder = join(host.sys, 'bus/mdev/devices');
  if (!existsSync(folder)) return;
  const tail = mediatedUuid(vmid, 0).slice(-12);
  for (const uuid of readdirSync(folder)) {
    if (uuid.startsWith('00000000-0000-') && uuid.endsWith(`-0000-${tail}`))
      tryWrite(host, join(folder, uuid, 'remove'), '1');
  }
}

function tryWrite(host: PciHost, path: string, text: string): void {
  try {
    host.write(path, text);
  } catch {
    // A device that cannot be reset, or that is going away by itself.
  }
}
