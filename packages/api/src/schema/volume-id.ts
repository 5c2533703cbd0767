/**
 * Volume ids: `<storage>:<volume name>`, and the one grammar of volume names. Nothing else in the product takes a
 * volume name apart, so that what stands here is also the guard against names that lead out of a storage.
 *
 *   100/vm-100-disk-0.qcow2                              image in a folder of its owner (file storages)
 *   100/base-100-disk-0.qcow2/101/vm-101-disk-0.qcow2    linked clone: its base in front
 *   vm-100-disk-0, base-100-disk-0/vm-101-disk-0         the same on storages with flat names (LVM, ZFS, RBD)
 *   iso/x.iso  vztmpl/x.tar.zst  backup/vzdump-…  snippets/x.yaml  import/x.qcow2
 *
 * Source: the volume ids of the public API of Proxmox VE.
 */
import { ParameterError, RyokanError } from '../errors.ts';

export const fileContents = ['iso', 'vztmpl', 'backup', 'snippets', 'import'] as const;
/** Content types whose volumes are finished files under names that people choose. */
export type FileContent = (typeof fileContents)[number];

export const imageFormats = ['raw', 'qcow2', 'vmdk', 'subvol'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** Formats of disks that can be imported. */
export const importableFormats = ['raw', 'qcow2', 'vmdk', 'vdi', 'vhdx'] as const;
export type ImportableFormat = (typeof importableFormats)[number];
/** Formats of content `import`: disks, and whole machines. */
export type ImportFormat = ImportableFormat | 'ova' | 'ovf';

type Compression = 'gz' | 'lzo' | 'zst' | 'bz2';
/** Formats of finished files in the words of the public API. */
export type FileFormat =
  | 'iso'
  | 'snippet'
  | ImportFormat
  | 'tgz'
  | 'txz'
  | 'tzst'
  | 'tbz2'
  | 'tar'
  | 'vma'
  | `tar.${Compression}`
  | `vma.${Compression}`;

/** Where an image stands: the folder's VMID (undefined for flat names) and the last part of its name. */
export interface ImagePlace {
  /** The guest that owns it. */
  readonly vmid: number;
  /** `vm-100-disk-0.qcow2`; without extension on storages with flat names. */
  readonly file: string;
  readonly format: ImageFormat;
  /** False: flat name. */
  readonly folder: boolean;
}

export interface ImageName extends ImagePlace {
  readonly kind: 'image';
  /** Template image: linked clones may rest on it. */
  readonly isBase: boolean;
  /** What this image is a linked clone of. */
  readonly base?: ImagePlace;
}

export interface FileName {
  readonly kind: 'file';
  readonly content: FileContent;
  readonly file: string;
  readonly format: FileFormat;
  /** Owner of a backup, from its name. */
  readonly vmid?: number;
  /** When a backup was made, from its name: seconds since the epoch, the name read as local time. */
  readonly ctime?: number;
}

export type VolumeName = ImageName | FileName;

export interface VolumeId {
  readonly storage: string;
  readonly name: string;
}

const storageId = /^[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]$/;

/** Splits `local:iso/x.iso`. Checks the storage id; the name is checked by parseVolumeName. Throws RyokanError. */
export function parseVolumeId(volid: string): VolumeId {
  const colon = volid.indexOf(':');
  const storage = volid.slice(0, Math.max(colon, 0));
  const name = volid.slice(colon + 1);
  if (!storageId.test(storage) || name === '') {
    throw new RyokanError('parameter', `unable to parse volume ID '${printable(volid)}'`);
  }
  return { storage, name };
}

export function formatVolumeId(storage: string, name: string): string {
  return `${storage}:${name}`;
}

/** Takes a volume name apart. Throws RyokanError 'parameter' for anything outside the grammar. */
export function parseVolumeName(name: string): VolumeName {
  const parsed = tryParseVolumeName(name);
  if (!parsed) {
    throw new RyokanError('parameter', `unable to parse volume name '${printable(name)}'`, {
      context: { volume: printable(name) },
    });
  }
  return parsed;
}

/** Like parseVolumeName; undefined for anything outside the grammar. */
export function tryParseVolumeName(name: string): VolumeName | undefined {
  if (name.length > 1024) return undefined;
  const parts = name.split('/');
  const [first, second, third, fourth] = parts as [string, string?, string?, string?];
  if (parts.length === 4) return cloneName(place(second, first), place(fourth, third));
  if (parts.length === 2 && second !== undefined) {
    if ((fileContents as readonly string[]).includes(first)) {
      return tryParseFileName(first as FileContent, second);
    }
    if (/^\d/.test(first)) return imageName(place(second, first));
    return cloneName(flatPlace(first), flatPlace(second));
  }
  return parts.length === 1 ? imageName(flatPlace(first)) : undefined;
}

/** The name of an image as text; the opposite of parseVolumeName. */
export function formatImageName(image: ImagePlace, base?: ImagePlace): string {
  const own = image.folder ? `${image.vmid}/${image.file}` : image.file;
  return base ? `${formatImageName(base)}/${own}` : own;
}

function imageName(image: ImagePlace | undefined): ImageName | undefined {
  if (!image) return undefined;
  return { kind: 'image', isBase: /^base(vol)?-/.test(image.file), ...image };
}

function cloneName(base: ImagePlace | undefined, image: ImagePlace | undefined): ImageName | undefined {
  if (!base || !image || !/^base(vol)?-/.test(base.file)) return undefined;
  const parsed = imageName(image);
  return parsed && { ...parsed, base };
}

const vmidPattern = /^[1-9][0-9]{2,8}$/;

/** An image in a folder: any plain file name with a disk format's extension. */
function place(file: string | undefined, folder: string | undefined): ImagePlace | undefined {
  if (file === undefined || folder === undefined || !vmidPattern.test(folder)) return undefined;
  const match = /\.(raw|qcow2|vmdk|subvol)$/.exec(file);
  if (!match || !isPlainFileName(file) || /\s/.test(file)) return undefined;
  return { vmid: Number(folder), file, format: match[1] as ImageFormat, folder: true };
}

/** An image with a flat name: the owner stands in the name itself. */
function flatPlace(file: string): ImagePlace | undefined {
  const match = /^(vm|base|subvol|basevol)-([1-9][0-9]{2,8})-[A-Za-z0-9_][A-Za-z0-9_.+-]*$/.exec(file);
  if (!match || file.length > 255) return undefined;
  const format = match[1]?.endsWith('vol') ? 'subvol' : 'raw';
  return { vmid: Number(match[2]), file, format, folder: false };
}

/**
 * Can a volume have this file name at all? No folders, nothing hidden, no control characters, none that a volume id
 * could not carry through URLs (`% ? #`), property strings and lists (`, ; "`) or other tools (`\`); at most 255 bytes.
 * Wider than what an upload may be called: people also copy files into a storage by hand.
 */
export function isPlainFileName(file: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this refuses
  const forbidden = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd/\\%?#,;"<>|*]/;
  return (
    file !== '' &&
    !file.startsWith('.') &&
    file === file.trim() &&
    !forbidden.test(file) &&
    new TextEncoder().encode(file).length <= 255
  );
}

/** What a file of each content type ends in; the first group gives the format. */
const extensions: Readonly<Record<FileContent, RegExp>> = {
  iso: /\.(iso|img)$/i,
  // Without compression: an OCI archive.
  vztmpl: /\.tar(?:\.(gz|xz|zst|bz2))?$/,
  backup: /\.(tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst|bz2))?)$/,
  snippets: /(?:)$/,
  import: /\.(qcow2|raw|img|vmdk|vdi|vhdx|ova|ovf)$/,
};

