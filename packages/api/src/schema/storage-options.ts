/** Properties of a storage definition (storage.cfg), as POST and PUT /storage take them. */
import { defineFormat, splitList } from './formats.ts';
import { PropertyString } from './property-string.ts';
import { Enum, Format, Type } from './types.ts';

const Optional = Type.Optional;

/** A path that a storage may have: absolute, without steps up and without characters that the document cannot hold. */
function storagePathProblem(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this refuses
  const fits = /^\/[^;()\x00-\x1f]+$/.test(text) && !text.split('/').includes('..');
  return fits ? undefined : 'value does not look like a valid absolute path';
}

/** `iso=isos`: a content type and its folder below the storage's path. */
function folderOverrideProblem(text: string): string | undefined {
  const match = /^(images|rootdir|iso|vztmpl|backup|snippets|import)=\/?([^/].*)$/.exec(text);
  const path = match?.[2];
  const parts = path?.split('/') ?? [];
  const fits =
    path !== undefined &&
    path.length < 1023 &&
    parts.every((part) => /^[^\s/]{1,254}$/.test(part) && !part.startsWith('.'));
  return fits ? undefined : 'value does not look like a valid folder for a content type (iso=path)';
}

defineFormat('pve-storage-path', storagePathProblem);
defineFormat('pve-dir-override', folderOverrideProblem);

const keep = (what: string) =>
  Optional(Type.Integer({ minimum: 0, description: `How many ${what} backups are kept.` }));

/** How many backups of a guest stay. */
export const PruneBackups = Type.Object({
  'keep-all': Optional(Type.Boolean({ description: 'Keep all; excludes the other options.' })),
  'keep-last': keep('newest'),
  'keep-hourly': keep('hourly'),
  'keep-daily': keep('daily'),
  'keep-weekly': keep('weekly'),
  'keep-monthly': keep('monthly'),
  'keep-yearly': keep('yearly'),
});

const limit = (what: string) =>
  Optional(Type.Number({ minimum: 0, description: `Limit for ${what}, in KiB/s.` }));

const BandwidthLimit = Type.Object({
  default: limit('everything'),
  clone: limit('clones'),
  migration: limit('migrations'),
  move: limit('moving disks'),
  restore: limit('restores'),
});

/** Properties that can be changed later. */
export const storageOptions = {
  content: Optional(
    Format('pve-storage-content-list', {
      description: 'Content types that the storage may hold; `none` for no content.',
    }),
  ),
  nodes: Optional(
    Format('pve-node-list', { description: 'Nodes that may use the storage; all when absent.' }),
  ),
  disable: Optional(Type.Boolean({ description: 'Keep the definition, but do not use the storage.' })),
  shared: Optional(
    Type.Boolean({
      description: 'All nodes see the same content at this path (it does not share anything by itself).',
    }),
  ),
  format: Optional(Enum(['raw', 'qcow2', 'vmdk', 'subvol'], { description: 'Format of new images.' })),
  preallocation: Optional(
    Enum(['off', 'metadata', 'falloc', 'full'], {
      default: 'off',
      description: 'What is reserved when an image is made. `off` makes images at once, whatever their size.',
    }),
  ),
  nocow: Optional(
    Type.Boolean({
      default: false,
      description:
        'Type btrfs: overwrite disk images in place. Faster for guests that write much, but without checksums, so that damage goes unnoticed.',
    }),
  ),
  'prune-backups': Optional(PropertyString(PruneBackups, { description: 'Which backups stay.' })),
  'max-protected-backups': Optional(
    Type.Integer({ minimum: -1, description: 'Protected backups a guest may have; -1 for no limit.' }),
  ),
  bwlimit: Optional(PropertyString(BandwidthLimit, { description: 'Bandwidth limits.' })),
  is_mountpoint: Optional(
    Type.String({
      default: 'no',
      description:
        'A path that must be a mount point (or `yes` for the storage path), else the storage is offline.',
    }),
  ),
  'create-base-path': Optional(
    Type.Boolean({ default: true, description: 'Make the storage path when it is missing.' }),
  ),
  'create-subdirs': Optional(
    Type.Boolean({ default: true, description: 'Make the folders of the content types.' }),
  ),
  mkdir: Optional(
    Type.Boolean({ default: true, description: 'Old name of create-base-path and create-subdirs together.' }),
  ),
  'content-dirs': Optional(
    Format('pve-dir-override-list', {
      description: 'Other folders for content types: `iso=isos,backup=archive`.',
    }),
  ),
};

/** Properties that are set once. */
export const storageFixedOptions = {
  path: Optional(Format('pve-storage-path', { description: 'The folder, for the types dir and btrfs.' })),
  'snapshot-as-volume-chain': Optional(
    Type.Boolean({
      default: false,
      description: 'Keep each snapshot of a disk in a file of its own, on which the disk then rests.',
    }),
  ),
};

/** Reads the value of content-dirs: content type to folder. */
export function parseContentDirs(text: string): Record<string, string> {
  const folders: Record<string, string> = {};
  for (const part of splitList(text)) {
    if (folderOverrideProblem(part) !== undefined) continue;
    const equals = part.indexOf('=');
    folders[part.slice(0, equals)] = part.slice(equals + 1).replace(/^\/+/, '');
  }
  return folders;
}
