/** The storages of this node, as storage.cfg defines them: drivers, volume ids, content types. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { formatVolumeId, type ImageFormat, parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { demandReal } from '../cluster/rehearsal.ts';
import type { ConfigStore } from '../cluster/store.ts';
import type { Logger } from '../host/log.ts';
import type { TaskContext } from '../tasks/task.ts';
import type {
  AllocateRequest,
  ContentType,
  ImageSource,
  LinkedCloneOptions,
  QemuBlockSource,
  RenameOptions,
  StorageConfig,
  StorageDriver,
  VolumeAttributes,
  VolumeInfo,
} from './driver.ts';
import type { StorageManager, StorageSummary, Volume } from './manager.ts';
import { findStorageType, type StorageTypes, storageTypes } from './registry.ts';
import {
  contentOf,
  defaultStorageConfig,
  isForNode,
  isOn,
  parseStorageConfig,
  storageConfigPath,
} from './storage-config.ts';

export interface StorageManagerOptions {
  readonly store: ConfigStore;
  /** As long as there is no storage.cfg, the default one for these paths counts. */
  readonly paths: { readonly storage: string };
  /** Name of this node. */
  readonly node: string;
  readonly log: Logger;
  /** Other types than the registry's, for tests. */
  readonly types?: StorageTypes;
}

/** How long (ms) an activation counts: after that a backend that went away is noticed and mended. */
const activationHolds = 10_000;

interface Running {
  /** Text of the definition that the driver was made from. */
  readonly definition: string;
  readonly driver: StorageDriver;
  activatedAt: number;
  activating?: Promise<void>;
}

export function createStorageManager(options: StorageManagerOptions): StorageManager {
  return new Manager(options);
}

class Manager implements StorageManager {
  private readonly defaultText: string;
  private readonly store: ConfigStore;
  private readonly node: string;
  private readonly log: Logger;
  private readonly types: StorageTypes;
  private readonly running = new Map<string, Running>();
  private document: { revision: number; configs: ReadonlyMap<string, StorageConfig> } | undefined;

  constructor({ store, paths, node, log, types = storageTypes }: StorageManagerOptions) {
    this.defaultText = defaultStorageConfig(paths);
    this.store = store;
    this.node = node;
    this.log = log;
    this.types = types;
  }

  configs(): StorageConfig[] {
    return [...this.all().values()].filter((config) => isForNode(config, this.node));
  }

  config(storage: string): StorageConfig {
    const config = this.all().get(storage);
    if (!config) throw new RyokanError('not-found', `storage '${storage}' does not exist`);
    return config;
  }

  async driver(storage: string): Promise<StorageDriver> {
    const config = this.config(storage);
    this.demandUsable(config);
    const running = this.runningDriver(config);
    if (Date.now() - running.activatedAt > activationHolds) await this.activate(running);
    return running.driver;
  }

  async summary(storage: string): Promise<StorageSummary> {
    const config = this.config(storage);
    const enabled = !isOn(config.properties.disable);
    const content = this.allowedContent(config);
    const shown = { config, content, enabled, shared: isOn(config.properties.shared) };
    const offline = { ...shown, total: 0, used: 0, available: 0, active: false };
    if (!enabled || !isForNode(config, this.node)) return offline;
    try {
      const driver = await this.driver(storage);
      return { ...shown, shared: driver.capabilities.shared, ...(await driver.status()) };
    } catch (error) {
      this.log.warn({ storage, problem: messageOf(error) }, 'storage is not available');
      return offline;
    }
  }

  demandContent(storage: string, content: ContentType): void {
    const config = this.config(storage);
    const allowed = this.allowedContent(config);
    if (allowed.includes(content)) return;
    const list = allowed.length > 0 ? allowed.join(', ') : 'none';
    throw new RyokanError(
      'unsupported',
      `storage '${storage}' does not support content type '${content}' (allowed: ${list})`,
      { context: { storage, content } },
    );
  }

