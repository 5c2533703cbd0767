/**
 * A storage that keeps its volumes in memory: for tests of what stands on storages, and as the plainest statement of
 * what a driver does. Names are those of `dir`. Made with a MemoryBackend, two drivers share one backend like two
 * processes a folder.
 */
import { readFile, rm, stat } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import {
  type FileContent,
  fileContents,
  formatImageName,
  type ImageFormat,
  type ImageName,
  isSafeFileName,
  parseVolumeName,
  tryParseFileName,
  type VolumeName,
} from '@ryokan/api/schema/volume-id.ts';
import { errorCode } from '../../host/files.ts';
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
  VolumeFormat,
  VolumeInfo,
} from '../driver.ts';
import { demandImageName, demandSnapshotName, freeDiskNumber, imageSize, noSpace } from '../image-names.ts';

/** Blocks of 4 KiB by number; what is absent reads as zeros. */
type Blocks = Map<number, Buffer>;
const blockSize = 4096;

interface State {
  readonly size: number;
  readonly blocks: Blocks;
}

interface MemoryVolume {
  readonly name: VolumeName;
  readonly format: VolumeFormat;
  size: number;
  blocks: Blocks;
  readonly snapshots: Map<string, State>;
  readonly parent?: MemoryVolume;
  readonly ctime: number;
  notes?: string;
  protected?: boolean;
}

export interface MemoryOptions {
  /** Bytes that fit; default 100 GiB. */
  readonly capacity?: number;
  /** Narrows what the driver can do, to test callers and the conformance suite. */
  readonly capabilities?: Partial<StorageCapabilities>;
}

/** What several drivers can share. */
export class MemoryBackend {
  readonly volumes = new Map<string, MemoryVolume>();
  readonly capacity: number;

  constructor(capacity = 100 * 1024 ** 3) {
    this.capacity = capacity;
  }

  /** Bytes written; the key of an image is its own part of the name, without the base in front. */
  used(): number {
    let used = 0;
    for (const volume of this.volumes.values()) used += volume.blocks.size * blockSize;
    return used;
  }
}

/** For registries: each storage gets a backend of its own, which lives as long as the driver. */
export function createMemoryDriver(
  config: StorageConfig,
  options: MemoryOptions = {},
  backend = new MemoryBackend(options.capacity),
): MemoryDriver {
  return new MemoryDriver(config.storage, options, backend);
}

export class MemoryDriver implements StorageDriver {
  readonly capabilities: StorageCapabilities;

  constructor(
    private readonly storage: string,
    options: MemoryOptions,
    private readonly backend: MemoryBackend,
  ) {
    this.capabilities = {
      content: ['images', 'rootdir', ...fileContents],
      imageFormats: ['qcow2', 'raw'],
      localPath: false,
      shared: false,
      snapshot: ['qcow2'],
      liveSnapshot: 'storage',
      linkedClone: ['qcow2', 'raw'],
      snapshotClone: ['qcow2'],
      independentClones: [],
      resize: true,
      directIo: true,
      thin: true,
      incrementalSend: false,
      attributes: ['backup'],
      ...options.capabilities,
    };
  }

  async activate(): Promise<void> {}

  async deactivate(): Promise<void> {}

  async status(): Promise<StorageStatus> {
    const { capacity } = this.backend;
    const used = this.backend.used();
    return { total: capacity, used, available: capacity - used, active: true };
  }

  async list(filter: { content?: ContentType; vmid?: number } = {}): Promise<VolumeInfo[]> {
    return [...this.backend.volumes.values()]
      .map((volume) => this.describe(volume))
      .filter((info) => filter.content === undefined || info.content === filter.content)
      .filter((info) => filter.vmid === undefined || info.vmid === filter.vmid);
  }

  async info(name: string): Promise<VolumeInfo> {
    return this.describe(this.find(name));
  }