/** The endings in words, for errors. */
export const extensionHelp: Readonly<Record<FileContent, string>> = {
  iso: '.iso or .img',
  vztmpl: '.tar.gz, .tar.xz, .tar.zst, .tar.bz2 or .tar',
  backup: '.vma or .tar, with .zst, .gz, .lzo or .bz2, or .tgz',
  snippets: 'any',
  import: '.ova, .ovf, .qcow2, .raw, .img, .vmdk, .vdi or .vhdx',
};

/** A file inside an OVA, as import-from names it: `local:import/web.ova/disk1.vmdk`. It is no volume of its own. */
export interface ArchiveMember {
  /** Volume id of the OVA. */
  readonly archive: string;
  readonly member: string;
  readonly format: ImportableFormat;
}

/** Takes such a name apart; undefined for every other volume id. */
export function tryParseArchiveMember(volid: string): ArchiveMember | undefined {
  const [, archive, member] = /^([^:/]+:import\/[^/]+\.ova)\/([^/]+)$/.exec(volid) ?? [];
  if (archive === undefined || member === undefined || !isPlainFileName(member)) return undefined;
  const format = importableFormat(member);
  return format && { archive, member, format };
}

/** The disk format that a file name ends in. */
export function importableFormat(file: string): ImportableFormat | undefined {
  const ending = /\.([a-z0-9]+)$/i.exec(file)?.[1]?.toLowerCase();
  return ending === 'img' ? 'raw' : importableFormats.find((format) => format === ending);
}

