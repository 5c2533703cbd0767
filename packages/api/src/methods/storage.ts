/** Storages: definitions, state, content, uploads and downloads. */
import { defineMethod } from '../method.ts';
import { storageFixedOptions, storageOptions } from '../schema/storage-options.ts';
import {
  Bit,
  Bytes,
  Digest,
  Enum,
  Format,
  Node,
  Null,
  StorageId,
  Subdirs,
  Type,
  Vmid,
} from '../schema/types.ts';

const Optional = Type.Optional;
const here = { node: Node(), storage: StorageId() };
const base = '/nodes/{node}/storage/{storage}';
const look = {
  perm: '/storage/{storage}',
  privs: ['Datastore.Audit', 'Datastore.AllocateSpace'],
  any: true,
} as const;
const define = { perm: '/storage', privs: ['Datastore.Allocate'] } as const;
const reachOut = {
  or: [
    { perm: '/', privs: ['Sys.Audit', 'Sys.Modify'] },
    { perm: '/nodes/{node}', privs: ['Sys.AccessNetwork'] },
  ],
} as const;
const storageType = { description: 'Type of the storage; which there are depends on the node.' };

/** A definition as results carry it: its properties beside name, type and digest. */
const Definition = Type.Object(
  {
    storage: Type.String(),
    type: Type.String(),
    content: Optional(Type.String()),
    digest: Optional(Type.String()),
  },
  { additionalProperties: true },
);
const Saved = Type.Object({
  storage: Type.String(),
  type: Type.String(),
  config: Optional(Type.Object({}, { additionalProperties: true })),
});

export const storageList = defineMethod({
  id: 'storage.list',
  verb: 'GET',
  path: '/storage',
  description: 'Definitions of the storages on which the caller may look or allocate.',
  params: Type.Object({ type: Optional(Type.String({ description: 'Only storages of this type.' })) }),
  returns: Type.Array(Definition),
  permission: { user: 'all' },
});

export const storageCreate = defineMethod({
  id: 'storage.create',
  verb: 'POST',
  dryRun: 'documents',
  path: '/storage',
  description: 'Defines a storage, and makes it usable on this node.',
  params: Type.Object({
    type: Type.String(storageType),
    storage: StorageId(),
    ...storageFixedOptions,
    ...storageOptions,
  }),
  returns: Saved,
  permission: define,
  cli: { command: 'pvesm add', args: ['type', 'storage'] },
});

export const storageRead = defineMethod({
  id: 'storage.read',
  verb: 'GET',
  path: '/storage/{storage}',
  description: 'The definition of a storage.',
  params: Type.Object({ storage: StorageId() }),
  returns: Definition,
  permission: { perm: '/storage/{storage}', privs: ['Datastore.Allocate'] },
});

export const storageUpdate = defineMethod({
  id: 'storage.update',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/storage/{storage}',
  description: 'Changes the definition of a storage.',
  params: Type.Object({
    storage: StorageId(),
    ...storageOptions,
    delete: Optional(Format('pve-configid-list', { maxLength: 4096, description: 'Properties to remove.' })),
    digest: Optional(Digest()),
  }),
  returns: Saved,
  permission: define,
  cli: { command: 'pvesm set', args: ['storage'] },
});

export const storageDelete = defineMethod({
  id: 'storage.delete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/storage/{storage}',
  description: 'Removes the definition of a storage; its content stays where it is.',
  params: Type.Object({ storage: StorageId() }),
  returns: Null(),
  permission: define,
  cli: { command: 'pvesm remove', args: ['storage'] },
});

const state = {
  type: Type.String(),
  content: Type.String({ description: 'Content types, with commas.' }),
  active: Optional(Bit('The node can reach it now.')),
  enabled: Optional(Bit()),
  shared: Optional(Bit()),
  total: Optional(Bytes()),
  used: Optional(Bytes()),
  avail: Optional(Bytes()),
};