  async allocate(request: AllocateRequest): Promise<string> {
    const format = this.demandImageFormat(request.format);
    if (request.name !== undefined) demandImageName(request.name, request.vmid, `.${format}`);
    const size = imageSize(request.size);
    const { available } = await this.status();
    if (size > available) throw noSpace('the disk', this.storage, size, available);
    return this.addImage(request.vmid, format, size, request.name);
  }

  async remove(name: string): Promise<void> {
    const volume = this.find(name);
    const clone = [...this.backend.volumes.values()].find((other) => other.parent === volume);
    if (clone) {
      throw new RyokanError(
        'state',
        `base volume '${name}' is still in use by linked clone '${fullName(clone)}'`,
      );
    }
    if (volume.protected) {
      throw new RyokanError('state', `volume '${name}' is protected; remove the protection first`);
    }
    this.backend.volumes.delete(keyOf(volume.name));
  }

  path(name: string): string {
    parseVolumeName(name);
    throw this.unsupported('local paths');
  }

  blockSource(name: string): QemuBlockSource {
    parseVolumeName(name);
    throw this.unsupported('being opened by QEMU');
  }

  async resize(name: string, size: number): Promise<void> {
    if (!this.capabilities.resize) throw this.unsupported('resizing');
    const { volume } = this.writable(name);
    const wanted = imageSize(size);
    if (wanted < volume.size) throw new RyokanError('parameter', 'shrinking a disk is not supported');
    const { available } = await this.status();
    if (wanted - volume.blocks.size * blockSize > available) {
      throw noSpace('the larger disk', this.storage, wanted, available);
    }
    volume.size = wanted;
  }

  async snapshotCreate(name: string, snapshot: string): Promise<void> {
    const volume = this.snapshotted(name, snapshot);
    if (volume.snapshots.has(snapshot)) {
      throw new RyokanError('exists', `snapshot '${snapshot}' of '${name}' already exists`);
    }
    volume.snapshots.set(snapshot, { size: volume.size, blocks: new Map(volume.blocks) });
  }

  async snapshotDelete(name: string, snapshot: string): Promise<void> {
    const volume = this.snapshotted(name, snapshot);
    if (!volume.snapshots.delete(snapshot)) throw noSnapshot(snapshot);
  }

  async snapshotRollback(name: string, snapshot: string): Promise<void> {
    const volume = this.snapshotted(name, snapshot);
    const state = volume.snapshots.get(snapshot);
    if (!state) throw noSnapshot(snapshot);
    volume.size = state.size;
    volume.blocks = new Map(state.blocks);
  }

  async snapshotList(name: string): Promise<string[]> {
    const { volume } = this.image(name);
    this.demandSnapshots(volume);
    return [...volume.snapshots.keys()];
  }

  async snapshotSource(name: string, snapshot: string): Promise<ImageSource> {
    if (!(await this.snapshotList(name)).includes(snapshot)) throw noSnapshot(snapshot);
    throw this.unsupported('being opened by QEMU');
  }

  async makeBase(name: string): Promise<string> {
    const { volume, image } = this.writable(name);
    this.demandClones(volume.format);
    const base: ImageName = { ...image, file: image.file.replace(/^vm-/, 'base-'), isBase: true };
    if (this.backend.volumes.has(formatImageName(base))) throw exists(formatImageName(base));
    this.backend.volumes.delete(keyOf(volume.name));
    this.backend.volumes.set(formatImageName(base), { ...volume, name: base });
    return formatImageName(base, image.base);
  }

  async linkedClone(base: string, vmid: number, options: LinkedCloneOptions = {}): Promise<string> {
    const { volume, image } = this.image(base);
    this.demandClones(volume.format);
    if (options.snapshot !== undefined) return this.cloneOfSnapshot(base, vmid, options.snapshot, options);
    if (!image.isBase) {
      throw new RyokanError('state', `'${base}' is no base image; make the guest a template first`);
    }
    return placed(this.addImage(vmid, 'qcow2', volume.size, undefined, volume), options);
  }

