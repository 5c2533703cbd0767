/** All storages of this node: configuration, volume ids, content types. Implemented by storage-manager.ts. */
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
  StorageStatus,
  VolumeAttributes,
  VolumeInfo,
} from './driver.ts';

export interface StorageSummary extends StorageStatus {
  readonly config: StorageConfig;
  /** Allowed content types, from the configuration. */
  readonly content: readonly ContentType[];
  readonly shared: boolean;
  readonly enabled: boolean;
}

/** A volume with its id; `parent` is a volume id too, and disks of containers have the content `rootdir`. */
export interface Volume extends VolumeInfo {
  /** `local:iso/debian.iso`. */
  readonly volid: string;
}

export interface StorageManager {
  /** Configured storages of this node, also disabled ones; order of storage.cfg. */
  configs(): StorageConfig[];
  /** The driver of a storage, activated. Rejects with 'not-found' (`storage 'x' does not exist`) or 'state' (disabled, or not for this node). */
  driver(storage: string): Promise<StorageDriver>;
  config(storage: string): StorageConfig;
  summary(storage: string): Promise<StorageSummary>;
  /** Rejects with 'unsupported' and a text that says what is allowed, when the storage does not hold this content. */
  demandContent(storage: string, content: ContentType): void;
  list(storage: string, filter?: { content?: ContentType; vmid?: number }): Promise<Volume[]>;
  info(volid: string): Promise<Volume>;
  allocate(storage: string, request: AllocateRequest): Promise<string>;
  remove(volid: string): Promise<void>;
  path(volid: string): Promise<string>;
  blockSource(volid: string): Promise<QemuBlockSource>;
  /** How QEMU's programs open an image, or the state that one of its snapshots keeps. Rejects with 'unsupported' for files. */
  imageSource(volid: string, snapshot?: string): Promise<ImageSource>;
  /** Makes the image a base for linked clones; returns its new volume id. */
  makeBase(volid: string): Promise<string>;
  /** Volume id of a new image of `vmid` that rests on `volid`; its callbacks get volume ids, like that of `allocate`. */
  linkedClone(volid: string, vmid: number, options?: LinkedCloneOptions): Promise<string>;
  /** Gives an image to `vmid`; returns its new volume id. */
  rename(volid: string, vmid: number, options?: RenameOptions): Promise<string>;
  resize(volid: string, size: number): Promise<void>;
  setAttributes(volid: string, attributes: VolumeAttributes): Promise<void>;
  adopt(
    storage: string,
    content: ContentType,
    fileName: string,
    sourcePath: string,
    task?: TaskContext,
  ): Promise<string>;
}
