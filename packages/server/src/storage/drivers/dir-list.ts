/**
 * Lists what a `dir` storage holds. Headers of images are remembered by inode, size and time of change, so that a list
 * of thousands of disks costs one `lstat` each.
 */
import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type FileContent,
  type FileName,
  fileContents,
  formatImageName,
  type ImageName,
  type ImagePlace,
  tryParseFileName,
} from '@ryokan/api/schema/volume-id.ts';
import { errorCode } from '../../host/files.ts';
import type { ContentType, VolumeInfo } from '../driver.ts';
import { type ImageHeader, readImageHeader } from '../image-header.ts';
import { imageDetails } from '../qemu-img.ts';
import { statInside } from './dir-files.ts';
import type { DirLayout } from './dir-layout.ts';

interface Remembered {
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly header: ImageHeader | undefined;
}

/** Ending of the files beside a backup that hold its notes and its protection mark. */
export const notesEnding = '.notes';
export const protectedEnding = '.protected';

/** More layers than a guest's disk ever has; a chain that goes round in a circle ends here. */
const longestChain = 1000;

/** Folders that are read at the same time: more only queue up in libuv's four threads. */
const atOnce = 16;

export class DirList {
  private readonly headers = new Map<string, Remembered>();

  constructor(private readonly layout: DirLayout) {}

  async list(filter: { content?: ContentType; vmid?: number }): Promise<VolumeInfo[]> {
    const { content, vmid } = filter;
    const lists: VolumeInfo[][] = [];
    if (content === undefined || content === 'images') lists.push(await this.images(vmid));
    for (const one of fileContents) {
      if (content !== undefined && content !== one) continue;
      const files = await this.files(one);
      lists.push(vmid === undefined ? files : files.filter((file) => file.vmid === vmid));
    }
    return lists.flat();
  }

  /** All images, or those in the folder of one guest. */
  async images(vmid?: number): Promise<VolumeInfo[]> {
    const owners = vmid === undefined ? await this.owners() : [vmid];
    const lists = await mapAtOnce(owners, (owner) => this.imagesOf(owner));
    if (vmid === undefined) this.forget(lists.flat());
    return lists.flat();
  }

  /** One image; `stats` are those of its file. */
  async image(image: ImagePlace, path: string, stats: Stats): Promise<VolumeInfo> {
    const header = image.format === 'raw' ? undefined : await this.header(image, path, stats);
    const base = header?.backingFile ? await this.baseBelow(path, header.backingFile) : undefined;
    return {
      name: formatImageName(image, base),
      content: 'images',
      format: image.format,
      size: image.format === 'raw' ? stats.size : (header?.virtualSize ?? 0),
      used: stats.blocks * 512,
      vmid: image.vmid,
      ctime: Math.floor(stats.ctimeMs / 1000),
      ...(base ? { parent: formatImageName(base) } : {}),
    };
  }

  /** One file of another content type. `beside` are the names in its folder, when they are known. */
  async file(name: FileName, path: string, stats: Stats, beside?: ReadonlySet<string>): Promise<VolumeInfo> {
    const info: VolumeInfo = {
      name: `${name.content}/${name.file}`,
      content: name.content,
      format: name.format,
      size: stats.size,
      used: stats.blocks * 512,
      ctime: name.ctime ?? Math.floor(stats.mtimeMs / 1000),
      ...(name.vmid === undefined ? {} : { vmid: name.vmid }),
    };
    if (name.content !== 'backup') return info;
    const isThere = async (ending: string) =>
      beside
        ? beside.has(name.file + ending)
        : (await lstat(path + ending).catch(() => undefined)) !== undefined;
    const notes = (await isThere(notesEnding)) ? await readNotes(path + notesEnding) : undefined;
    return {
      ...info,
      ...(notes === undefined ? {} : { notes }),
      ...((await isThere(protectedEnding)) ? { protected: true } : {}),
    };
  }