/** A file of a content type, from the last part of its volume name; undefined when it does not fit. */
export function tryParseFileName(content: FileContent, file: string): FileName | undefined {
  if (!isPlainFileName(file)) return undefined;
  const match = extensions[content].exec(file);
  if (!match || match.index === 0) return content === 'snippets' ? snippet(file) : undefined;
  if (content === 'iso') return { kind: 'file', content, file, format: 'iso' };
  if (content === 'vztmpl') {
    const format = match[1] === undefined ? 'tar' : (`t${match[1]}` as FileFormat);
    return { kind: 'file', content, file, format };
  }
  if (content === 'snippets') return snippet(file);
  const format = match[1] === 'img' ? 'raw' : (match[1] as FileFormat);
  return { kind: 'file', content, file, format, ...(content === 'backup' ? backupFacts(file) : {}) };
}

function snippet(file: string): FileName {
  return { kind: 'file', content: 'snippets', file, format: 'snippet' };
}

/** `vzdump-qemu-100-2026_01_31-23_59_59.vma.zst` says whose backup it is and when it was made. */
function backupFacts(file: string): { vmid?: number; ctime?: number } {
  const match = /^vzdump-(?:qemu|lxc)-([1-9][0-9]{2,8})-(\d{4})_(\d\d)_(\d\d)-(\d\d)_(\d\d)_(\d\d)\./.exec(
    file,
  );
  if (!match) return {};
  const [vmid, year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, ...number[]];
  const time = new Date(year!, month! - 1, day, hour, minute, second).getTime();
  return { vmid, ctime: Math.floor(time / 1000) };
}

/** Turns the name of a file that somebody uploads into one that a volume may have: folders cut off, the rest ASCII. */
export function sanitizeFileName(given: string): string {
  const last = given.replace(/^.*[/\\]/s, '').trim();
  return last.replace(/[^a-zA-Z0-9_.+=-]/gu, '_').replace(/^\.+/, (dots) => '_'.repeat(dots.length));
}

/**
 * The name under which an upload or a download is stored. Throws ParameterError on `filename` with what would fit,
 * in the public API's words `wrong file extension` for a known name of the wrong kind.
 */
export function uploadFileName(content: FileContent, given: string): string {
  const file = sanitizeFileName(given);
  if (file === '' || file.length > 255) {
    throw new ParameterError({ filename: 'invalid filename: 1 to 255 characters are needed' });
  }
  if (!tryParseFileName(content, file)) {
    throw new ParameterError({
      filename: `wrong file extension: '${file}' is not a name for '${content}' (${extensionHelp[content]})`,
    });
  }
  return file;
}

/** Is this a name that a new volume may get, as uploadFileName makes it? */
export function isSafeFileName(file: string): boolean {
  return isPlainFileName(file) && sanitizeFileName(file) === file;
}

/** Text from outside, made fit for an error message. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this removes
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?');
  return clean.length > 120 ? `${clean.slice(0, 120)}…` : clean;
}
