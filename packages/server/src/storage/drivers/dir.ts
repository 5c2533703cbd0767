/**
 * Storage type `dir`: volumes are files below a folder, laid out as Proxmox VE has it, so that folders of either can
 * be used by both. Images are qcow2 (snapshots, linked clones), raw or vmdk.
 */
import type { Stats } from 'node:fs';
import { lstat, rm, rmdir, statfs, unlink } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import {
  type FileContent,
  type FileName,
  fileContents,
  formatImageName,
  type ImageFormat,
  type ImageName,
} from '@ryokan/api/schema/volume-id.ts';
import { errorCode, type Owner, writeFileAtomic } from '../../host/files.ts';
import { findUser, guestUser } from '../../host/users.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type {
  AllocateRequest,
  ContentType,
  ImageSource,
  LayeredSnapshots,
  LinkedCloneOptions,
  QemuBlockSource,
  RenameOptions,
  StorageCapabilities,
  StorageConfig,
  StorageDriver,
  StorageStatus,
  VolumeAttributes,
  VolumeFormat,
  VolumeInfo,
} from '../driver.ts';
import { demandImageName, demandSnapshotName, imageSize, noSpace } from '../image-names.ts';
import { createImage, type Preallocation, resizeImage } from '../qemu-img.ts';
import { removeStale, stagingPath } from '../staging.ts';
import { isOn } from '../storage-config.ts';
import { adoptFile } from './dir-adopt.ts';
import { claim, exists, makeFolder, seal, statInside, takeImageName } from './dir-files.ts';
import { DirLayout, folderMode } from './dir-layout.ts';
import { DirList, notesEnding, protectedEnding } from './dir-list.ts';
import { type DirSnapshots, InternalSnapshots, type SnapshotImage } from './dir-snapshots.ts';
import { LayerSnapshots, unfinishedLayer } from './dir-snapshots-layers.ts';
import { demandMounted } from './mount-point.ts';

const allFormats = ['raw', 'qcow2', 'vmdk'] as const satisfies readonly ImageFormat[];

export interface DirOptions {
  /** Who owns images; default the system user of guests, where it exists. */
  readonly owner?: Owner;
}

export function createDirDriver(config: StorageConfig, options: DirOptions = {}): StorageDriver {
  return new DirDriver(config, options);
}

class DirDriver implements StorageDriver {
  readonly capabilities: StorageCapabilities;
  private readonly storage: string;
  private readonly properties: Readonly<Record<string, string>>;
  private readonly layout: DirLayout;
  private readonly contents: DirList;
  private readonly owner: Owner | undefined;
  private readonly snapshots: DirSnapshots;
  readonly layers?: LayeredSnapshots;

  constructor(config: StorageConfig, options: DirOptions) {
    const { path, format, shared, 'content-dirs': contentDirs } = config.properties;
    if (!path?.startsWith('/')) {
      throw new RyokanError('state', `storage '${config.storage}' has no absolute path in storage.cfg`);
    }
    this.storage = config.storage;
    this.properties = config.properties;
    this.layout = new DirLayout(path, contentDirs);
    this.contents = new DirList(this.layout);
    this.owner = options.owner ?? findUser(guestUser);
    const layered = isOn(config.properties['snapshot-as-volume-chain']);
    const layers = new LayerSnapshots(this.owner);
    this.snapshots = layered ? layers : new InternalSnapshots();
    if (layered) this.layers = layers.live((name) => this.liveImage(name));
    this.capabilities = {
      content: ['images', 'rootdir', ...fileContents],
      imageFormats: [...allFormats].sort((a, b) => Number(b === format) - Number(a === format)),
      localPath: true,
      shared: isOn(shared),
      snapshot: ['qcow2'],
      liveSnapshot: layered ? 'layers' : 'qemu',
      linkedClone: ['raw', 'qcow2', 'vmdk'],
      snapshotClone: [],
      independentClones: [],
      resize: true,
      directIo: true,
      thin: true,
      incrementalSend: false,
      attributes: ['backup'],
    };
  }

  async activate(): Promise<void> {
    await this.demandMounted();
    const { root } = this.layout;
    if (this.mayMake('create-base-path')) await makeFolder(root, root, 0o755);
    else await statfs(root);
    if (!this.mayMake('create-subdirs')) return;
    for (const content of ['images', ...fileContents] as const) {
      await makeFolder(root, this.layout.folder(content), folderMode(content));
    }
  }