  async list(storage: string, filter: { content?: ContentType; vmid?: number } = {}): Promise<Volume[]> {
    const driver = await this.driver(storage);
    const { content, vmid } = filter;
    // Disks of machines and of containers lie beside each other; only their owner tells them apart.
    const asked = content === 'rootdir' ? 'images' : content;
    const volumes = (await driver.list({ content: asked, vmid })).map((info) => this.volume(storage, info));
    return content === undefined ? volumes : volumes.filter((volume) => volume.content === content);
  }

  async info(volid: string): Promise<Volume> {
    const { storage, driver, name } = await this.resolve(volid);
    return this.volume(storage, await naming(volid, driver.info(name)));
  }

  async allocate(storage: string, request: AllocateRequest): Promise<string> {
    demandReal(`a change of '${storage}'`);
    const driver = await this.driver(storage);
    return placedOnce(storage, request.onPlaced, (onPlaced) => driver.allocate({ ...request, onPlaced }));
  }

  async remove(volid: string): Promise<void> {
    demandReal(`a change of '${volid}'`);
    const { driver, name } = await this.resolve(volid);
    await naming(volid, driver.remove(name));
  }

  async path(volid: string): Promise<string> {
    const { driver, name } = await this.resolve(volid);
    const path = driver.path(name);
    await driver.info(name).catch((error: unknown) => {
      // A missing volume has a path too; one that leads out of the storage has none.
      if (!(error instanceof RyokanError) || error.code !== 'not-found') throw error;
    });
    return path;
  }

  async blockSource(volid: string): Promise<QemuBlockSource> {
    const { driver, name } = await this.resolve(volid);
    await naming(volid, driver.info(name));
    return driver.blockSource(name);
  }

  async imageSource(volid: string, snapshot?: string): Promise<ImageSource> {
    const { driver, name } = await this.resolve(volid);
    if (snapshot !== undefined) return naming(volid, driver.snapshotSource(name, snapshot));
    const { content, format } = await naming(volid, driver.info(name));
    if (content !== 'images' && content !== 'rootdir') {
      throw new RyokanError('unsupported', `volume '${volid}' is no disk image`);
    }
    return { source: driver.blockSource(name), format: format as ImageFormat };
  }

  async makeBase(volid: string): Promise<string> {
    demandReal(`a change of '${volid}'`);
    const { storage, driver, name } = await this.resolve(volid);
    return formatVolumeId(storage, await naming(volid, driver.makeBase(name)));
  }

  async linkedClone(volid: string, vmid: number, options: LinkedCloneOptions = {}): Promise<string> {
    demandReal(`a change of '${volid}'`);
    const { storage, driver, name } = await this.resolve(volid);
    return placedOnce(storage, options.onPlaced, (onPlaced) =>
      naming(volid, driver.linkedClone(name, vmid, { ...options, onPlaced })),
    );
  }

  async rename(volid: string, vmid: number, options: RenameOptions = {}): Promise<string> {
    demandReal(`a change of '${volid}'`);
    const { storage, driver, name } = await this.resolve(volid);
    return placedOnce(storage, options.onPlaced, (onPlaced) =>
      naming(volid, driver.rename(name, vmid, { ...options, onPlaced })),
    );
  }

  async resize(volid: string, size: number): Promise<void> {
    demandReal(`a change of '${volid}'`);
    const { driver, name } = await this.resolve(volid);
    await naming(volid, driver.resize(name, size));
  }

  async setAttributes(volid: string, attributes: VolumeAttributes): Promise<void> {
    demandReal(`a change of '${volid}'`);
    const { driver, name } = await this.resolve(volid);
    await naming(volid, driver.setAttributes(name, attributes));
  }

  async adopt(
    storage: string,
    content: ContentType,
    fileName: string,
    sourcePath: string,
    task?: TaskContext,
  ): Promise<string> {
    demandReal(`a new file in '${storage}'`);
    this.demandContent(storage, content);
    const driver = await this.driver(storage);
    return formatVolumeId(storage, await driver.adopt(content, fileName, sourcePath, task));
  }

