/**
 * Resource mappings of the cluster (mapping/pci.cfg, usb.cfg, directory.cfg): what a name means on a node, and whether
 * the node's hardware still is what the mapping says.
 */
import { statSync } from 'node:fs';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import {
  type DirMap,
  dirMapFields,
  type PciMap,
  pciMapFields,
  type UsbMap,
  usbMapFields,
} from '@ryokan/api/schema/mapping.ts';
import { parsePropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import type { Static, TObject } from '@ryokan/api/schema/types.ts';
import { parseSections, type Section, sectionValues } from '../cluster/section-document.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { pciDevice, pciFunctions } from '../host/pci.ts';
import { usbDevices } from '../host/usb.ts';

export type MappingKind = 'pci' | 'usb' | 'dir';

export const mappingPath: Readonly<Record<MappingKind, string>> = {
  pci: 'mapping/pci.cfg',
  usb: 'mapping/usb.cfg',
  dir: 'mapping/directory.cfg',
};

export function mappings(store: ConfigStore, kind: MappingKind): Section[] {
  return parseSections(store.get(mappingPath[kind])?.text ?? '');
}

/** Throws 'not-found'. */
export function requireMapping(store: ConfigStore, kind: MappingKind, id: string): Section {
  const found = mappings(store, kind).find((one) => one.id === id);
  if (!found) {
    throw new RyokanError(
      'not-found',
      `mapping '${id}' not found: a ${kind} mapping of that name does not exist`,
      { context: { id } },
    );
  }
  return found;
}

export const pciEntries = (section: Section, node: string): PciMap[] => entries(section, node, pciMapFields);
export const usbEntries = (section: Section, node: string): UsbMap[] => entries(section, node, usbMapFields);
export const dirEntries = (section: Section, node: string): DirMap[] => entries(section, node, dirMapFields);

function entries<T extends TObject>(section: Section, node: string, fields: T): Static<T>[] {
  return sectionValues(section, 'map')
    .map((text) => readPropertyString(fields, text).value)
    .filter((entry): entry is Static<T> => (entry as { node?: string } | undefined)?.node === node);
}

export interface MappingProblem {
  readonly severity: 'warning' | 'error';
  readonly message: string;
}

/** What keeps a guest from using the mapping on this node. */
export function mappingProblems(
  kind: MappingKind,
  section: Section,
  node: string,
  sys = '/sys',
): MappingProblem[] {
  const found = { pci: pciEntries, usb: usbEntries, dir: dirEntries }[kind](section, node);
  if (found.length === 0) return [{ severity: 'warning', message: `no mapping for node ${node}` }];
  const problems = {
    pci: () => (found as PciMap[]).flatMap((entry) => pciProblems(entry, sys)),
    usb: () => (found as UsbMap[]).flatMap((entry) => usbProblems(entry, sys)),
    dir: () => (found as DirMap[]).flatMap(dirProblems),
  }[kind]();
  return problems.map((message) => ({ severity: 'error', message }));
}

export function pciProblems(entry: PciMap, sys = '/sys'): string[] {
  return entry.path.split(';').flatMap((address) => {
    const device = pciDevice(pciFunctions(address, sys)[0] ?? address, sys);
    if (!device) return [`no PCI device at ${address}; was it moved to another slot?`];
    const is = `${device.vendor}:${device.device}`.replaceAll('0x', '');
    const problems: string[] = [];
    const differs = (what: string, found: string, wanted: string) =>
      problems.push(`the device at ${address} has ${what} ${found}, the mapping says ${wanted}`);
    if (is !== entry.id.toLowerCase()) differs('the id', is, entry.id);
    const subsystem = `${device.subsystemVendor ?? ''}:${device.subsystemDevice ?? ''}`.replaceAll('0x', '');
    const wanted = entry['subsystem-id']?.toLowerCase();
    if (wanted !== undefined && subsystem !== wanted) differs('the subsystem id', subsystem, wanted);
    const group = entry.iommugroup;
    if (group !== undefined && group !== -1 && device.iommuGroup !== group)
      differs('the IOMMU group', String(device.iommuGroup ?? 'none'), String(group));
    return problems;
  });
}

export function usbProblems(entry: UsbMap, sys = '/sys'): string[] {
  const devices = usbDevices(sys);
  const id = entry.id.toLowerCase();
  if (entry.path === undefined) {
    const found = devices.some((one) => `${one.vendor}:${one.product}` === id);
    return found ? [] : [`no USB device ${entry.id} is plugged in`];
  }
  const device = devices.find((one) => `${one.bus}-${one.path}` === entry.path);
  if (!device) return [`no USB device in port ${entry.path}`];
  const is = `${device.vendor}:${device.product}`;
  return is === id ? [] : [`the USB device in port ${entry.path} is ${is}, the mapping says ${entry.id}`];
}

export function dirProblems({ path }: DirMap): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return [`the directory '${path}' does not exist`];
  return stat.isDirectory() ? [] : [`'${path}' is no directory`];
}

/**
 * Refuses entries that contradict each other: a directory is one on each node, while several devices of a node are
 * alternatives. Throws 'parameter'.
 */
export function demandConsistent(kind: MappingKind, map: readonly string[]): void {
  if (map.length === 0) throw new ParameterError({ map: 'a mapping has at least one entry' });
  if (kind !== 'dir') return;
  const seen = new Set<string>();
  for (const text of map) {
    const { node } = parsePropertyString(dirMapFields, text);
    if (seen.has(node)) {
      throw new ParameterError({
        map: `node '${node}' has more than one entry; a directory is one on each node`,
      });
    }
    seen.add(node);
  }
}