  async deactivate(): Promise<void> {}

  async status(): Promise<StorageStatus> {
    await this.demandMounted();
    const { bsize, blocks, bfree, bavail } = await statfs(this.layout.root);
    return { total: blocks * bsize, used: (blocks - bfree) * bsize, available: bavail * bsize, active: true };
  }

  list(filter: { content?: ContentType; vmid?: number } = {}): Promise<VolumeInfo[]> {
    return this.contents.list(filter);
  }

  async info(name: string): Promise<VolumeInfo> {
    const { volume, path, stats } = await this.find(name);
    return volume.kind === 'image'
      ? this.contents.image(volume, path, stats)
      : this.contents.file(volume, path, stats);
  }

  async allocate(request: AllocateRequest): Promise<string> {
    const { vmid, name } = request;
    const format = this.demandImageFormat(request.format);
    if (name !== undefined) demandImageName(name, vmid, `.${format}`);
    const size = imageSize(request.size);
    const { available } = await this.status();
    if (size > available) throw noSpace('the disk', this.storage, size, available);
    const preallocation = this.properties.preallocation as Preallocation | undefined;
    const make = (path: string) => {
      request.onStaged?.(path);
      return createImage(path, { format, size, preallocation });
    };
    return this.place(vmid, format, name, make, request.onPlaced);
  }

  async remove(name: string): Promise<void> {
    const { volume, path } = await this.find(name);
    if (volume.kind === 'image') {
      if (volume.isBase) await this.demandNoClones(volume);
      const layers = volume.format === 'qcow2' ? await this.snapshots.companions({ name, path }) : [];
      // Before the image itself: a removal that fails leaves a volume that can be removed again.
      await rm(unfinishedLayer({ path }), { force: true });
      await unlink(path);
      for (const layer of layers) await unlink(layer);
      // Fails while other images are in it, which is right.
      await rmdir(this.layout.imageFolder(volume.vmid)).catch(() => {});
      return;
    }
    if (volume.content === 'backup' && (await isThere(path + protectedEnding))) {
      throw new RyokanError('state', `volume '${name}' is protected; remove the protection first`);
    }
    await unlink(path);
    if (volume.content === 'backup') await rm(path + notesEnding, { force: true });
  }

  path(name: string): string {
    return this.layout.locate(name).path;
  }

  blockSource(name: string): QemuBlockSource {
    return { driver: 'file', filename: this.path(name) };
  }

  async resize(name: string, size: number): Promise<void> {
    const image = await this.findImage(name);
    this.demandWritable(image.volume);
    const info = await this.contents.image(image.volume, image.path, image.stats);
    const wanted = imageSize(size);
    if (wanted === info.size) return;
    if (wanted < info.size) {
      throw new RyokanError(
        'parameter',
        `disk '${name}' has ${info.size} bytes: shrinking it is not supported`,
      );
    }
    if (image.volume.format === 'vmdk') throw this.unsupported('growing', 'vmdk', ['raw', 'qcow2']);
    const { available } = await this.status();
    if (wanted - info.used > available) throw noSpace('the larger disk', this.storage, wanted, available);
    await resizeImage(image.path, image.volume.format, wanted);
  }

  async snapshotCreate(name: string, snapshot: string): Promise<void> {
    await this.snapshots.create(await this.snapshotted(name, snapshot), snapshot);
  }

  async snapshotDelete(name: string, snapshot: string): Promise<void> {
    await this.snapshots.delete(await this.snapshotted(name, snapshot), snapshot);
  }

  async snapshotRollback(name: string, snapshot: string): Promise<void> {
    await this.snapshots.rollback(await this.snapshotted(name, snapshot), snapshot);
  }

  async snapshotList(name: string): Promise<string[]> {
    return this.snapshots.list(await this.qcow2Image(name));
  }

  async snapshotSource(name: string, snapshot: string): Promise<ImageSource> {
    return this.snapshots.source(await this.snapshotted(name, snapshot), snapshot);
  }