  /** All definitions, read again only when the document has changed. */
  private all(): ReadonlyMap<string, StorageConfig> {
    const doc = this.store.get(storageConfigPath);
    const revision = doc?.revision ?? 0;
    if (this.document?.revision !== revision) {
      const { storages, problems } = parseStorageConfig(doc?.text ?? this.defaultText);
      for (const problem of problems) this.log.warn({ problem }, 'storage.cfg is damaged');
      const configs = new Map(storages.map((config) => [config.storage, config]));
      this.document = { revision, configs };
      for (const storage of this.running.keys()) if (!configs.has(storage)) this.running.delete(storage);
    }
    return this.document.configs;
  }

  private demandUsable(config: StorageConfig): void {
    const { storage } = config;
    if (!isForNode(config, this.node)) {
      throw new RyokanError('state', `storage '${storage}' is not available on node '${this.node}'`);
    }
    if (isOn(config.properties.disable)) throw new RyokanError('state', `storage '${storage}' is disabled`);
  }

  private runningDriver(config: StorageConfig): Running {
    const definition = JSON.stringify([config.type, config.properties]);
    const present = this.running.get(config.storage);
    if (present?.definition === definition) return present;
    const type = findStorageType(this.types, config.type);
    if (!type) {
      const names = Object.keys(this.types).join(', ');
      throw new RyokanError(
        'unsupported',
        `storage '${config.storage}' has type '${config.type}', which is not supported; supported: ${names}`,
      );
    }
    const running: Running = { definition, driver: type.create(config), activatedAt: 0 };
    this.running.set(config.storage, running);
    return running;
  }

  /** One activation at a time; those who come meanwhile wait for it. */
  private activate(running: Running): Promise<void> {
    running.activating ??= running.driver
      .activate()
      .then(() => {
        running.activatedAt = Date.now();
      })
      .finally(() => {
        running.activating = undefined;
      });
    return running.activating;
  }

  private allowedContent(config: StorageConfig): readonly ContentType[] {
    return contentOf(config, findStorageType(this.types, config.type)?.defaultContent);
  }

  private async resolve(volid: string): Promise<{ storage: string; driver: StorageDriver; name: string }> {
    const { storage, name } = parseVolumeId(volid);
    return { storage, name, driver: await this.driver(storage) };
  }

  private volume(storage: string, info: VolumeInfo): Volume {
    const volid = formatVolumeId(storage, info.name);
    const parent = info.parent === undefined ? {} : { parent: formatVolumeId(storage, info.parent) };
    const ofContainer = info.content === 'images' && this.isContainer(info.vmid);
    return { ...info, volid, ...parent, ...(ofContainer ? { content: 'rootdir' as const } : {}) };
  }

  private isContainer(vmid: number | undefined): boolean {
    return vmid !== undefined && (this.store.get(`vmlist/${vmid}`)?.text.startsWith('lxc ') ?? false);
  }
}

/** Runs `make`, which gives a new volume's name, and tells the caller of its volume id exactly once; drivers may be late. */
async function placedOnce(
  storage: string,
  tell: ((volid: string) => void) | undefined,
  make: (onPlaced: (name: string) => void) => Promise<string>,
): Promise<string> {
  let told = false;
  const onPlaced = (name: string) => {
    if (!told) tell?.(formatVolumeId(storage, name));
    told = true;
  };
  const name = await make(onPlaced);
  onPlaced(name);
  return formatVolumeId(storage, name);
}

/** Drivers know names within a storage; people know volume ids. */
async function naming<T>(volid: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    if (error instanceof RyokanError && error.code === 'not-found' && /^volume /.test(error.message)) {
      throw new RyokanError('not-found', `volume '${volid}' does not exist`, { cause: error });
    }
    throw error;
  }
}
