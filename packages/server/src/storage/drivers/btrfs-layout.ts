/**
 * Where a `btrfs` storage keeps images, as Proxmox VE has it. Each is a subvolume in its owner's folder: of a container
 * the tree itself, of a machine a raw file in it; snapshots stand beside it:
 *
 *     images/100/vm-100-disk-0/disk.raw          100/vm-100-disk-0.raw
 *     images/100/vm-100-disk-0@before/disk.raw   its snapshot `before`
 *     images/101/subvol-101-disk-0.subvol        101/subvol-101-disk-0.subvol
 *
 * Pure: no file is touched here.
 */
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { formatImageName, type ImagePlace, parseVolumeName } from '@ryokan/api/schema/volume-id.ts';
import type { DirLayout } from './dir-layout.ts';

/** Formats that are subvolumes here; all others are files as on a `dir` storage. */
export const subvolumeFormats = ['raw', 'subvol'] as const;
export type SubvolumeFormat = (typeof subvolumeFormats)[number];

/** An image that is a subvolume. */
export interface SubvolumeImage extends ImagePlace {
  readonly format: SubvolumeFormat;
  readonly isBase: boolean;
  /** Volume name. */
  readonly name: string;
  /** Path of the subvolume. */
  readonly subvolume: string;
}

/** The image of this name; undefined for all that is a file. Throws 'parameter' for names outside the grammar. */
export function locateSubvolume(layout: DirLayout, name: string): SubvolumeImage | undefined {
  const volume = parseVolumeName(name);
  if (volume.kind === 'file') return undefined;
  const format = subvolumeFormats.find((one) => one === volume.format);
  if (format === undefined) return undefined;
  if (!volume.folder || volume.base || volume.file.includes('@')) {
    throw new RyokanError('parameter', `unable to parse btrfs volume name '${name}'`);
  }
  return { ...volume, format, name: formatImageName(volume), subvolume: subvolumePath(layout, volume) };
}

/** The subvolume of an image. */
export function subvolumePath(layout: DirLayout, image: Pick<ImagePlace, 'vmid' | 'file'>): string {
  return join(layout.imageFolder(image.vmid), image.file.replace(/\.raw$/, ''));
}

/** What a guest or a container's start opens: the file in the subvolume, or the subvolume itself. */
export function contentPath(subvolume: string, format: SubvolumeFormat): string {
  return format === 'raw' ? join(subvolume, imageFile) : subvolume;
}

/** The file of a machine's image in its subvolume. */
const imageFile = 'disk.raw';

/** Where a snapshot of the image stands. */
export function snapshotPath(image: Pick<SubvolumeImage, 'subvolume'>, snapshot: string): string {
  return `${image.subvolume}@${snapshot}`;
}
