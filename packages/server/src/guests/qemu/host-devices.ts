/** Devices of the node that a guest gets: PCI functions bound to vfio-pci, mediated devices, USB devices by mapping. */
import { chownSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuHostpciKeys, qemuUsbKeys } from '@ryokan/api/schema/qemu-config.ts';
import { hostpciFields, type QemuHostpci, usbFields } from '@ryokan/api/schema/qemu-options.ts';
import { pciDevice, pciFunctions } from '../../host/pci.ts';
import {
  bindToVfio,
  demandPassable,
  demandWholeGroup,
  makeMediated,
  mediatedUuid,
  type PciHost,
  realPciHost,
  vfioDriver,
} from '../../host/pci-binding.ts';
import type { GuestServices } from '../guest-services.ts';
import { pciEntries, pciProblems, requireMapping, usbEntries, usbProblems } from '../mappings.ts';
import { optionOf } from './config.ts';
import { cannot } from './guest-context.ts';
import type { QemuHost, ResolvedPci } from './host-input.ts';
import { type Lend, lendTo, lendUsb } from './lent-devices.ts';
import { reservedPci, reservePci } from './pci-reservation.ts';
import { runningGuests } from './process.ts';
import type { GuestStart } from './start-host.ts';

/** One start at a time chooses among devices. */
const choosing = 'pci-devices';

/** Part of a start: what `hostpciN` means here, taken over from the node. */
export async function hostPci(start: GuestStart, host: PciHost = realPciHost): Promise<Partial<QemuHost>> {
  const wanted = qemuHostpciKeys.flatMap((key, index) => {
    const device = optionOf(start.config, key, hostpciFields);
    return device ? [{ key, index, device }] : [];
  });
  if (wanted.length === 0) return {};
  const { services, vmid } = start;
  const found = await services.locks.with(choosing, async () => {
    const taken = takenByOthers(start);
    const chosen = wanted.map((one) => ({
      ...one,
      addresses: choose(start, one.key, one.device, taken, host),
    }));
    reservePci(services.paths, vmid, Object.fromEntries(chosen.flatMap((one) => reservationOf(one, host))));
    return chosen;
  });
  const passed = new Set(found.flatMap(({ addresses }) => addresses));
  const resolved: Record<string, ResolvedPci> = {};
  for (const one of found) resolved[one.key] = await take(start, one, passed, host);
  return { pciDevices: resolved, locksMemory: true };
}

/** Functions that guests have which run now. */
function takenByOthers({ services, vmid }: GuestStart): Map<string, number> {
  const taken = new Map<string, number>();
  for (const other of runningGuests(services.paths)) {
    if (other === vmid) continue;
    for (const address of Object.keys(reservedPci(services.paths, other))) taken.set(address, other);
  }
  return taken;
}

/** Each function with the driver that gets it back; a mediated device leaves its parent where it is. */
function reservationOf(
  { device, addresses }: Omit<Chosen, 'index'>,
  host: PciHost,
): [string, string | null][] {
  if (device.mdev !== undefined) return [];
  return addresses.map((address) => {
    const driver = device.driver === 'keep' ? undefined : pciDevice(address, host.sys)?.driver;
    return [address, driver === undefined || driver === vfioDriver ? null : driver];
  });
}