export const nodeStorageList = defineMethod({
  id: 'storage.node.list',
  verb: 'GET',
  path: '/nodes/{node}/storage',
  description: 'Storages of a node with their space.',
  params: Type.Object({
    node: Node(),
    storage: Optional(StorageId('Only this storage.')),
    content: Optional(
      Format('pve-storage-content-list', {
        description: 'Only storages that may hold one of these contents.',
      }),
    ),
    enabled: Optional(Type.Boolean({ default: false, description: 'Only storages that are not disabled.' })),
    format: Optional(
      Type.Boolean({ default: false, description: 'Also say which image formats there are.' }),
    ),
    target: Optional(
      Format('pve-node', {
        description: 'Only storages that this other node also has, with shared content.',
      }),
    ),
  }),
  returns: Type.Array(
    Type.Object({
      storage: Type.String(),
      ...state,
      used_fraction: Optional(Type.Number({ description: '0..1' })),
      formats: Optional(Type.Object({ default: Type.String(), supported: Type.Array(Type.String()) })),
      select_existing: Optional(Bit('Disks are chosen from what is there instead of being made.')),
    }),
  ),
  permission: { user: 'all' },
  proxyTo: 'node',
  cli: {
    command: 'pvesm status',
    columns: ['storage', 'type', 'active', 'total', 'used', 'avail', 'used_fraction'],
  },
});

export const nodeStorageIndex = defineMethod({
  id: 'storage.node.index',
  verb: 'GET',
  path: base,
  description: 'Directory of a storage.',
  params: Type.Object(here),
  returns: Subdirs(),
  permission: look,
});

export const nodeStorageStatus = defineMethod({
  id: 'storage.node.status',
  verb: 'GET',
  path: `${base}/status`,
  description: 'State and space of a storage.',
  params: Type.Object(here),
  returns: Type.Object(state),
  permission: look,
  proxyTo: 'node',
});

export const volumeList = defineMethod({
  id: 'storage.content.list',
  verb: 'GET',
  path: `${base}/content`,
  description: 'Volumes of a storage that the caller may see.',
  params: Type.Object({
    ...here,
    content: Optional(Format('pve-storage-content', { description: 'Only volumes of this content type.' })),
    vmid: Optional(Vmid()),
  }),
  returns: Type.Array(
    Type.Object({
      volid: Type.String(),
      content: Type.String(),
      format: Type.String(),
      size: Bytes('Virtual size of an image, else size of the file.'),
      used: Optional(Bytes('Space taken.')),
      ctime: Optional(Type.Integer({ description: 'When it was made, seconds since the epoch.' })),
      vmid: Optional(Type.Integer({ description: 'Guest that owns it.' })),
      parent: Optional(Type.String({ description: 'Volume that this one is a linked clone of.' })),
      notes: Optional(Type.String()),
      protected: Optional(Bit()),
    }),
  ),
  permission: look,
  proxyTo: 'node',
  cli: { command: 'pvesm list', args: ['storage'], columns: ['volid', 'format', 'content', 'size', 'vmid'] },
});

export const volumeAllocate = defineMethod({
  id: 'storage.content.create',
  verb: 'POST',
  path: `${base}/content`,
  description: 'Makes an empty disk image and answers with its volume id.',
  params: Type.Object({
    ...here,
    vmid: Vmid(),
    filename: Type.String({
      description: "Name of the image (vm-100-disk-1.qcow2); '' for the next free one.",
    }),
    size: Type.String({ pattern: '\\d+[MG]?', description: 'Size in KiB, with M in MiB, with G in GiB.' }),
    format: Optional(
      Enum(['raw', 'qcow2', 'subvol', 'vmdk'], { requires: 'size', description: 'Image format.' }),
    ),
  }),
  returns: Type.String(),
  permission: { perm: '/storage/{storage}', privs: ['Datastore.AllocateSpace'] },
  proxyTo: 'node',
  cli: { command: 'pvesm alloc', args: ['storage', 'vmid', 'filename', 'size'] },
});

const volume = {
  node: Node(),
  storage: Optional(StorageId('The storage; it may also stand in front of the volume.')),
  volume: Type.String({ description: 'Volume id, or the volume name within the storage.' }),
};