  async rename(name: string, vmid: number, options: RenameOptions = {}): Promise<string> {
    const { volume } = this.writable(name);
    const { format } = volume.name as ImageName;
    if (options.name !== undefined) demandImageName(options.name, vmid, `.${format}`);
    const added = this.addImage(vmid, format, volume.size, options.name, volume.parent);
    const { name: own } = this.find(added);
    this.backend.volumes.set(keyOf(own), { ...volume, name: own });
    this.backend.volumes.delete(keyOf(volume.name));
    return placed(added, options);
  }

  /** The snapshot's blocks are its own, so a copy of their list is a clone that rests on nothing. */
  private cloneOfSnapshot(name: string, vmid: number, snapshot: string, options: LinkedCloneOptions): string {
    const volume = this.snapshotted(name, snapshot);
    if (!this.capabilities.snapshotClone.includes(volume.format)) {
      throw this.unsupported(`clones of snapshots of '${volume.format}' images`);
    }
    const state = volume.snapshots.get(snapshot);
    if (!state) throw noSnapshot(snapshot);
    const added = this.addImage(vmid, 'qcow2', state.size);
    this.find(added).blocks = new Map(state.blocks);
    return placed(added, options);
  }

  async adopt(content: ContentType, fileName: string, sourcePath: string): Promise<string> {
    const fits = (fileContents as readonly string[]).includes(content);
    if (!fits || !this.capabilities.content.includes(content)) {
      throw this.unsupported(`files of content '${content}'`);
    }
    const name = isSafeFileName(fileName) ? tryParseFileName(content as FileContent, fileName) : undefined;
    if (!name) throw new RyokanError('parameter', `'${fileName}' is no name for content '${content}'`);
    if (this.backend.volumes.has(keyOf(name))) throw exists(keyOf(name));
    const { size } = await stat(sourcePath).catch((error: unknown) => {
      throw errorCode(error) === 'ENOENT'
        ? new RyokanError('not-found', `${sourcePath} does not exist`)
        : error;
    });
    const { available } = await this.status();
    if (size > available) throw noSpace('the file', this.storage, size, available);
    const blocks = toBlocks(await readFile(sourcePath));
    if (this.backend.volumes.has(keyOf(name))) throw exists(keyOf(name));
    this.backend.volumes.set(keyOf(name), newVolume(name, name.format, size, blocks));
    await rm(sourcePath);
    return keyOf(name);
  }

  async setAttributes(name: string, attributes: VolumeAttributes): Promise<void> {
    const volume = this.find(name);
    if (!this.capabilities.attributes.includes(contentOf(volume.name))) {
      throw this.unsupported('notes and protection of this content');
    }
    if (attributes.notes !== undefined) volume.notes = attributes.notes || undefined;
    if (attributes.protected !== undefined) volume.protected = attributes.protected;
  }

  async stagingFolder(): Promise<undefined> {
    return undefined;
  }

  /** Stands in for a guest that writes: the block at `offset` (a multiple of 4 KiB) becomes full of `byte`. */
  poke(name: string, offset: number, byte: number): void {
    this.writable(name).volume.blocks.set(offset / blockSize, Buffer.alloc(blockSize, byte));
  }

  /** First byte at `offset`, as a guest would read it. */
  peek(name: string, offset: number): number {
    for (let at: MemoryVolume | undefined = this.find(name); at; at = at.parent) {
      const block = at.blocks.get(offset / blockSize);
      if (block) return block[0] ?? 0;
    }
    return 0;
  }

  private addImage(
    vmid: number,
    format: ImageFormat,
    size: number,
    wanted?: string,
    parent?: MemoryVolume,
  ): string {
    const keys = [...this.backend.volumes.keys()].map((key) => key.slice(key.indexOf('/') + 1));
    const file = wanted ?? `vm-${vmid}-disk-${freeDiskNumber(vmid, keys)}.${format}`;
    const base = parent?.name.kind === 'image' ? parent.name : undefined;
    const name: ImageName = { kind: 'image', vmid, file, format, folder: true, isBase: false, base };
    if (this.backend.volumes.has(keyOf(name))) throw exists(keyOf(name));
    this.backend.volumes.set(keyOf(name), { ...newVolume(name, format, size, new Map()), parent });
    return formatImageName(name, base);
  }

