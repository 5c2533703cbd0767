/** What is known of the images of a `btrfs` storage that are subvolumes. */
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { isSubvolume, type SubvolumeUsage, usageOf, usagesBelow } from '../../host/btrfs.ts';
import { errorCode } from '../../host/files.ts';
import type { VolumeInfo } from '../driver.ts';
import { contentPath, locateSubvolume, type SubvolumeImage } from './btrfs-layout.ts';
import { notFound, statInside } from './dir-files.ts';
import type { DirLayout } from './dir-layout.ts';

/** All of them, or those of one guest. */
export async function listSubvolumes(layout: DirLayout, vmid?: number): Promise<VolumeInfo[]> {
  const images: { image: SubvolumeImage; stats: Stats }[] = [];
  for (const owner of vmid === undefined ? await owners(layout) : [vmid]) {
    for (const name of await namesIn(layout.imageFolder(owner))) {
      const image = imageNamed(layout, owner, name);
      const stats = image && (await statContent(layout, image).catch(() => undefined));
      if (image && stats) images.push({ image, stats });
    }
  }
  const limited = images.some(({ image }) => image.format === 'subvol');
  const usages = limited ? await usagesBelow(layout.folder('images')) : undefined;
  return images.map(({ image, stats }) => volumeInfo(image, stats, usages?.get(image.subvolume)));
}

/** One of them; rejects with 'not-found'. */
export async function infoOfSubvolume(layout: DirLayout, image: SubvolumeImage): Promise<VolumeInfo> {
  const stats = await statContent(layout, image);
  return volumeInfo(image, stats, image.format === 'subvol' ? await usageOf(image.subvolume) : undefined);
}

/** Without quotas nobody counts what a tree of files takes, and nothing limits it. */
function volumeInfo(
  { name, format, vmid }: SubvolumeImage,
  stats: Stats,
  { used, limit }: SubvolumeUsage = { used: 0, limit: 0 },
): VolumeInfo {
  return {
    name,
    content: 'images',
    format,
    size: format === 'raw' ? stats.size : limit,
    used: format === 'raw' ? stats.blocks * 512 : used,
    vmid,
    ctime: Math.floor(stats.ctimeMs / 1000),
  };
}

/** The stats of the file or folder that holds what the image shows. */
async function statContent(layout: DirLayout, image: SubvolumeImage): Promise<Stats> {
  if (!(await isSubvolume(image.subvolume))) throw notFound(image.name);
  const path = contentPath(image.subvolume, image.format);
  return image.format === 'raw' ? statInside(layout.root, path, image.name) : lstat(path);
}

/** The image in the folder of `vmid` whose subvolume has this name; undefined for files and snapshots. */
function imageNamed(layout: DirLayout, vmid: number, name: string): SubvolumeImage | undefined {
  const file = name.endsWith('.subvol') ? name : /\.(raw|qcow2|vmdk)$/.test(name) ? undefined : `${name}.raw`;
  try {
    return file === undefined ? undefined : locateSubvolume(layout, `${vmid}/${file}`);
  } catch {
    return undefined;
  }
}

async function owners(layout: DirLayout): Promise<number[]> {
  const names = await namesIn(layout.folder('images'));
  return names
    .filter((name) => /^[1-9]\d{2,8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
