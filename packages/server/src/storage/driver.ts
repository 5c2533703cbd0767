/**
 * What a storage backend must do. One driver a backend; capabilities say what it can do, and callers ask those
 * instead of comparing driver names. driver-conformance.ts runs the same checks on every driver.
 */
import type { FileContent, FileFormat, ImageFormat } from '@ryokan/api/schema/volume-id.ts';
import type { TaskContext } from '../tasks/task.ts';

/** Content types of the public API. `images` are VM disks, `rootdir` container disks. */
export type ContentType = 'images' | 'rootdir' | 'iso' | 'vztmpl' | 'backup' | 'snippets' | 'import';

export type VolumeFormat = ImageFormat | FileFormat;

export interface StorageCapabilities {
  /** Content types that the backend can hold at all; a storage's configuration allows some of them. */
  readonly content: readonly ContentType[];
  /** Formats for new `images` volumes, the default first. */
  readonly imageFormats: readonly VolumeFormat[];
  /** Volumes are files or devices with a local path (false: reached by a QEMU protocol driver). */
  readonly localPath: boolean;
  /** Several nodes see the same volumes. */
  readonly shared: boolean;
  /** Formats whose volumes can be snapshotted by the backend or its image format. */
  readonly snapshot: readonly VolumeFormat[];
  /**
   * Who makes and removes a snapshot of an image that a running guest has open:
   * - `qemu`: QEMU inside the image; the driver's own calls are for stopped guests.
   * - `layers`: the driver puts the state aside and lays an empty image on top, QEMU moves over to that; see `layers`.
   * - `storage`: the driver, below QEMU, by the same calls as for a stopped guest; the guest is paused meanwhile.
   */
  readonly liveSnapshot: 'qemu' | 'layers' | 'storage';
  /** Formats from which a linked clone can be made. */
  readonly linkedClone: readonly VolumeFormat[];
  /** Formats from whose snapshots a linked clone can be made, with no base. */
  readonly snapshotClone: readonly VolumeFormat[];
  /** Formats whose linked clones only share space with what they were made of: that may go, and is no parent of theirs. */
  readonly independentClones: readonly VolumeFormat[];
  readonly resize: boolean;
  /** QEMU may open images past the node's page cache (O_DIRECT). */
  readonly directIo: boolean;
  /** Space is taken when written, not when allocated. */
  readonly thin: boolean;
  /** A volume's change between two snapshots can be sent (replication). */
  readonly incrementalSend: boolean;
  /** Content types whose volumes carry notes and a protection mark. */
  readonly attributes: readonly ContentType[];
}

