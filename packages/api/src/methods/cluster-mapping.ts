/** Resource mappings: names of the cluster for PCI devices, USB devices and directories of its nodes. */
import { defineMethod } from '../method.ts';
import { DirMapEntry, PciMapEntry, UsbMapEntry } from '../schema/mapping.ts';
import { Bit, Digest, Enum, Format, Null, type TSchema, Type } from '../schema/types.ts';

const Optional = Type.Optional;
type Kind = 'pci' | 'usb' | 'dir';

const id = Format('pve-configid', { description: 'Name of the mapping.' });
const description = Optional(Type.String({ maxLength: 4096, description: 'What it is.' }));
const checks = Optional(
  Type.Array(Type.Object({ severity: Enum(['warning', 'error']), message: Type.String() })),
);

const pciOptions = {
  mdev: Optional(Type.Boolean({ default: false, description: 'Guests get mediated devices of it.' })),
  'live-migration-capable': Optional(
    Type.Boolean({ default: false, description: 'Its driver can hand its state over while a guest moves.' }),
  ),
};

const readable = (kind: Kind) =>
  ({
    perm: `/mapping/${kind}/{id}`,
    privs: ['Mapping.Audit', 'Mapping.Use', 'Mapping.Modify'],
    any: true,
  }) as const;
const changeable = (path: string) => ({ perm: path, privs: ['Mapping.Modify'] }) as const;

const row = {
  id: Type.String(),
  description: Optional(Type.String()),
  map: Type.Array(Type.String()),
  mdev: Optional(Bit()),
  'live-migration-capable': Optional(Bit()),
  digest: Optional(Type.String()),
};

export const mappingIndex = defineMethod({
  id: 'cluster.mapping.index',
  verb: 'GET',
  path: '/cluster/mapping',
  description: 'Kinds of resource mappings.',
  params: Type.Object({}),
  returns: Type.Array(Type.Object({ name: Type.String() })),
  permission: { user: 'all' },
});

function list<const K extends Kind, const P extends 'checks' | 'error'>(kind: K, problems: P) {
  // TypeScript forgets the name of a computed key.
  const found = { [problems]: checks } as Record<P, typeof checks>;
  return defineMethod({
    id: `cluster.mapping.${kind}.list`,
    verb: 'GET',
    path: `/cluster/mapping/${kind}`,
    description: 'Mappings that the caller may see or use.',
    params: Type.Object({
      'check-node': Optional(
        Format('pve-node', { description: 'Also say what is wrong with them on this node.' }),
      ),
    }),
    returns: Type.Array(Type.Object({ ...row, ...found })),
    permission: { user: 'all' },
  });
}

function get<const K extends Kind>(kind: K) {
  return defineMethod({
    id: `cluster.mapping.${kind}.get`,
    verb: 'GET',
    path: `/cluster/mapping/${kind}/{id}`,
    description: 'One mapping.',
    params: Type.Object({ id }),
    returns: Type.Object(row),
    permission: readable(kind),
  });
}

function create<const K extends Kind, M extends TSchema, O extends Record<string, TSchema>>(
  kind: K,
  entry: M,
  options: O,
) {
  return defineMethod({
    id: `cluster.mapping.${kind}.create`,
    verb: 'POST',
    dryRun: 'documents',
    path: `/cluster/mapping/${kind}`,
    description: 'Makes a mapping.',
    params: Type.Object({ id, description, map: Type.Array(entry), ...options }),
    returns: Null(),
    permission: changeable(`/mapping/${kind}`),
  });
}

function change<const K extends Kind, M extends TSchema, O extends Record<string, TSchema>>(
  kind: K,
  entry: M,
  options: O,
  path: string,
) {
  return defineMethod({
    id: `cluster.mapping.${kind}.update`,
    verb: 'PUT',
    dryRun: 'documents',
    path: `/cluster/mapping/${kind}/{id}`,
    description: 'Changes a mapping; its entries are replaced as a whole.',
    params: Type.Object({
      id,
      description,
      map: Optional(Type.Array(entry)),
      ...options,
      delete: Optional(Format('pve-configid-list', { maxLength: 4096, description: 'Options to remove.' })),
      digest: Optional(Digest()),
    }),
    returns: Null(),
    permission: changeable(path),
  });
}

function remove<const K extends Kind>(kind: K) {
  return defineMethod({
    id: `cluster.mapping.${kind}.delete`,
    verb: 'DELETE',
    dryRun: 'documents',
    path: `/cluster/mapping/${kind}/{id}`,
    description: 'Removes a mapping. Guests that name it do not start any more.',
    params: Type.Object({ id }),
    returns: Null(),
    permission: changeable(`/mapping/${kind}`),
  });
}

export const pciMappings = {
  list: list('pci', 'checks'),
  get: get('pci'),
  create: create('pci', PciMapEntry, pciOptions),
  update: change('pci', PciMapEntry, pciOptions, '/mapping/pci/{id}'),
  remove: remove('pci'),
};

export const usbMappings = {
  list: list('usb', 'error'),
  get: get('usb'),
  create: create('usb', UsbMapEntry, {}),
  update: change('usb', UsbMapEntry, {}, '/mapping/usb/{id}'),
  remove: remove('usb'),
};

export const dirMappings = {
  list: list('dir', 'checks'),
  get: get('dir'),
  create: create('dir', DirMapEntry, {}),
  update: change('dir', DirMapEntry, {}, '/mapping/dir/{id}'),
  remove: remove('dir'),
};