  /** The base of a linked clone, below the layers of its snapshots as well. */
  private async baseBelow(path: string, backing: string): Promise<ImagePlace | undefined> {
    let next: string | undefined = backing;
    for (let depth = 0; next?.startsWith('snap-') && depth < longestChain; depth++) {
      if (next.includes('/')) return undefined;
      const layer = join(dirname(path), next);
      next = (await readImageHeader(layer, 'qcow2').catch(() => undefined))?.backingFile;
    }
    return next === undefined ? undefined : this.layout.baseOfBackingFile(next);
  }

  private async owners(): Promise<number[]> {
    const entries = await entriesOf(this.layout.folder('images'));
    return entries
      .filter((entry) => entry.isDirectory() && /^[1-9]\d{2,8}$/.test(entry.name))
      .map((entry) => Number(entry.name))
      .sort((a, b) => a - b);
  }

  private async imagesOf(vmid: number): Promise<VolumeInfo[]> {
    const infos: VolumeInfo[] = [];
    for (const entry of await entriesOf(this.layout.imageFolder(vmid))) {
      const name = `${vmid}/${entry.name}`;
      const located = this.locateImage(name);
      if (!located) continue;
      const stats = await this.statOf(entry, located.path, name);
      if (stats) infos.push(await this.image(located.volume, located.path, stats));
    }
    return infos;
  }

  private locateImage(name: string): { volume: ImageName; path: string } | undefined {
    try {
      const { volume, path } = this.layout.locate(name);
      return volume.kind === 'image' ? { volume, path } : undefined;
    } catch {
      return undefined;
    }
  }

  private async files(content: FileContent): Promise<VolumeInfo[]> {
    const folder = this.layout.folder(content);
    const entries = await entriesOf(folder);
    const names = new Set(entries.map((entry) => entry.name));
    const found = await mapAtOnce(entries, async (entry) => {
      const name = tryParseFileName(content, entry.name);
      if (!name) return undefined;
      const path = join(folder, entry.name);
      const stats = await this.statOf(entry, path, `${content}/${entry.name}`);
      return stats && (await this.file(name, path, stats, names));
    });
    return found.filter((info) => info !== undefined);
  }

  /** Undefined for what is no regular file inside the storage, and for what has just gone. */
  private async statOf(entry: Dirent, path: string, name: string): Promise<Stats | undefined> {
    try {
      if (entry.isFile()) return await lstat(path);
      return entry.isSymbolicLink() ? await statInside(this.layout.root, path, name) : undefined;
    } catch {
      return undefined;
    }
  }

  private async header(image: ImagePlace, path: string, stats: Stats): Promise<ImageHeader | undefined> {
    const known = this.headers.get(path);
    if (known && known.ino === stats.ino && known.size === stats.size && known.mtimeMs === stats.mtimeMs) {
      return known.header;
    }
    const header = (await readImageHeader(path, image.format)) ?? (await askQemuImg(image, path));
    this.headers.set(path, { ino: stats.ino, size: stats.size, mtimeMs: stats.mtimeMs, header });
    return header;
  }

  /** Drops what is remembered of images that are gone. */
  private forget(present: readonly VolumeInfo[]): void {
    if (this.headers.size <= present.length) return;
    const paths = new Set(
      present.map((info) => this.locateImage(info.name)?.path).filter((path) => path !== undefined),
    );
    for (const path of this.headers.keys()) if (!paths.has(path)) this.headers.delete(path);
  }
}

/** For the rare formats that readImageHeader does not know (vmdk with its descriptor in a text file). */
async function askQemuImg(image: ImagePlace, path: string): Promise<ImageHeader | undefined> {
  try {
    return { virtualSize: (await imageDetails(path, image.format)).virtualSize };
  } catch {
    return undefined;
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Notes beyond this are cut: they are for people. */
const longestNotes = 64 * 1024;

async function readNotes(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text?.slice(0, longestNotes).replace(/\n$/, '');
}

async function mapAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
  return results;
}
