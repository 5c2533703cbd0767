/** Moving a disk to another storage or format: what is the same for every kind of guest. */
import { digestMismatch, RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { formatSize } from '../disk-size.ts';
import type { GuestDisk, GuestKind } from '../guest-kind.ts';
import { guestLock } from '../guest-lock.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest, type StoredGuest, writeGuest } from '../guest-store.ts';
import type { LimitFor } from './bandwidth.ts';
import { settleCopyUndo } from './copy-undos.ts';
import { type CopyPlan, demandRoom, makeTarget, type NewVolume, planCopy } from './volume-copy.ts';
import { dropVolume, moveToVolume } from './volume-switch.ts';

export interface MoveRequest {
  readonly vmid: number;
  /** Configuration key. */
  readonly disk: string;
  readonly storage: string;
  readonly format?: string | undefined;
  /** Remove the old volume. */
  readonly delete?: boolean | undefined;
  readonly digest?: string | undefined;
}

/** The guest whose disk is asked for; rejects when it is locked or has changed. */
export function readForMove(
  services: GuestServices,
  { type }: GuestKind,
  { vmid, digest }: Pick<MoveRequest, 'vmid' | 'digest'>,
): StoredGuest {
  const guest = readGuest(services.store, type, services.settings.node, vmid);
  if (digest !== undefined && digest !== guest.digest) throw digestMismatch();
  demandUnlocked(guest.file.properties, type);
  return guest;
}

/** Throws what forbids the move of a disk that can be moved at all. */
export async function planVolumeMove(
  services: GuestServices,
  kind: GuestKind,
  guest: StoredGuest,
  disk: GuestDisk,
  request: MoveRequest,
): Promise<CopyPlan> {
  const { storage, format } = request;
  const copy = await planCopy(services, kind, disk, { storage, format });
  if (parseVolumeId(disk.volid).storage === storage && copy.format === copy.source.format) {
    throw new RyokanError('parameter', `you can't move to the same storage with same format ('${disk.key}')`);
  }
  if (request.delete && kind.inSnapshot(guest.file, disk.volid)) {
    throw new RyokanError(
      'state',
      `you can't move a disk with snapshots and delete the source: '${disk.key}' is part of a snapshot`,
    );
  }
  await demandRoom(services, [copy]);
  return copy;
}

/** How one disk gets to its new volume, and the configuration with it. */
export type MoveWork = (copy: CopyPlan, rateLimit: number | undefined) => Promise<void>;

/** The disk is where it was until the copy is whole; then the old volume goes, or stays as unused disk. */
export async function moveVolume(
  services: GuestServices,
  kind: GuestKind,
  request: MoveRequest,
  hands: { readonly plan: () => Promise<CopyPlan>; readonly move: MoveWork; readonly limitFor: LimitFor },
  task: TaskContext,
): Promise<void> {
  const { vmid } = request;
  await guestLock(services, kind.type, vmid, task, async () => {
    const copy = await hands.plan();
    const source = copy.source.volid;
    await hands.move(copy, hands.limitFor([parseVolumeId(source).storage, copy.storage]));
    // From here on the disk is on its new volume, whatever happens.
    task.keep();
    if (!request.delete) return;
    await services.storage.remove(source);
    const guest = readGuest(services.store, kind.type, services.settings.node, vmid);
    await writeGuest(services.store, guest, dropVolume(kind, guest.file, source), task.user);
    task.log(`removed volume '${source}'`);
  });
}

/** Of a guest that does not run. */
export async function moveStopped(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  copy: CopyPlan,
  rateLimit: number | undefined,
  task: TaskContext,
): Promise<void> {
  const undo = (volid: string) => task.undo(settleCopyUndo, { vmid, volid });
  const target = await makeTarget(services, copy, vmid, task, undo);
  await kind.fill(services, vmid, copy, target, {
    rateLimit,
    signal: task.signal,
    onProgress: (fraction) => task.progress(fraction, `copying ${copy.key}`),
  });
  await switchConfig(services, kind, vmid, copy, target, task.user);
}

/** The configuration names the new volume. */
export async function switchConfig(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  { source }: CopyPlan,
  target: NewVolume,
  author: string,
): Promise<void> {
  const guest = readGuest(services.store, kind.type, services.settings.node, vmid);
  const size = target.size > 0 ? formatSize(target.size) : undefined;
  const file = moveToVolume(kind, guest.file, source.volid, target.volid, size);
  await writeGuest(services.store, guest, file, author);
}
