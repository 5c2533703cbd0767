/** The three kinds of resource mappings: their calls, and how an entry for one node is written and shown. */

import type { ResultOf } from '@ryokan/api/method.ts';
import { dirMappings, pciMappings, usbMappings } from '@ryokan/api/methods/cluster-mapping.ts';
import type { hardwarePci, hardwareUsb } from '@ryokan/api/methods/node-hardware.ts';
import { dirMapFields, pciMapFields, usbMapFields } from '@ryokan/api/schema/mapping.ts';
import { formatPropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import type { TObject } from '@ryokan/api/schema/types.ts';
import type { PlainKey } from '../../../i18n/index.ts';

export type MappingKind = 'pci' | 'usb' | 'dir';

export const mappingKinds = {
  pci: { methods: pciMappings, fields: pciMapFields, label: 'hardware.pci' },
  usb: { methods: usbMappings, fields: usbMapFields, label: 'hardware.usb' },
  dir: { methods: dirMappings, fields: dirMapFields, label: 'hardware.directory' },
} as const satisfies Record<MappingKind, { methods: object; fields: TObject; label: PlainKey }>;

export const mappingLists = Object.values(mappingKinds).map(({ methods }) => methods.list);

export interface MappingRow {
  readonly kind: MappingKind;
  readonly id: string;
  readonly description: string;
  /** Property strings, one or more a node. */
  readonly map: readonly string[];
  readonly mdev: boolean;
  readonly digest: string | undefined;
  /** What is wrong with it on the node that was asked about. */
  readonly problems: readonly string[];
}

type Listed = ResultOf<typeof pciMappings.list>[number] & {
  readonly error?: ResultOf<typeof usbMappings.list>[number]['error'];
};

export function mappingRow(kind: MappingKind, one: Listed): MappingRow {
  const { id, map, digest } = one;
  const problems = (one.checks ?? one.error ?? []).map(({ message }) => message);
  return { kind, id, description: one.description ?? '', map, mdev: one.mdev === 1, digest, problems };
}

/** `pve1: 0000:01:00.0 (8086:1521)`; what the schema does not know as it is written. */
export function entryText(kind: MappingKind, text: string): string {
  const fields = readPropertyString(mappingKinds[kind].fields, text).value as
    | { readonly node: string; readonly path?: string; readonly id?: string }
    | undefined;
  if (!fields) return text;
  const { node, path, id } = fields;
  return `${node}: ${path && id ? `${path} (${id})` : (path ?? id)}`;
}

/** Hexadecimal digits of an id as sysfs has it: `8086` of `0x8086`. */
const digits = (id: string | undefined) => (id ?? '').replace(/^0x/, '');

type PciDevice = ResultOf<typeof hardwarePci>[number];

/** The ids and the group go along, so that a device that changed its place is not given out for another. */
export function pciEntry(node: string, one: PciDevice): string {
  const subsystem = `${digits(one.subsystem_vendor)}:${digits(one.subsystem_device)}`;
  return formatPropertyString(pciMapFields, {
    node,
    path: one.id,
    id: `${digits(one.vendor)}:${digits(one.device)}`,
    ...(/^\w{4}:\w{4}$/.test(subsystem) ? { 'subsystem-id': subsystem } : {}),
    ...(one.iommugroup !== undefined && one.iommugroup >= 0 ? { iommugroup: one.iommugroup } : {}),
  });
}

type UsbDevice = ResultOf<typeof hardwareUsb>[number];

/** `port`: only what is plugged in where this device is now. */
export function usbEntry(node: string, one: UsbDevice, port: boolean): string {
  return formatPropertyString(usbMapFields, {
    node,
    id: `${one.vendid}:${one.prodid}`,
    ...(port ? { path: usbPort(one) } : {}),
  });
}

export const usbPort = (one: UsbDevice): string => `${one.busnum}-${one.usbpath ?? one.port}`;

export function dirEntry(node: string, path: string): string {
  return formatPropertyString(dirMapFields, { node, path });
}