/** One entry of storage.cfg: `dir: local` and its properties, values as text. */
export interface StorageConfig {
  readonly storage: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Space in bytes. */
export interface StorageStatus {
  readonly total: number;
  readonly used: number;
  readonly available: number;
  readonly active: boolean;
}

export interface VolumeInfo {
  /** Name within the storage: `100/vm-100-disk-0.qcow2`, `iso/debian.iso`. */
  readonly name: string;
  readonly content: ContentType;
  readonly format: VolumeFormat;
  /** Virtual size in bytes for images, file size otherwise; of a subvolume its limit, 0 for none. */
  readonly size: number;
  /** Bytes taken on the backend. */
  readonly used: number;
  /** Owner of an image. */
  readonly vmid?: number;
  /** Seconds since the epoch. */
  readonly ctime?: number;
  /** Name of the volume this one is a linked clone of. */
  readonly parent?: string;
  readonly notes?: string;
  readonly protected?: boolean;
}

/** Notes and the protection mark of a volume; what is absent stays as it is. */
export interface VolumeAttributes {
  /** Free text; an empty one removes the notes. */
  readonly notes?: string;
  /** A protected volume is not removed. */
  readonly protected?: boolean;
}

export interface AllocateRequest {
  readonly vmid: number;
  readonly format: VolumeFormat;
  /** Bytes; 0 for a subvolume without a limit. */
  readonly size: number;
  /** Name to use (`vm-100-disk-5.qcow2` or `vm-100-cloudinit.qcow2`); the next free disk number when absent. */
  readonly name?: string;
  /** Called with the path of an unfinished file before it is made, so that a dead task's one can be removed. */
  readonly onStaged?: (path: string) => void;
  /** Called with the volume's name the moment that it has one; by the manager with its volume id, exactly once. */
  readonly onPlaced?: (name: string) => void;
}

/** How QEMU opens a volume: the nodes' options of blockdev (file driver level), see the QMP reference. */
export interface QemuBlockSource {
  readonly driver: 'file' | 'host_device' | 'host_cdrom' | 'rbd' | 'iscsi' | 'nfs' | 'nbd';
  readonly [option: string]: string | number | boolean;
}

/** An image as QEMU's programs open it: where it is, its format, and which snapshot inside it is meant. */
export interface ImageSource {
  readonly source: QemuBlockSource;
  readonly format: ImageFormat;
  /** Name of a snapshot that the image itself holds (qcow2); absent for its current state. */
  readonly snapshot?: string;
}

export interface LinkedCloneOptions extends Pick<AllocateRequest, 'onStaged' | 'onPlaced'> {
  /** Rest on this snapshot of an image that is no base; see capabilities.snapshotClone. */
  readonly snapshot?: string;
}

export interface RenameOptions extends Pick<AllocateRequest, 'onPlaced'> {
  /** Name to use (`vm-200-disk-5.qcow2`); the owner's next free disk number when absent. */
  readonly name?: string;
}

/**
 * What QEMU does with the layers of an image that it has open, at the driver's request. `depth` 0 is the layer that the
 * guest writes to, 1 the one below it, and so on.
 */
export interface LiveLayers {
  /** The file of a layer has another name now. */
  moved(depth: number, to: QemuBlockSource): Promise<void>;
  /**
   * Moves what layer `depth` holds into the one below, which takes its place. `replace` gives the lower file the name of
   * the upper one and is called when both hold the same; from the return on `to` is where the merged layer is.
   * `backing` is that name as it stands in the header of a layer above.
   */
  commit(depth: number, backing: string, to: QemuBlockSource, replace: () => Promise<void>): Promise<void>;
  /** Copies what layer `depth` needs from the one below, and takes that out; `backing` is what it rests on then. */
  stream(depth: number, backing: string | undefined): Promise<void>;
}

/** Snapshots of a guest that runs, where capabilities.liveSnapshot is `layers`. */
export interface LayeredSnapshots {
  /** The layers of the current state, topmost first; all but the first are snapshots, or the base of a linked clone. */
  chain(name: string): Promise<{ readonly snapshot?: string; readonly source: QemuBlockSource }[]>;
  /**
   * Puts the current state aside and lays an empty image on top. QEMU is told by `moved` before the old name means the
   * new image; then it has to be made to write there.
   */
  create(name: string, snapshot: string, live: Pick<LiveLayers, 'moved'>): Promise<void>;
  /** Undoes `create`, as long as QEMU does not write to the new image; safe to repeat. */
  takeBack(name: string, snapshot: string, live: Pick<LiveLayers, 'moved'>): Promise<void>;
  delete(name: string, snapshot: string, live: LiveLayers): Promise<void>;
}

export interface StorageDriver {
  readonly capabilities: StorageCapabilities;
  /** Makes the backend usable on this node (creates folders, mounts, imports); safe to repeat. */
  activate(): Promise<void>;
  /** Undoes what activate did that others would notice (unmounts). */
  deactivate(): Promise<void>;
  status(): Promise<StorageStatus>;
  list(filter?: { content?: ContentType; vmid?: number }): Promise<VolumeInfo[]>;
  /** Details of one volume; rejects with RyokanError 'not-found'. */
  info(name: string): Promise<VolumeInfo>;
  /** Makes an image; returns its name. Rejects with 'no-space', 'exists', 'unsupported'. */
  allocate(request: AllocateRequest): Promise<string>;
  /** Removes a volume of any content. Rejects with 'state' while linked clones rest on it or while it is protected. */
  remove(name: string): Promise<void>;
  /** Local path, for capabilities.localPath. Pure: the volume need not exist. */
  path(name: string): string;
  blockSource(name: string): QemuBlockSource;
  /** Grows an image to `size` bytes; shrinking is refused. */
  resize(name: string, size: number): Promise<void>;
  snapshotCreate(name: string, snapshot: string): Promise<void>;
  snapshotDelete(name: string, snapshot: string): Promise<void>;
  snapshotRollback(name: string, snapshot: string): Promise<void>;
  snapshotList(name: string): Promise<string[]>;
  /** With capabilities.liveSnapshot `layers`. */
  readonly layers?: LayeredSnapshots;
  /**
   * How the state that a snapshot keeps is read. Of a subvolume this is a folder, whose path stands in `filename`.
   * Rejects with 'not-found', or 'unsupported' like blockSource.
   */
  snapshotSource(name: string, snapshot: string): Promise<ImageSource>;
  /** Turns an image into a base for linked clones; returns the new name (`base-100-disk-0`). */
  makeBase(name: string): Promise<string>;
  /** A new image of `vmid` on top of `base`; returns its name. */
  linkedClone(base: string, vmid: number, options?: LinkedCloneOptions): Promise<string>;
  /**
   * Gives an image to `vmid`, who may be its owner already, under another name; returns that. A linked clone stays one.
   * Rejects with 'exists', and with 'state' for a base image. Nobody may have it open.
   */
  rename(name: string, vmid: number, options?: RenameOptions): Promise<string>;
  /**
   * Takes a finished file (an upload, a download) in as a volume of a file content type (iso, vztmpl, import, backup,
   * snippets). The file is moved where that is possible. Rejects with 'exists' when the name is taken.
   */
  adopt(content: ContentType, fileName: string, sourcePath: string, task?: TaskContext): Promise<string>;
  /** Sets notes and protection. Rejects with 'unsupported' outside capabilities.attributes. */
  setAttributes(name: string, attributes: VolumeAttributes): Promise<void>;
  /**
   * A folder that only root may change, from which adopt need not copy; undefined when the backend has none.
   * Names in it begin with `.` while they are no volumes.
   */
  stagingFolder(content: FileContent): Promise<string | undefined>;
}

export type DriverFactory = (config: StorageConfig) => StorageDriver;
