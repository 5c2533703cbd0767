/** Images of a `btrfs` storage that are subvolumes: made, copied, snapshotted, limited. See btrfs-layout.ts. */
import { chmod, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import {
  createSubvolume,
  deleteSubvolume,
  isSubvolume,
  limitSubvolume,
  renameNew,
  replaceSubvolume,
  sealSubvolume,
  snapshotSubvolume,
  subvolumeId,
  usageOf,
} from '../../host/btrfs.ts';
import { run } from '../../host/exec.ts';
import { type Owner, syncFolder } from '../../host/files.ts';
import type { AllocateRequest } from '../driver.ts';
import { createImage, type Preallocation, resizeImage } from '../qemu-img.ts';
import { removeStale, stagingPath } from '../staging.ts';
import {
  contentPath,
  type SubvolumeFormat,
  type SubvolumeImage,
  snapshotPath,
  subvolumePath,
} from './btrfs-layout.ts';
import { exists, makeFolder, notFound, seal, takeImageName } from './dir-files.ts';
import { type DirLayout, folderMode } from './dir-layout.ts';
import { noSnapshot, snapshotExists } from './dir-snapshots.ts';

export interface NewSubvolume extends Pick<AllocateRequest, 'onStaged' | 'onPlaced'> {
  readonly vmid: number;
  readonly format: SubvolumeFormat;
  /** Its file name; the next free number when absent. */
  readonly name?: string | undefined;
}

export interface BtrfsOptions {
  /** Who owns images of machines. */
  readonly owner: Owner | undefined;
  readonly preallocation: Preallocation | undefined;
  /** Overwrite images in place, without checksums. */
  readonly nocow: boolean;
}

export class BtrfsVolumes {
  constructor(
    private readonly layout: DirLayout,
    private readonly options: BtrfsOptions,
  ) {}

  /** The subvolume of a name, which has to be there. */
  async find(image: SubvolumeImage): Promise<SubvolumeImage> {
    if (await isSubvolume(image.subvolume)) return image;
    throw notFound(image.name);
  }

  /** An empty image of `size` bytes; a subvolume has no limit when it is 0, or when the file system has no quotas. */
  create(request: NewSubvolume, size: number): Promise<string> {
    return this.place(request, async (path) => {
      await createSubvolume(path);
      if (request.format === 'subvol') {
        await limitSubvolume(path, size);
        return;
      }
      await chmod(path, 0o711);
      // Before the first byte: a file that has data keeps its way of being written.
      if (this.options.nocow) await run('chattr', ['+C', path]);
      const file = contentPath(path, 'raw');
      await createImage(file, { format: 'raw', size, preallocation: this.options.preallocation });
      await seal(file, 0o600, this.options.owner);
    });
  }

  /** An image that shares what `source` holds; `snapshot` is one of the source's. */
  async copy(source: SubvolumeImage, snapshot: string | undefined, request: NewSubvolume): Promise<string> {
    const from = snapshot === undefined ? source.subvolume : await this.findSnapshot(source, snapshot);
    return this.place(request, (path) => this.copyTree(from, path, source.format));
  }

  async resize(image: SubvolumeImage, size: number): Promise<void> {
    if (image.format === 'raw') return resizeImage(contentPath(image.subvolume, 'raw'), 'raw', size);
    if (await limitSubvolume(image.subvolume, size)) return;
    throw new RyokanError(
      'unsupported',
      `'${image.name}' can have no size: its file system has no quotas, so that it takes what space there is`,
    );
  }

  async remove(image: SubvolumeImage): Promise<void> {
    for (const name of await this.snapshotNames(image)) await deleteSubvolume(snapshotPath(image, name));
    await deleteSubvolume(image.subvolume);
    // Fails while other images are in it, which is right.
    await rmdir(dirname(image.subvolume)).catch(() => {});
  }

  /** Oldest first. */
  async snapshots(image: SubvolumeImage): Promise<string[]> {
    const names = await this.snapshotNames(image);
    const aged = await Promise.all(
      names.map(async (name) => ({ name, id: await subvolumeId(snapshotPath(image, name)) })),
    );
    return aged.sort((a, b) => a.id - b.id).map(({ name }) => name);
  }

  async snapshotCreate(image: SubvolumeImage, snapshot: string): Promise<void> {
    const path = snapshotPath(image, snapshot);
    if (await isSubvolume(path)) throw snapshotExists({ name: image.name, path: image.subvolume }, snapshot);
    await snapshotSubvolume(image.subvolume, path, { readOnly: true });
    await this.copyLimit(image.subvolume, path, image.format);
    await syncFolder(dirname(path));
  }

  async snapshotDelete(image: SubvolumeImage, snapshot: string): Promise<void> {
    await deleteSubvolume(await this.findSnapshot(image, snapshot));
  }

  /** Works also when the image itself is gone: a rollback that broke off can be made again. */
  async snapshotRollback(image: SubvolumeImage, snapshot: string): Promise<void> {
    const from = await this.findSnapshot(image, snapshot);
    await this.stage(image.vmid, async (staged) => {
      const old = join(staged, 'old');
      await this.copyTree(from, join(staged, 'new'), image.format);
      await replaceSubvolume(image.subvolume, join(staged, 'new'), old);
      await syncFolder(dirname(image.subvolume));
      if (await isSubvolume(old)) await deleteSubvolume(old);
    });
  }

  /** Where a snapshot is; rejects with 'not-found'. */
  async findSnapshot(image: SubvolumeImage, snapshot: string): Promise<string> {
    const path = snapshotPath(image, snapshot);
    if (!(await isSubvolume(path))) throw noSnapshot(snapshot);
    return path;
  }

  async makeBase(image: SubvolumeImage): Promise<string> {
    const file = image.file.replace(/^(vm|subvol)-/, (prefix) => (prefix === 'vm-' ? 'base-' : 'basevol-'));
    const path = subvolumePath(this.layout, { vmid: image.vmid, file });
    if (!(await renameNew(image.subvolume, path))) throw exists(`${image.vmid}/${file}`);
    await sealSubvolume(path);
    return `${image.vmid}/${file}`;
  }

  async rename(image: SubvolumeImage, request: NewSubvolume): Promise<string> {
    const { vmid, format, name: wanted } = request;
    await this.makeImageFolder(vmid, format);
    const file = await this.claim(image.subvolume, { vmid, format, wanted }, request.onPlaced);
    await rmdir(dirname(image.subvolume)).catch(() => {});
    return `${vmid}/${file}`;
  }

  /** Makes an image apart, and gives it its name when it is whole. */
  private async place(request: NewSubvolume, make: (path: string) => Promise<void>): Promise<string> {
    const { vmid, format, name: wanted, onStaged, onPlaced } = request;
    await this.makeImageFolder(vmid, format);
    return this.stage(vmid, async (staged) => {
      onStaged?.(staged);
      const path = join(staged, 'new');
      await make(path);
      return `${vmid}/${await this.claim(path, { vmid, format, wanted }, onPlaced)}`;
    });
  }

  private async claim(
    from: string,
    wish: { vmid: number; format: SubvolumeFormat; wanted: string | undefined },
    onPlaced?: (name: string) => void,
  ): Promise<string> {
    return takeImageName(this.layout, wish, async (file) => {
      const path = subvolumePath(this.layout, { vmid: wish.vmid, file });
      if (!(await renameNew(from, path))) return false;
      onPlaced?.(`${wish.vmid}/${file}`);
      await syncFolder(dirname(path));
      return true;
    });
  }

  /** Calls `work` with a folder beside the images of `vmid` whose content nobody takes for images. */
  private async stage<T>(vmid: number, work: (staged: string) => Promise<T>): Promise<T> {
    const folder = this.layout.imageFolder(vmid);
    await removeStale(folder);
    const staged = stagingPath(folder);
    await mkdir(staged, { mode: 0o700 });
    try {
      return await work(staged);
    } finally {
      for (const name of await readdir(staged)) await deleteSubvolume(join(staged, name));
      await rm(staged, { recursive: true });
      await rmdir(folder).catch(() => {});
    }
  }

  /** Containers are root's affair alone: their trees may hold files that give rights to whoever runs them. */
  private async makeImageFolder(vmid: number, format: SubvolumeFormat): Promise<void> {
    const folder = this.layout.imageFolder(vmid);
    await makeFolder(this.layout.root, folder, folderMode('images'));
    if (format === 'subvol') await chmod(folder, 0o700);
  }

  private async copyTree(from: string, to: string, format: SubvolumeFormat): Promise<void> {
    await snapshotSubvolume(from, to);
    await this.copyLimit(from, to, format);
  }

  /** A snapshot belongs to no quota group but its own, so that it remembers the size that its tree had. */
  private async copyLimit(from: string, to: string, format: SubvolumeFormat): Promise<void> {
    const limit = format === 'subvol' ? (await usageOf(from))?.limit : undefined;
    if (limit) await limitSubvolume(to, limit);
  }

  private async snapshotNames(image: SubvolumeImage): Promise<string[]> {
    const prefix = `${basename(image.subvolume)}@`;
    const names = await readdir(dirname(image.subvolume));
    return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  }
}
