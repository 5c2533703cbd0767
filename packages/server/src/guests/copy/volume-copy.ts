/** New volumes for copies of disks: format, room, and the copy of a volume that no guest is writing to. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { type ImageFormat, parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { VolumeFormat } from '../../storage/driver.ts';
import { noSpace } from '../../storage/image-names.ts';
import type { Volume } from '../../storage/manager.ts';
import { fillImage } from '../../storage/qemu-img.ts';
import { stagedFileUndo } from '../../storage/storage-undo.ts';
import type { GuestDisk, GuestKind } from '../guest-kind.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';

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
  /** Bytes; 0 for a folder without a limit. */
  readonly size: number;
}

/** Decides where and in which format the copy of a disk is made. Rejects when the storage takes none of such a guest. */
export async function planCopy(
  services: GuestServices,
  kind: GuestKind,
  disk: GuestDisk,
  wish: {
    readonly storage?: string | undefined;
    readonly format?: string | undefined;
    readonly snapshot?: string | undefined;
  },
): Promise<CopyPlan> {
  const { key, volid } = disk;
  const source = await services.storage.info(volid);
  const storage = wish.storage ?? parseVolumeId(volid).storage;
  services.storage.demandContent(storage, kind.content);
  const { capabilities } = await services.storage.driver(storage);
  const format = kind.copyFormat({ key, format: source.format }, capabilities, wish.format);
  if (!format) {
    throw new RyokanError(
      'unsupported',
      `storage '${storage}' has no volumes that a ${kind.label} of this node can use; take another one`,
    );
  }
  const size = source.size || (format === 'subvol' ? 0 : await kind.roomFor(services, volid));
  return { key, source, snapshot: wish.snapshot, storage, format, size };
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
  /** Bytes; 0 for a folder without a limit. */
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
    size: plan.size,
    onStaged: (path) => context.undo(stagedFileUndo, { path }),
    onPlaced,
  });
  context.log(`made volume '${volid}'`);
  const { size } = await services.storage.info(volid);
  return { volid, size: size || plan.size };
}

export interface FillOptions {
  /** Bytes a second. */
  readonly rateLimit?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
  /** A guest has the source open; only for copies of snapshots. */
  readonly inUse?: boolean;
}

/** Copies an image into its target, through whatever QEMU reaches both by. */
export async function fillImageVolume(
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