/** Full addresses of the functions for one key. A mapping may name several devices: the first free one is taken. */
function choose(
  { services, vmid }: GuestStart,
  key: string,
  device: QemuHostpci,
  taken: Map<string, number>,
  host: PciHost,
): string[] {
  const candidates = device.mapping === undefined ? [functionsOf(device.host ?? '', host)] : [];
  const problems: string[] = [];
  if (device.mapping !== undefined) {
    const section = requireMapping(services.store, 'pci', device.mapping);
    const entries = pciEntries(section, services.settings.node);
    if (entries.length === 0) problems.push(`the mapping has no entry for node ${services.settings.node}`);
    for (const entry of entries) {
      const wrong = pciProblems(entry, host.sys);
      if (wrong.length === 0) candidates.push(functionsOf(entry.path, host));
      else problems.push(...wrong);
    }
  }
  for (const addresses of candidates) {
    const used = addresses.find((address) => taken.has(address));
    if (addresses.length > 0 && used === undefined) {
      if (device.mdev === undefined) for (const address of addresses) taken.set(address, vmid);
      return addresses;
    }
    problems.push(
      used === undefined ? `no PCI device at ${device.host}` : `${used} is used by VM ${taken.get(used)}`,
    );
  }
  const what = device.mapping === undefined ? device.host : `mapping '${device.mapping}'`;
  throw new RyokanError('failed', `${key}: ${what} cannot be used: ${problems.join('; ')}`, {
    context: { key },
  });
}

const functionsOf = (text: string, host: PciHost): string[] =>
  text.split(';').flatMap((address) => pciFunctions(address, host.sys));

interface Chosen {
  readonly key: string;
  readonly index: number;
  readonly device: QemuHostpci;
  readonly addresses: readonly string[];
}

async function take(
  { vmid, user }: GuestStart,
  { key, index, device, addresses }: Chosen,
  passed: ReadonlySet<string>,
  host: PciHost,
): Promise<ResolvedPci> {
  if (device.mdev !== undefined) {
    const [parent] = addresses;
    if (parent === undefined) throw cannot(key, 'mdev needs a device');
    const mdevPath = makeMediated(parent, device.mdev, mediatedUuid(vmid, index), host);
    openGroup(basename(readlinkSync(join(mdevPath, 'iommu_group'))), user.uid);
    return { functions: [], mdevPath };
  }
  const groups = new Set<number>();
  for (const address of addresses) {
    groups.add(demandPassable(address, host).iommuGroup);
    if (device.driver === 'keep') continue;
    await bindToVfio(address, host);
  }
  for (const group of groups) {
    demandWholeGroup(group, passed, host);
    openGroup(String(group), user.uid);
  }
  return { functions: addresses };
}

/** QEMU opens the group's device without any right of its own. */
function openGroup(group: string, uid: number): void {
  const path = join('/dev/vfio', group);
  try {
    chownSync(path, uid, -1);
  } catch (cause) {
    throw new RyokanError(
      'failed',
      `'${path}' could not be opened for the guest: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Part of a start: the USB devices of the node that the configuration means, by mapping or by themselves. */
export function hostUsb(
  { services, config, user, context }: GuestStart,
  lend: Lend = lendTo(user.uid),
  sys = '/sys',
): Partial<QemuHost> {
  const usbMappings: Record<string, string> = {};
  for (const key of qemuUsbKeys) {
    const usb = optionOf(config, key, usbFields);
    if (usb?.mapping !== undefined) usbMappings[key] = mappedUsb(services, key, usb.mapping, sys);
    const device = usbMappings[key] ?? usb?.host;
    if (device === undefined || device.toLowerCase() === 'spice') continue;
    if (!lendUsb(key, device, lend, sys))
      context.log(`${key}: ${device} is not plugged in; plug it in and start the guest again`);
  }
  return Object.keys(usbMappings).length === 0 ? {} : { usbMappings };
}

/** The device that a mapping means on this node. */
export function mappedUsb(
  { settings, store }: Pick<GuestServices, 'settings' | 'store'>,
  key: string,
  mapping: string,
  sys = '/sys',
): string {
  const entries = usbEntries(requireMapping(store, 'usb', mapping), settings.node);
  const usable = entries.find((entry) => usbProblems(entry, sys).length === 0);
  if (usable) return usable.path ?? usable.id;
  const problems = entries.flatMap((entry) => usbProblems(entry, sys));
  const why = problems.length === 0 ? `it has no entry for node ${settings.node}` : problems.join('; ');
  throw new RyokanError('failed', `${key}: mapping '${mapping}' cannot be used: ${why}`, {
    context: { key },
  });
}