  async makeBase(name: string): Promise<string> {
    const { volume, path, stats } = await this.findImage(name);
    this.demandWritable(volume);
    if (!/^vm-\d+-./.test(volume.file)) {
      throw new RyokanError('parameter', `'${name}' cannot become a base: only images named vm-* can`);
    }
    await this.demandNoLayers(name, path);
    const file = volume.file.replace(/^vm-/, 'base-');
    const { parent } = await this.contents.image(volume, path, stats);
    const base: ImageName = { ...volume, file, isBase: true };
    const baseName = formatImageName(base);
    if (!(await claim(path, this.layout.imagePath(base)))) throw exists(baseName);
    await seal(this.layout.imagePath(base), 0o440, this.owner);
    return parent === undefined ? baseName : `${parent}/${baseName}`;
  }

  async linkedClone(base: string, vmid: number, options: LinkedCloneOptions = {}): Promise<string> {
    const { volume } = await this.findImage(base);
    if (options.snapshot !== undefined) throw this.unsupported('clones of snapshots', volume.format, []);
    if (!volume.isBase) {
      throw new RyokanError('state', `'${base}' is no base image; make the guest a template first`);
    }
    const backing = { file: this.layout.backingFileOf(volume), format: volume.format };
    const make = (path: string) => {
      options.onStaged?.(path);
      return createImage(path, { format: 'qcow2', backing });
    };
    const onPlaced = (own: string) => options.onPlaced?.(`${formatImageName(volume)}/${own}`);
    const name = await this.place(vmid, 'qcow2', undefined, make, onPlaced);
    // The base may have been removed after it was found and before this clone could be seen by that removal.
    await this.findImage(base).catch(async (error: unknown) => {
      await unlink(this.path(name));
      throw error;
    });
    return `${formatImageName(volume)}/${name}`;
  }

  async rename(name: string, vmid: number, options: RenameOptions = {}): Promise<string> {
    const { volume, path, stats } = await this.findImage(name);
    this.demandWritable(volume);
    if (options.name !== undefined) demandImageName(options.name, vmid, `.${volume.format}`);
    await this.demandNoLayers(name, path);
    const { parent } = await this.contents.image(volume, path, stats);
    const named = (own: string) => (parent === undefined ? own : `${parent}/${own}`);
    const onPlaced = (own: string) => options.onPlaced?.(named(own));
    await makeFolder(this.layout.root, this.layout.imageFolder(vmid), folderMode('images'));
    const file = await this.claimName(vmid, volume.format, options.name, path, onPlaced);
    await rmdir(this.layout.imageFolder(volume.vmid)).catch(() => {});
    return named(`${vmid}/${file}`);
  }

  async adopt(
    content: ContentType,
    fileName: string,
    sourcePath: string,
    task?: TaskContext,
  ): Promise<string> {
    if (!(fileContents as readonly string[]).includes(content)) {
      throw new RyokanError('unsupported', `a file cannot become a volume of content '${content}'`);
    }
    return adoptFile(this.layout, content as FileContent, fileName, sourcePath, task);
  }

  async setAttributes(name: string, attributes: VolumeAttributes): Promise<void> {
    const { volume, path } = await this.find(name);
    if (volume.kind !== 'file' || volume.content !== 'backup') {
      throw new RyokanError(
        'unsupported',
        `only backups have notes and protection on storage '${this.storage}'`,
      );
    }
    const { notes } = attributes;
    if (notes === '') await rm(path + notesEnding, { force: true });
    else if (notes !== undefined) await writeFileAtomic(path + notesEnding, notes, { mode: 0o600 });
    if (attributes.protected === true) await writeFileAtomic(path + protectedEnding, '', { mode: 0o600 });
    if (attributes.protected === false) await rm(path + protectedEnding, { force: true });
  }

  async stagingFolder(content: FileContent): Promise<string> {
    const folder = this.layout.folder(content);
    await makeFolder(this.layout.root, folder, folderMode(content));
    await removeStale(folder);
    return folder;
  }

