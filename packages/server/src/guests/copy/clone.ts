/** Clones of guests and templates: linked ones rest on base volumes, full ones have copies of all disks. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { guestFirewall } from '../../network/firewall/documents.ts';
import { stagedFileUndo } from '../../storage/storage-undo.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { ConfigProperties, GuestConfigFile } from '../config-file.ts';
import type { GuestDisk, GuestKind } from '../guest-kind.ts';
import { guestLock } from '../guest-lock.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest } from '../guest-store.ts';
import type { LimitFor } from './bandwidth.ts';
import { isBaseVolume } from './base-volume.ts';
import { type CopyPlan, demandRoom, makeTarget, type NewVolume, planCopy } from './volume-copy.ts';

export interface CloneRequest {
  readonly vmid: number;
  readonly newid: number;
  readonly description?: string | undefined;
  readonly full?: boolean | undefined;
  readonly storage?: string | undefined;
  readonly format?: string | undefined;
  readonly snapname?: string | undefined;
}

export interface ClonePlan {
  /** What is cloned: the guest of now, or as a snapshot keeps it. */
  readonly properties: ConfigProperties;
  readonly template: boolean;
  readonly full: boolean;
  readonly disks: readonly GuestDisk[];
  /** With `full`: one for each disk. */
  readonly copies: readonly CopyPlan[];
}

/** Decides how the clone is made. Throws what forbids it. */
export async function planClone(
  services: GuestServices,
  kind: GuestKind,
  request: CloneRequest,
): Promise<ClonePlan> {
  const { vmid, snapname, storage, format } = request;
  const { file } = readGuest(services.store, kind.type, services.settings.node, vmid);
  demandUnlocked(file.properties, kind.type);
  const properties = snapname === undefined ? file.properties : snapshotted(file, snapname);
  const template = file.properties.template === '1';
  const full = request.full ?? !template;
  const disks = kind.disksOf(properties);
  if (!full) {
    for (const option of ['storage', 'format'] as const) {
      if (request[option] !== undefined) {
        throw new RyokanError(
          'parameter',
          `parameter '${option}' not allowed for linked clones: they rest where their base is`,
        );
      }
    }
    for (const disk of disks) await demandLinkable(services, kind, disk, snapname);
    return { properties, template, full, disks, copies: [] };
  }
  const copies: CopyPlan[] = [];
  for (const disk of disks) {
    copies.push(await planCopy(services, kind, disk, { storage, format, snapshot: snapname }));
  }
  await demandRoom(services, copies);
  return { properties, template, full, disks, copies };
}

/** The guest as the snapshot keeps it, with the guest's own notes: those in the section are about the snapshot. */
function snapshotted(file: GuestConfigFile, snapname: string): ConfigProperties {
  const kept = file.snapshots[snapname];
  if (!kept) throw new RyokanError('not-found', `snapshot '${snapname}' does not exist`);
  const { description: _ofSnapshot, ...properties } = kept;
  const { description } = file.properties;
  return description === undefined ? properties : { ...properties, description };
}

/** Can a linked clone rest on this disk? */
export async function isLinkable(
  services: GuestServices,
  kind: GuestKind,
  { volid }: GuestDisk,
  snapname?: string,
): Promise<boolean> {
  const { format } = await services.storage.info(volid);
  const { capabilities } = await services.storage.driver(parseVolumeId(volid).storage);
  if (snapname !== undefined) return kind.isLinkable(capabilities, format, 'snapshot');
  return isBaseVolume(volid) && kind.isLinkable(capabilities, format, 'base');
}

export async function demandLinkable(
  services: GuestServices,
  kind: GuestKind,
  disk: GuestDisk,
  snapname?: string,
): Promise<void> {
  if (await isLinkable(services, kind, disk, snapname)) return;
  throw new RyokanError(
    'unsupported',
    `Linked clone feature is not supported for drive '${disk.key}': make a full clone, or a template first`,
    { context: { key: disk.key } },
  );
}

/** Nothing writes to the disks of a template, so that many clones of it can be made at once. */
export async function whileCloned(
  services: GuestServices,
  { type }: GuestKind,
  vmid: number,
  task: TaskContext,
  work: () => Promise<void>,
): Promise<void> {
  const { file } = readGuest(services.store, type, services.settings.node, vmid);
  await (file.properties.template === '1' ? work() : guestLock(services, type, vmid, task, work));
}

/** A clone is as protected as what it was made of. Removed with the clone's own document. */
export async function copyFirewall(
  { store }: GuestServices,
  vmid: number,
  newid: number,
  author: string,
): Promise<void> {
  const text = store.get(guestFirewall(vmid))?.text;
  if (text !== undefined) await store.commit([], [{ path: guestFirewall(newid), text }], { author });
}

/** Volumes that rest on those of the original; everything made on the way is registered for undo, here and below. */
export async function linkedClones(
  services: GuestServices,
  { newid, snapname }: CloneRequest,
  { disks }: ClonePlan,
  task: TaskContext,
): Promise<NewVolume[]> {
  const made: NewVolume[] = [];
  for (const { volid: base } of disks) {
    const volid = await services.storage.linkedClone(base, newid, {
      onStaged: (path) => task.undo(stagedFileUndo, { path }),
      onPlaced: (placed) => task.undo('volume.remove', { volid: placed }),
      ...(snapname === undefined ? {} : { snapshot: snapname }),
    });
    task.log(`made volume '${volid}'`);
    made.push({ volid, size: (await services.storage.info(volid)).size });
    task.signal.throwIfAborted();
  }
  return made;
}

/** A disk to be copied, and the new volume that it is copied to. */
export interface DiskCopy {
  readonly plan: CopyPlan;
  readonly target: NewVolume;
}

/** The empty volumes of a full clone, and how many bytes a second may go into them. */
export async function cloneTargets(
  services: GuestServices,
  { newid }: CloneRequest,
  { copies, disks }: ClonePlan,
  limitFor: LimitFor,
  task: TaskContext,
): Promise<{ copies: DiskCopy[]; rateLimit: number | undefined }> {
  const sources = disks.map(({ volid }) => parseVolumeId(volid).storage);
  const rateLimit = limitFor([...sources, ...copies.map((copy) => copy.storage)]);
  const targets: DiskCopy[] = [];
  for (const plan of copies) {
    const undo = (volid: string) => task.undo('volume.remove', { volid });
    targets.push({ plan, target: await makeTarget(services, plan, newid, task, undo) });
  }
  return { copies: targets, rateLimit };
}

/** Fills them one after the other. `inUse`: the guest runs, and a state is copied that does not change any more. */
export async function fillTargets(
  services: GuestServices,
  kind: GuestKind,
  newid: number,
  copies: readonly DiskCopy[],
  options: { readonly rateLimit: number | undefined; readonly inUse: boolean },
  task: TaskContext,
): Promise<void> {
  const total = copies.reduce((sum, { plan }) => sum + plan.size, 0) || 1;
  let done = 0;
  for (const { plan, target } of copies) {
    const { size } = plan;
    await kind.fill(services, newid, plan, target, {
      ...options,
      signal: task.signal,
      onProgress: (fraction) => task.progress((done + fraction * size) / total, `copying ${plan.key}`),
    });
    done += size;
  }
}
