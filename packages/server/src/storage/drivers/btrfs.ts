/**
 * Storage type `btrfs`: a folder on btrfs. Raw images and the trees of containers are subvolumes, whose snapshots and
 * clones share what they have in common (btrfs-layout.ts); all else is files, as on a `dir` storage.
 */
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { FileContent } from '@ryokan/api/schema/volume-id.ts';
import { isBtrfs } from '../../host/btrfs.ts';
import { findUser, guestUser } from '../../host/users.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type {
  AllocateRequest,
  ContentType,
  ImageSource,
  LinkedCloneOptions,
  QemuBlockSource,
  RenameOptions,
  StorageCapabilities,
  StorageConfig,
  StorageDriver,
  StorageStatus,
  VolumeAttributes,
  VolumeInfo,
} from '../driver.ts';
import { demandImageName, demandSnapshotName, imagePrefix, imageSize, noSpace } from '../image-names.ts';
import type { Preallocation } from '../qemu-img.ts';
import { isOn } from '../storage-config.ts';
import { contentPath, locateSubvolume, type SubvolumeImage, subvolumeFormats } from './btrfs-layout.ts';
import { infoOfSubvolume, listSubvolumes } from './btrfs-list.ts';
import { BtrfsVolumes } from './btrfs-volumes.ts';
import { createDirDriver, type DirOptions } from './dir.ts';
import { DirLayout } from './dir-layout.ts';
import { demandMounted } from './mount-point.ts';

export function createBtrfsDriver(config: StorageConfig, options: DirOptions = {}): StorageDriver {
  return new BtrfsDriver(config, options);
}

class BtrfsDriver implements StorageDriver {
  readonly capabilities: StorageCapabilities;
  private readonly storage: string;
  /** Everything that is no subvolume. */
  private readonly files: StorageDriver;
  private readonly layout: DirLayout;
  private readonly volumes: BtrfsVolumes;
  private readonly mount: string | undefined;

  constructor(config: StorageConfig, options: DirOptions) {
    const { path = '', 'content-dirs': contentDirs, preallocation, nocow, format } = config.properties;
    this.storage = config.storage;
    this.mount = config.properties.is_mountpoint;
    this.files = createDirDriver(config, options);
    this.layout = new DirLayout(path, contentDirs);
    this.volumes = new BtrfsVolumes(this.layout, {
      owner: options.owner ?? findUser(guestUser),
      preallocation: preallocation as Preallocation | undefined,
      nocow: isOn(nocow),
    });
    const formats = ['raw', 'subvol', 'qcow2', 'vmdk'] as const;
    this.capabilities = {
      ...this.files.capabilities,
      imageFormats: [...formats].sort((a, b) => Number(b === format) - Number(a === format)),
      snapshot: subvolumeFormats,
      liveSnapshot: 'storage',
      linkedClone: formats,
      snapshotClone: subvolumeFormats,
      independentClones: subvolumeFormats,
      // A guest may change a block on its way to the disk; its checksum would be that of another block.
      directIo: isOn(nocow),
    };
  }

  async activate(): Promise<void> {
    const { root } = this.layout;
    await demandMounted(this.storage, root, this.mount);
    // Before folders are made in it, and also when it is to be made itself.
    if (!(await isBtrfs(await presentFolder(root)))) {
      throw new RyokanError(
        'state',
        `storage '${this.storage}': ${root} is not on a btrfs file system; mount one there, or use type dir`,
      );
    }
    await this.files.activate();
  }

  deactivate(): Promise<void> {
    return this.files.deactivate();
  }

  status(): Promise<StorageStatus> {
    return this.files.status();
  }

  async list(filter: { content?: ContentType; vmid?: number } = {}): Promise<VolumeInfo[]> {
    const files = (await this.files.list(filter)).filter((info) => !isSubvolumeFormat(info));
    if (filter.content !== undefined && filter.content !== 'images') return files;
    return [...(await listSubvolumes(this.layout, filter.vmid)), ...files];
  }

  async info(name: string): Promise<VolumeInfo> {
    const image = this.locate(name);
    return image ? infoOfSubvolume(this.layout, image) : this.files.info(name);
  }

  async allocate(request: AllocateRequest): Promise<string> {
    const { vmid, name } = request;
    const format = subvolumeFormats.find((one) => one === request.format);
    if (format === undefined) return this.files.allocate(request);
    if (name !== undefined) demandImageName(name, vmid, `.${format}`, imagePrefix(format));
    const size = format === 'subvol' && request.size === 0 ? 0 : imageSize(request.size);
    const { available } = await this.status();
    if (size > available) throw noSpace('the disk', this.storage, size, available);
    return this.volumes.create({ ...request, format }, size);
  }

  async remove(name: string): Promise<void> {
    const image = this.locate(name);
    if (!image) return this.files.remove(name);
    await this.volumes.remove(await this.volumes.find(image));
  }

  path(name: string): string {
    const image = this.locate(name);
    return image ? contentPath(image.subvolume, image.format) : this.files.path(name);
  }

  blockSource(name: string): QemuBlockSource {
    return { driver: 'file', filename: this.path(name) };
  }

