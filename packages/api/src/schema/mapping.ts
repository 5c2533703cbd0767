/** Names that a cluster gives to devices and directories of its nodes: one entry a node, as property strings. */
import { PropertyString } from './property-string.ts';
import { Format, type Static, Type } from './types.ts';

const Optional = Type.Optional;
const ids = (description: string) => Type.String({ pattern: '[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}', description });
const pciAddress = '[a-f0-9]{4,}:[a-f0-9]{2}:[a-f0-9]{2}(?:\\.[a-f0-9])?';
const description = Optional(Type.String({ maxLength: 4096, description: 'What it is.' }));
const node = Format('pve-node', { description: 'The node that this entry is for.' });

export const pciMapFields = Type.Object({
  node,
  path: Type.String({
    pattern: `${pciAddress}(?:;${pciAddress})*`,
    description: 'Addresses, separated by ;. Without a function number all functions of the device.',
  }),
  id: ids('Vendor and device id that must be found there.'),
  'subsystem-id': Optional(ids('Subsystem vendor and device id that must be found there.')),
  iommugroup: Optional(Type.Integer({ description: 'IOMMU group that it must be in.' })),
  description,
});
export type PciMap = Static<typeof pciMapFields>;

export const usbMapFields = Type.Object({
  node,
  id: ids('Vendor and product id.'),
  path: Optional(
    Type.String({
      pattern: '\\d+-\\d+(?:\\.\\d+)*',
      description: 'Bus and port; without it the first device of that id.',
    }),
  ),
  description,
});
export type UsbMap = Static<typeof usbMapFields>;

export const dirMapFields = Type.Object({
  node,
  path: Type.String({ pattern: '/[^,;\\x00-\\x1f]*', description: 'Absolute path of the directory.' }),
});
export type DirMap = Static<typeof dirMapFields>;

export const PciMapEntry = PropertyString(pciMapFields, { description: 'The device on one node.' });
export const UsbMapEntry = PropertyString(usbMapFields, { description: 'The device on one node.' });
export const DirMapEntry = PropertyString(dirMapFields, { description: 'The directory on one node.' });