  /** Makes an image beside its later name and claims the name, or the next free one, when it is whole. */
  private async place(
    vmid: number,
    format: ImageFormat,
    wanted: string | undefined,
    make: (path: string) => Promise<void>,
    onPlaced?: (name: string) => void,
  ): Promise<string> {
    const folder = this.layout.imageFolder(vmid);
    for (let attempt = 1; ; attempt++) {
      await makeFolder(this.layout.root, folder, folderMode('images'));
      await removeStale(folder);
      const staged = stagingPath(folder, `.${format}`);
      try {
        await make(staged);
        await seal(staged, 0o600, this.owner);
        return `${vmid}/${await this.claimName(vmid, format, wanted, staged, onPlaced)}`;
      } catch (error) {
        // Whoever removed the guest's last image in between took the folder along.
        if (attempt >= 3 || (await isThere(folder))) throw error;
      } finally {
        await rm(staged, { force: true });
        await rmdir(folder).catch(() => {});
      }
    }
  }

  private async claimName(
    vmid: number,
    format: ImageFormat,
    wanted: string | undefined,
    staged: string,
    onPlaced?: (name: string) => void,
  ): Promise<string> {
    const take = (file: string) => claim(staged, pathOf(file), () => onPlaced?.(`${vmid}/${file}`));
    const pathOf = (file: string) => this.layout.imagePath({ vmid, file, format, folder: true });
    return takeImageName(this.layout, { vmid, format, wanted }, take);
  }

  private async find(
    name: string,
  ): Promise<{ readonly volume: ImageName | FileName; readonly path: string; readonly stats: Stats }> {
    const { volume, path } = this.layout.locate(name);
    return { volume, path, stats: await statInside(this.layout.root, path, name) };
  }

  private async findImage(
    name: string,
  ): Promise<{ readonly volume: ImageName; readonly path: string; readonly stats: Stats }> {
    const { volume, path, stats } = await this.find(name);
    if (volume.kind !== 'image') throw new RyokanError('unsupported', `volume '${name}' is no disk image`);
    return { volume, path, stats };
  }

  private async qcow2Image(name: string): Promise<SnapshotImage & { volume: ImageName }> {
    const { volume, path } = await this.findImage(name);
    if (volume.format !== 'qcow2') throw this.unsupported('snapshots', volume.format, ['qcow2']);
    return { name, path, volume };
  }

  private async snapshotted(name: string, snapshot: string): Promise<SnapshotImage> {
    demandSnapshotName(snapshot);
    const image = await this.qcow2Image(name);
    this.demandWritable(image.volume);
    return image;
  }

  /** The image of a running guest; a snapshot that broke off may have taken its name away. */
  private async liveImage(name: string): Promise<SnapshotImage> {
    try {
      return await this.qcow2Image(name);
    } catch (error) {
      if (!(error instanceof RyokanError) || error.code !== 'not-found') throw error;
      return { name, path: this.path(name) };
    }
  }

  /** Layers name each other by their files, so that an image with snapshots keeps its name. */
  private async demandNoLayers(name: string, path: string): Promise<void> {
    if ((await this.snapshots.companions({ name, path })).length === 0) return;
    throw new RyokanError('state', `'${name}' has snapshots; remove them first`);
  }

  private async demandNoClones(base: ImageName): Promise<void> {
    const parent = formatImageName(base);
    const clone = (await this.contents.images()).find((image) => image.parent === parent);
    if (clone) {
      throw new RyokanError(
        'state',
        `base volume '${parent}' is still in use by linked clone '${clone.name}'`,
      );
    }
  }

  private demandImageFormat(format: VolumeFormat): ImageFormat {
    const known = allFormats.find((one) => one === format);
    if (!known) throw this.unsupported('images', format, this.capabilities.imageFormats);
    return known;
  }

  private demandWritable(volume: ImageName): void {
    if (volume.isBase) {
      throw new RyokanError(
        'state',
        `'${formatImageName(volume)}' is a base image and is not changed any more`,
      );
    }
  }

  private unsupported(what: string, format: string, possible: readonly string[]): RyokanError {
    return new RyokanError(
      'unsupported',
      `storage '${this.storage}' does not support ${what} in format '${format}'; possible: ${possible.join(', ') || 'none'}`,
    );
  }

  private demandMounted(): Promise<void> {
    return demandMounted(this.storage, this.layout.root, this.properties.is_mountpoint);
  }

  private mayMake(property: 'create-base-path' | 'create-subdirs'): boolean {
    const value = this.properties[property] ?? this.properties.mkdir;
    return value === undefined || isOn(value);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
