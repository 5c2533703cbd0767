/** Machines that were exported elsewhere: what is in an OVA, an OVF or a disk image, before anything is made of it. */
import { defineMethod } from '../method.ts';
import { Bytes, Node, StorageId, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;

const ImportDisk = Type.Object({
  volid: Optional(Type.String({ description: 'What import-from takes; absent for an empty disk.' })),
  size: Optional(Bytes('What the guest sees.')),
});
const ImportNet = Type.Object({
  model: Type.String(),
  macaddr: Optional(Type.String()),
  network: Optional(Type.String({ description: 'What the card was connected to there.' })),
});
const ImportWarning = Type.Object({
  type: Type.String({ description: 'What kind of thing is not kept; docs/api-extensions.md lists them.' }),
  key: Optional(Type.String({ description: 'Configuration key, or name of the device.' })),
  value: Optional(Type.String()),
});

/** What an import would make of a file. */
const ImportMetadata = Type.Object({
  type: Type.Literal('vm'),
  source: Type.String({ description: 'What it is: ova, ovf or disk.' }),
  'create-args': Type.Object({}, { additionalProperties: true }),
  disks: Type.Record(Type.String(), Type.Union([ImportDisk, Type.Literal(1)]), {
    description: 'By configuration key; 1 for a state volume that is made anew.',
  }),
  net: Type.Record(Type.String(), ImportNet),
  'secure-boot': Optional(Type.Literal(1, { description: 'Its firmware checked signatures.' })),
  warnings: Type.Array(ImportWarning),
});

export const importMetadata = defineMethod({
  id: 'storage.import-metadata',
  verb: 'GET',
  path: '/nodes/{node}/storage/{storage}/import-metadata',
  description:
    'What an import would make of an OVA, an OVF or a disk image: options, disks, cards, warnings.',
  params: Type.Object({
    node: Node(),
    storage: StorageId(),
    volume: Type.String({ description: 'Volume id, or the volume name within the storage: import/web.ova.' }),
  }),
  returns: ImportMetadata,
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const hostImportMetadata = defineMethod({
  id: 'nodes.import-metadata',
  verb: 'GET',
  path: '/nodes/{node}/import-metadata',
  description: 'The same for a file of the node itself, for qm importovf.',
  params: Type.Object({
    node: Node(),
    path: Type.String({ pattern: '/.+', maxLength: 4096, description: 'Absolute path of an OVA or OVF.' }),
  }),
  returns: ImportMetadata,
  permission: { user: 'root' },
  proxyTo: 'node',
  extension: true,
});

export const qemuImportConfig = defineMethod({
  id: 'qemu.import-config',
  verb: 'POST',
  dryRun: 'documents',
  path: '/nodes/{node}/qemu/{vmid}/import-config',
  description:
    'Enters a virtual machine with the configuration file that Proxmox VE wrote for it, unchanged. Its disks are brought over by other means; the answer names those that are missing.',
  params: Type.Object({
    node: Node(),
    vmid: Vmid(),
    config: Type.String({ maxLength: 256 * 1024, description: 'Content of qemu-server/<vmid>.conf.' }),
  }),
  returns: Type.Object({
    missing: Type.Array(Type.Object({ key: Type.String(), volid: Type.String() })),
  }),
  permission: { user: 'root' },
  proxyTo: 'node',
  extension: true,
});