  private describe(volume: MemoryVolume): VolumeInfo {
    const { name } = volume;
    return {
      name: fullName(volume),
      content: contentOf(name),
      format: volume.format,
      size: volume.size,
      used: volume.blocks.size * blockSize,
      ctime: volume.ctime,
      ...(name.vmid === undefined ? {} : { vmid: name.vmid }),
      ...(volume.parent ? { parent: keyOf(volume.parent.name) } : {}),
      ...(volume.notes === undefined ? {} : { notes: volume.notes }),
      ...(volume.protected ? { protected: true } : {}),
    };
  }

  private find(name: string): MemoryVolume {
    const parsed = parseVolumeName(name);
    const volume = this.backend.volumes.get(keyOf(parsed));
    if (!volume) throw new RyokanError('not-found', `volume '${name}' does not exist`);
    return volume;
  }

  private image(name: string): { volume: MemoryVolume; image: ImageName } {
    const volume = this.find(name);
    if (volume.name.kind !== 'image') {
      throw new RyokanError('unsupported', `volume '${name}' is no disk image`);
    }
    return { volume, image: volume.name };
  }

  private writable(name: string): { volume: MemoryVolume; image: ImageName } {
    const found = this.image(name);
    if (found.image.isBase) {
      throw new RyokanError('state', `'${name}' is a base image and is not changed any more`);
    }
    return found;
  }

  private snapshotted(name: string, snapshot: string): MemoryVolume {
    const { volume } = this.writable(name);
    this.demandSnapshots(volume);
    demandSnapshotName(snapshot);
    return volume;
  }

  private demandSnapshots(volume: MemoryVolume): void {
    if (!this.capabilities.snapshot.includes(volume.format)) {
      throw this.unsupported(`snapshots of '${volume.format}' images`);
    }
  }

  private demandClones(format: VolumeFormat): void {
    if (!this.capabilities.linkedClone.includes(format))
      throw this.unsupported(`clones of '${format}' images`);
  }

  private demandImageFormat(format: VolumeFormat): ImageFormat {
    if (!this.capabilities.imageFormats.includes(format)) throw this.unsupported(`'${format}' images`);
    return format as ImageFormat;
  }

  private unsupported(what: string): RyokanError {
    return new RyokanError('unsupported', `storage '${this.storage}' does not support ${what}`);
  }
}

const contentOf = (name: VolumeName): ContentType => (name.kind === 'image' ? 'images' : name.content);

/** Under which a volume is kept: a clone's base is no part of it. */
const keyOf = (name: VolumeName): string =>
  name.kind === 'image' ? formatImageName(name) : `${name.content}/${name.file}`;

function placed(name: string, options: Pick<AllocateRequest, 'onPlaced'>): string {
  options.onPlaced?.(name);
  return name;
}

function fullName({ name }: MemoryVolume): string {
  return name.kind === 'image' ? formatImageName(name, name.base) : keyOf(name);
}

function newVolume(name: VolumeName, format: VolumeFormat, size: number, blocks: Blocks): MemoryVolume {
  const ctime = name.kind === 'file' ? name.ctime : undefined;
  return {
    name,
    format,
    size,
    blocks,
    snapshots: new Map(),
    ctime: ctime ?? Math.floor(Date.now() / 1000),
  };
}

function toBlocks(data: Buffer): Blocks {
  const blocks: Blocks = new Map();
  for (let at = 0; at < data.length; at += blockSize) {
    blocks.set(at / blockSize, data.subarray(at, at + blockSize));
  }
  return blocks;
}

const exists = (name: string) => new RyokanError('exists', `volume '${name}' already exists`);
const noSnapshot = (snapshot: string) =>
  new RyokanError('not-found', `snapshot '${snapshot}' does not exist`);
