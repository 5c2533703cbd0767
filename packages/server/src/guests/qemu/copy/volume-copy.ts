/** New volumes for copies of disks: format, room, and the copy of a volume that no guest is writing to. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { type ImageFormat, parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { StorageCapabilities, VolumeFormat } from '../../../storage/driver.ts';
import { noSpace } from '../../../storage/image-names.ts';
import type { Volume } from '../../../storage/manager.ts';
import { fillImage } from '../../../storage/qemu-img.ts';
import { stagedFileUndo } from '../../../storage/storage-undo.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';

/** What one copy makes of a disk. */
export interface CopyPlan {
  /** Configuration key, for messages. */
  readonly key: string;
  readonly source: Volume;
  /** The state of this snapshot instead of the current one. */
  readonly snapshot?: string | undefined;
  /** Where it goes. */
  readonly storage: string;
  readonly format: VolumeFormat;
}

/** Decides where and in which format the copy of a disk is made. Rejects when the storage takes no images. */
export async function planCopy(
  services: GuestServices,
  disk: { readonly key: string; readonly volid: string },
  wish: {
    readonly storage?: string | undefined;
    readonly format?: string | undefined;
    readonly snapshot?: string | undefined;
  },
): Promise<CopyPlan> {
  const source = await services.storage.info(disk.volid);
  const storage = wish.storage ?? parseVolumeId(disk.volid).storage;
  services.storage.demandContent(storage, 'images');
  const { capabilities } = await services.storage.driver(storage);
  const wanted = disk.key === 'tpmstate0' ? 'raw' : (wish.format ?? source.format);
  return { key: disk.key, source, snapshot: wish.snapshot, storage, format: fitting(capabilities, wanted) };
}

/** The wanted format where the storage holds it, else its default: clients name a format without asking. */
function fitting({ imageFormats }: StorageCapabilities, wanted: string): VolumeFormat {
  const format = imageFormats.find((one) => one === wanted) ?? imageFormats[0];
  if (!format) throw new RyokanError('unsupported', 'the storage holds no disk images');
  return format;
}

/** Rejects with 'no-space' when the copies together cannot fit. */
export async function demandRoom(services: GuestServices, plans: readonly CopyPlan[]): Promise<void> {
  const needed = new Map<string, number>();
  for (const plan of plans) {
    const { capabilities } = await services.storage.driver(plan.storage);
    const bytes = capabilities.thin ? await bytesToCopy(services, plan.source) : plan.source.size;
    needed.set(plan.storage, (needed.get(plan.storage) ?? 0) + bytes);
  }
  for (const [storage, bytes] of needed) {
    const { available } = await services.storage.summary(storage);
    if (bytes > available) throw noSpace('the copy', storage, bytes, available);
  }
}

/** At most what the image and the bases below it take: holes are not copied. */
async function bytesToCopy(services: GuestServices, volume: Volume): Promise<number> {
  let used = 0;
  for (let one: Volume | undefined = volume; one; ) {
    used += one.used;
    one = one.parent === undefined ? undefined : await services.storage.info(one.parent);
  }
  return Math.min(used, volume.size);
}

export interface NewVolume {
  readonly volid: string;
  /** Bytes. */
  readonly size: number;
}

/** Makes the empty volume of a copy. `onPlaced` registers its undo, the moment that it has its name. */
export async function makeTarget(
  services: GuestServices,
  plan: CopyPlan,
  vmid: number,
  context: Pick<ChangeContext, 'log' | 'undo'>,
  onPlaced: (volid: string) => void,
): Promise<NewVolume> {
  const volid = await services.storage.allocate(plan.storage, {
    vmid,
    format: plan.format,
    size: plan.source.size,
    onStaged: (path) => context.undo(stagedFileUndo, { path }),
    onPlaced,
  });
  context.log(`made volume '${volid}'`);
  const { size } = await services.storage.info(volid);
  return { volid, size };
}

export interface FillOptions {
  /** Bytes a second. */
  readonly rateLimit?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
  /** A guest has the source open; only for copies of snapshots. */
  readonly inUse?: boolean;
}

/** Copies the source into its target, through whatever QEMU reaches both by. */
export async function fillTarget(
  services: GuestServices,
  plan: CopyPlan,
  target: NewVolume,
  { rateLimit, signal, onProgress, inUse = false }: FillOptions,
): Promise<void> {
  const { storage } = services;
  const from = await storage.imageSource(plan.source.volid, plan.snapshot);
  const to = await storage.imageSource(target.volid);
  const { capabilities } = await storage.driver(plan.storage);
  await fillImage({
    from,
    to: { ...to, format: to.format as ImageFormat },
    // A new volume of a thin storage reads as zeros; what others hand out may hold somebody's old data.
    zeroed: capabilities.thin,
    inUse,
    signal,
    onProgress,
    ...(rateLimit === undefined ? {} : { rateLimit }),
  });
}