export const volumeInfo = defineMethod({
  id: 'storage.content.info',
  verb: 'GET',
  path: `${base}/content/{volume}`,
  description: 'Details of a volume.',
  params: Type.Object(volume),
  returns: Type.Object({
    path: Type.String(),
    size: Bytes(),
    used: Bytes(),
    format: Type.String(),
    notes: Optional(Type.String()),
    protected: Optional(Bit()),
  }),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const volumeUpdate = defineMethod({
  id: 'storage.content.update',
  verb: 'PUT',
  path: `${base}/content/{volume}`,
  description: 'Sets the notes of a volume, and whether it is protected from removal.',
  params: Type.Object({
    ...volume,
    notes: Optional(Type.String({ maxLength: 64 * 1024 })),
    protected: Optional(Type.Boolean()),
  }),
  returns: Null(),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const volumeDelete = defineMethod({
  id: 'storage.content.delete',
  verb: 'DELETE',
  path: `${base}/content/{volume}`,
  description: 'Removes a volume. Answers with the task, or null when it was done within the delay.',
  params: Type.Object({
    ...volume,
    delay: Optional(Type.Integer({ minimum: 1, maximum: 30, description: 'Seconds to wait for the task.' })),
  }),
  returns: Type.Union([Type.String(), Type.Null()]),
  permission: { user: 'all' },
  proxyTo: 'node',
  task: { type: 'imgdel', id: 'storage' },
  cli: { command: 'pvesm free', args: ['volume'] },
});

export const volumeCopy = defineMethod({
  id: 'storage.content.copy',
  verb: 'POST',
  path: `${base}/content/{volume}`,
  description:
    'Copies a volume to another volume id on this node. Needs Datastore.Allocate on both storages; snippets only root@pam copies.',
  params: Type.Object({
    ...volume,
    target: Type.String({ description: 'Volume id of the copy.' }),
    target_node: Optional(Format('pve-node', { description: 'This node; other nodes are not supported.' })),
  }),
  returns: Type.String(),
  permission: { perm: '/storage/{storage}', privs: ['Datastore.Allocate'] },
  proxyTo: 'node',
  task: { type: 'imgcopy', id: 'storage' },
});

export const checksumAlgorithms = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
const checksum = {
  checksum: Optional(
    Type.String({
      requires: 'checksum-algorithm',
      description: 'Checksum that the file must have, hexadecimal.',
    }),
  ),
  'checksum-algorithm': Optional(Enum(checksumAlgorithms, { requires: 'checksum' })),
};
const UploadContent = Enum(['iso', 'vztmpl', 'import'], {
  format: 'pve-storage-content',
  description: 'Content type of the file.',
});

export const storageUpload = defineMethod({
  id: 'storage.upload',
  verb: 'POST',
  path: `${base}/upload`,
  description: 'Uploads an ISO image, a container template or a disk image (multipart/form-data, file last).',
  params: Type.Object({
    ...here,
    content: UploadContent,
    filename: Type.String({
      maxLength: 255,
      description: 'Name of the file; unusual characters become `_`.',
    }),
    ...checksum,
    tmpfilename: Optional(
      Type.String({ description: 'Where the received file stands; set by the gateway.' }),
    ),
  }),
  returns: Type.String(),
  permission: { perm: '/storage/{storage}', privs: ['Datastore.AllocateTemplate'] },
  proxyTo: 'node',
  transport: 'upload',
  task: { type: 'imgcopy', id: 'storage' },
});

const Url = Type.String({
  pattern: 'https?://.*',
  maxLength: 8192,
  description: 'Where the file is (http or https).',
});
const Compression = Enum(['gz', 'bz2', 'lzo', 'zst'], {
  description: 'Unpack the file after the checksum was compared.',
});
const verify = Optional(
  Type.Boolean({ default: true, description: 'Check the TLS certificate of the server.' }),
);

export const storageDownload = defineMethod({
  id: 'storage.download',
  verb: 'POST',
  path: `${base}/download-url`,
  description: 'Downloads a file into a storage.',
  params: Type.Object({
    ...here,
    content: UploadContent,
    filename: Type.String({
      maxLength: 255,
      description: 'Name to store it under; unusual characters become `_`.',
    }),
    url: Url,
    ...checksum,
    compression: Optional(Compression),
    'verify-certificates': verify,
  }),
  returns: Type.String(),
  permission: { and: [{ perm: '/storage/{storage}', privs: ['Datastore.AllocateTemplate'] }, reachOut] },
  proxyTo: 'node',
  task: { type: 'download', id: 'storage' },
});

export const queryUrlMetadata = defineMethod({
  id: 'nodes.queryUrlMetadata',
  verb: 'GET',
  path: '/nodes/{node}/query-url-metadata',
  description: 'Asks a web server for name, size and type of a file.',
  params: Type.Object({ node: Node(), url: Url, 'verify-certificates': verify }),
  returns: Type.Object({
    filename: Optional(Type.String()),
    size: Optional(Bytes()),
    mimetype: Optional(Type.String()),
  }),
  permission: reachOut,
  proxyTo: 'node',
});

export const volumePath = defineMethod({
  id: 'storage.volumePath',
  verb: 'GET',
  path: '/nodes/{node}/volume-path',
  description: 'The path of a volume in the file system of the node; the volume need not exist.',
  params: Type.Object({ node: Node(), volume: Type.String({ description: 'Volume id.' }) }),
  returns: Type.String(),
  permission: { user: 'all' },
  proxyTo: 'node',
  extension: true,
  cli: { command: 'pvesm path', args: ['volume'] },
});