  async resize(name: string, size: number): Promise<void> {
    const image = this.locate(name);
    if (!image) return this.files.resize(name, size);
    this.demandWritable(image);
    const info = await infoOfSubvolume(this.layout, image);
    const wanted = imageSize(size);
    if (wanted === info.size) return;
    if (wanted < info.size) {
      throw new RyokanError(
        'parameter',
        `disk '${name}' has ${info.size} bytes: shrinking it is not supported`,
      );
    }
    const { available } = await this.status();
    if (wanted - info.used > available) throw noSpace('the larger disk', this.storage, wanted, available);
    await this.volumes.resize(image, wanted);
  }

  async snapshotCreate(name: string, snapshot: string): Promise<void> {
    demandSnapshotName(snapshot);
    const image = await this.volumes.find(this.snapshotted(name));
    this.demandWritable(image);
    await this.volumes.snapshotCreate(image, snapshot);
  }

  async snapshotDelete(name: string, snapshot: string): Promise<void> {
    demandSnapshotName(snapshot);
    await this.volumes.snapshotDelete(this.snapshotted(name), snapshot);
  }

  async snapshotRollback(name: string, snapshot: string): Promise<void> {
    demandSnapshotName(snapshot);
    await this.volumes.snapshotRollback(this.snapshotted(name), snapshot);
  }

  async snapshotList(name: string): Promise<string[]> {
    return this.volumes.snapshots(await this.volumes.find(this.snapshotted(name)));
  }

  async snapshotSource(name: string, snapshot: string): Promise<ImageSource> {
    demandSnapshotName(snapshot);
    const image = this.snapshotted(name);
    const filename = contentPath(await this.volumes.findSnapshot(image, snapshot), image.format);
    return { source: { driver: 'file', filename }, format: image.format };
  }

  async makeBase(name: string): Promise<string> {
    const image = this.locate(name);
    if (!image) return this.files.makeBase(name);
    this.demandWritable(await this.volumes.find(image));
    if (!/^(vm|subvol)-\d+-./.test(image.file)) {
      throw new RyokanError(
        'parameter',
        `'${name}' cannot become a base: only images named vm-* and subvol-* can`,
      );
    }
    await this.demandNoSnapshots(image);
    return this.volumes.makeBase(image);
  }

  async linkedClone(base: string, vmid: number, options: LinkedCloneOptions = {}): Promise<string> {
    const image = this.locate(base);
    if (!image) return this.files.linkedClone(base, vmid, options);
    const { snapshot, ...callbacks } = options;
    if (snapshot !== undefined) demandSnapshotName(snapshot);
    await this.volumes.find(image);
    if (snapshot === undefined && !image.isBase) {
      throw new RyokanError(
        'state',
        `'${base}' is no base image; make the guest a template first, or clone a snapshot`,
      );
    }
    return this.volumes.copy(image, snapshot, { ...callbacks, vmid, format: image.format });
  }

  async rename(name: string, vmid: number, options: RenameOptions = {}): Promise<string> {
    const image = this.locate(name);
    if (!image) return this.files.rename(name, vmid, options);
    const { format } = image;
    this.demandWritable(await this.volumes.find(image));
    if (options.name !== undefined) demandImageName(options.name, vmid, `.${format}`, imagePrefix(format));
    await this.demandNoSnapshots(image);
    return this.volumes.rename(image, { ...options, vmid, format });
  }

  adopt(content: ContentType, fileName: string, sourcePath: string, task?: TaskContext): Promise<string> {
    return this.files.adopt(content, fileName, sourcePath, task);
  }

  async setAttributes(name: string, attributes: VolumeAttributes): Promise<void> {
    await this.files.setAttributes(name, attributes);
  }

  stagingFolder(content: FileContent): Promise<string | undefined> {
    return this.files.stagingFolder(content);
  }

  private locate(name: string): SubvolumeImage | undefined {
    return locateSubvolume(this.layout, name);
  }

  /** The image of a call about snapshots; throws 'unsupported' for all but subvolumes. */
  private snapshotted(name: string): SubvolumeImage {
    const image = this.locate(name);
    if (image) return image;
    throw new RyokanError(
      'unsupported',
      `storage '${this.storage}' has snapshots only of images in the formats ${subvolumeFormats.join(', ')}, not of '${name}'`,
    );
  }

  private async demandNoSnapshots(image: SubvolumeImage): Promise<void> {
    if ((await this.volumes.snapshots(image)).length === 0) return;
    throw new RyokanError('state', `'${image.name}' has snapshots; remove them first`);
  }

  private demandWritable({ name, isBase }: SubvolumeImage): void {
    if (isBase) throw new RyokanError('state', `'${name}' is a base image and is not changed any more`);
  }
}

/** The folder, or the lowest one above it that is there. */
async function presentFolder(path: string): Promise<string> {
  return (await lstat(path).catch(() => undefined)) || path === '/' ? path : presentFolder(dirname(path));
}

const isSubvolumeFormat = ({ format }: Pick<VolumeInfo, 'format'>): boolean =>
  subvolumeFormats.some((one) => one === format);
