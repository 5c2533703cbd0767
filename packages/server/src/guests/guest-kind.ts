/** What operations that are the same for every kind of guest have to know of one: its keys, its disks, how they are copied. */
import type { DataPaths } from '../host/paths.ts';
import type { StorageCapabilities, VolumeFormat } from '../storage/driver.ts';
import type { ConfigProperties, GuestConfigFile } from './config-file.ts';
import type { CopyPlan, FillOptions, NewVolume } from './copy/volume-copy.ts';
import type { GuestServices } from './guest-services.ts';
import type { GuestType } from './guest-store.ts';

/** A disk with a volume: of a virtual machine, or the root file system or a mount point of a container. */
export interface GuestDisk {
  /** `scsi0`, `efidisk0`, `rootfs`, `mp0`, … */
  readonly key: string;
  readonly volid: string;
}

export interface GuestKind {
  readonly type: GuestType;
  /** In messages. */
  readonly label: 'VM' | 'CT';
  /** What a storage has to hold for its disks. */
  readonly content: 'images' | 'rootdir';
  /** Formats of volumes that it can use. */
  readonly formats: readonly VolumeFormat[];
  readonly unusedKeys: readonly string[];
  isVolumeKey(key: string): boolean;
  /** The volume of a key; undefined for what is none: discs, folders of the node. */
  volumeOf(key: string, text: string): string | undefined;
  namesAnywhere(file: GuestConfigFile, volid: string): boolean;
  inSnapshot(file: GuestConfigFile, volid: string): boolean;
  /** Disks with a volume, unused ones not counted. Throws 'unsupported' for a device, file or folder of the node. */
  disksOf(properties: ConfigProperties): GuestDisk[];
  /** The value of a key with another volume; `size` as configurations write it, as before when absent. */
  onVolume(key: string, text: string, volid: string, size?: string): string;
  isRunning(paths: DataPaths, vmid: number): boolean;
  /** Removes what a guest leaves that has ended; safe to repeat. */
  cleanUpAfter(services: GuestServices, vmid: number): Promise<void>;
  /** Can linked clones be made of a volume of this format: volumes that such a guest can use again? */
  isLinkable(capabilities: StorageCapabilities, format: VolumeFormat, of: 'base' | 'snapshot'): boolean;
  /** The format that a copy of a disk gets on a storage; undefined when that holds none that such a guest can use. */
  copyFormat(
    disk: { readonly key: string; readonly format: VolumeFormat },
    capabilities: StorageCapabilities,
    wanted: string | undefined,
  ): VolumeFormat | undefined;
  /** Bytes that an image takes which is to hold what is in a volume without a size: a folder that nothing limits. */
  roomFor(services: GuestServices, volid: string): Promise<number>;
  /** Copies a volume that nobody writes to, or the state of its snapshot, into a new one. `vmid`: whose it is going to be. */
  fill(
    services: GuestServices,
    vmid: number,
    plan: CopyPlan,
    target: NewVolume,
    options: FillOptions,
  ): Promise<void>;
}
