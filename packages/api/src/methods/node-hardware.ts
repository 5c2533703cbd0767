/** Hardware of a node that guests can get: PCI devices, their mediated devices, USB devices. */
import { defineMethod } from '../method.ts';
import { Bit, Node, Type } from '../schema/types.ts';

const Optional = Type.Optional;
const look = { perm: '/', privs: ['Sys.Audit', 'Sys.Modify'], any: true } as const;
const pciParams = {
  node: Node(),
  'pci-id-or-mapping': Type.String({
    pattern: '(?:(?:[0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-9a-fA-F])|([a-zA-Z][a-zA-Z0-9_-]+)',
    description: 'Address of a device, or the name of a mapping.',
  }),
};

export const hardwareIndex = defineMethod({
  id: 'nodes.hardware.index',
  verb: 'GET',
  path: '/nodes/{node}/hardware',
  description: 'Kinds of hardware.',
  params: Type.Object({ node: Node() }),
  returns: Type.Array(Type.Object({ type: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const hardwarePci = defineMethod({
  id: 'nodes.hardware.pci',
  verb: 'GET',
  path: '/nodes/{node}/hardware/pci',
  description: 'PCI devices of the node.',
  params: Type.Object({
    node: Node(),
    'pci-class-blacklist': Optional(
      Type.String({
        format: 'string-list',
        default: '05;06;0b',
        description: 'Beginnings of class codes to leave out; memory controllers, bridges and processors.',
      }),
    ),
    verbose: Optional(
      Type.Boolean({ default: true, description: 'With names, ids and classes, not addresses only.' }),
    ),
  }),
  returns: Type.Array(
    Type.Object({
      id: Type.String({ description: 'Address, such as 0000:01:00.0.' }),
      class: Optional(Type.String()),
      vendor: Optional(Type.String()),
      vendor_name: Optional(Type.String()),
      device: Optional(Type.String()),
      device_name: Optional(Type.String()),
      subsystem_vendor: Optional(Type.String()),
      subsystem_vendor_name: Optional(Type.String()),
      subsystem_device: Optional(Type.String()),
      subsystem_device_name: Optional(Type.String()),
      iommugroup: Optional(Type.Integer({ description: '-1: the node has no IOMMU in use.' })),
      mdev: Optional(Bit('It can be divided into mediated devices.')),
    }),
  ),
  permission: look,
  proxyTo: 'node',
});

export const hardwarePciIndex = defineMethod({
  id: 'nodes.hardware.pci.index',
  verb: 'GET',
  path: '/nodes/{node}/hardware/pci/{pci-id-or-mapping}',
  description: 'What can be asked about a PCI device.',
  params: Type.Object(pciParams),
  returns: Type.Array(Type.Object({ method: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const hardwareMdev = defineMethod({
  id: 'nodes.hardware.pci.mdev',
  verb: 'GET',
  path: '/nodes/{node}/hardware/pci/{pci-id-or-mapping}/mdev',
  description: 'Types of mediated devices that a PCI device offers.',
  params: Type.Object(pciParams),
  returns: Type.Array(
    Type.Object({
      type: Type.String(),
      available: Type.Integer({ description: 'How many more can be made.' }),
      description: Type.String(),
      name: Optional(Type.String()),
    }),
  ),
  permission: look,
  proxyTo: 'node',
});

export const hardwareUsb = defineMethod({
  id: 'nodes.hardware.usb',
  verb: 'GET',
  path: '/nodes/{node}/hardware/usb',
  description: 'USB devices of the node.',
  params: Type.Object({ node: Node() }),
  returns: Type.Array(
    Type.Object({
      busnum: Type.Integer(),
      devnum: Type.Integer(),
      class: Type.Integer(),
      level: Type.Integer(),
      port: Type.Integer(),
      vendid: Type.String(),
      prodid: Type.String(),
      speed: Type.String(),
      usbpath: Optional(Type.String()),
      manufacturer: Optional(Type.String()),
      product: Optional(Type.String()),
      serial: Optional(Type.String()),
    }),
  ),
  permission: { perm: '/', privs: ['Sys.Modify'] },
  proxyTo: 'node',
});
