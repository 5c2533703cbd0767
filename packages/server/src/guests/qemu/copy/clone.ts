/** Clones of guests and templates: linked ones rest on base images, full ones have copies of all disks. */
import { randomUUID } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { guestFirewall } from '../../../network/firewall/documents.ts';
import { stagedFileUndo } from '../../../storage/storage-undo.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import { type ConfigProperties, type GuestConfigFile, newConfigFile } from '../../config-file.ts';
import { formatSize } from '../../disk-size.ts';
import type { GuestServices } from '../../guest-services.ts';
import { demandUnlocked, readGuest, writeGuest } from '../../guest-store.ts';
import { makeCloudInitDrive } from '../cloud-init/drive.ts';
import { withNewMac } from '../create.ts';
import { formatDrive } from '../drive-value.ts';
import { guestLock } from '../power.ts';
import { isRunning } from '../process.ts';
import type { LimitFor } from './bandwidth.ts';
import { cloneProperties } from './clone-config.ts';
import { cloudInitDrives, disksOf, type GuestDisk, isBaseVolume, onVolume } from './guest-disks.ts';
import { copyLive, type LiveCopy } from './live-clone.ts';
import {
  type CopyPlan,
  demandRoom,
  fillTarget,
  makeTarget,
  type NewVolume,
  planCopy,
} from './volume-copy.ts';

export interface CloneRequest {
  readonly vmid: number;
  readonly newid: number;
  readonly name?: string | undefined;
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
export async function planClone(services: GuestServices, request: CloneRequest): Promise<ClonePlan> {
  const { vmid, snapname } = request;
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  demandUnlocked(file.properties);
  const properties = snapname === undefined ? file.properties : snapshotted(file, snapname);
  const template = file.properties.template === '1';
  const full = request.full ?? !template;
  const disks = disksOf(properties);
  if (!full) {
    for (const option of ['storage', 'format'] as const) {
      if (request[option] !== undefined) {
        throw new RyokanError(
          'parameter',
          `parameter '${option}' not allowed for linked clones: they rest where their base is`,
        );
      }
    }
    for (const disk of disks) await demandLinkable(services, disk, snapname);
    return { properties, template, full, disks, copies: [] };
  }
  const copies: CopyPlan[] = [];
  for (const disk of disks) {
    const { storage, format } = request;
    copies.push(await planCopy(services, disk, { storage, format, snapshot: snapname }));
  }
  const running = snapname === undefined && isRunning(services.paths, vmid);
  if (running && disks.some((disk) => disk.key === 'tpmstate0')) {
    throw new RyokanError('state', `cannot clone TPM state while VM ${vmid} is running: stop it first`);
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
  { volid }: GuestDisk,
  snapname?: string,
): Promise<boolean> {
  const { format } = await services.storage.info(volid);
  const { capabilities } = await services.storage.driver(parseVolumeId(volid).storage);
  if (snapname !== undefined) return capabilities.snapshotClone.includes(format);
  return isBaseVolume(volid) && capabilities.linkedClone.includes(format);
}

async function demandLinkable(services: GuestServices, disk: GuestDisk, snapname?: string): Promise<void> {
  if (await isLinkable(services, disk, snapname)) return;
  throw new RyokanError(
    'unsupported',
    `Linked clone feature is not supported for drive '${disk.key}': make a full clone, or a template first`,
    { context: { key: disk.key } },
  );
}

/** Fills the claimed VMID `newid`. Everything made on the way is registered for undo. */
export async function cloneGuest(
  services: GuestServices,
  request: CloneRequest,
  options: { readonly qemuVersion: string; readonly limitFor: LimitFor },
  task: TaskContext,
): Promise<void> {
  const { vmid, newid } = request;
  const work = async () => {
    const plan = await planClone(services, request);
    const made = plan.full
      ? await fullCopies(services, request, plan, options.limitFor, task)
      : await linkedClones(services, request, plan, task);
    const values = cloneProperties(plan.properties, {
      vmid,
      name: request.name,
      description: request.description,
      meta: `creation-qemu=${options.qemuVersion},ctime=${Math.floor(Date.now() / 1000)}`,
      newUuid: randomUUID,
      newCard: (text) => withNewMac(text, services.store),
    });
    for (const [i, { key, drive }] of plan.disks.entries()) {
      const volume = made[i];
      if (volume) values[key] = formatDrive(key, onVolume(drive, volume.volid, formatSize(volume.size)));
    }
    await newCloudInit(services, request, values, task);
    const claimed = readGuest(services.store, 'qemu', services.settings.node, newid);
    await copyFirewall(services, vmid, newid, task.user);
    await writeGuest(services.store, claimed, newConfigFile(values), task.user);
  };
  // Nothing writes to the disks of a template, so many clones of it can be made at once.
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  await (file.properties.template === '1' ? work() : guestLock(services, vmid, task, work));
}

/** A clone is as protected as what it was made of. Removed with the clone's own document. */
async function copyFirewall(
  { store }: GuestServices,
  vmid: number,
  newid: number,
  author: string,
): Promise<void> {
  const text = store.get(guestFirewall(vmid))?.text;
  if (text !== undefined) await store.commit([], [{ path: guestFirewall(newid), text }], { author });
}

async function linkedClones(
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

async function fullCopies(
  services: GuestServices,
  { vmid, newid, snapname }: CloneRequest,
  { copies, disks }: ClonePlan,
  limitFor: LimitFor,
  task: TaskContext,
): Promise<NewVolume[]> {
  const live = isRunning(services.paths, vmid);
  const sources = disks.map(({ volid }) => parseVolumeId(volid).storage);
  const rateLimit = limitFor([...sources, ...copies.map((copy) => copy.storage)]);
  const targets: LiveCopy[] = [];
  for (const plan of copies) {
    const undo = (volid: string) => task.undo('volume.remove', { volid });
    targets.push({ plan, target: await makeTarget(services, plan, newid, task, undo) });
  }
  if (live && snapname === undefined) await copyLive(services, vmid, targets, rateLimit, task);
  else {
    const total = copies.reduce((sum, plan) => sum + plan.source.size, 0);
    let done = 0;
    for (const { plan, target } of targets) {
      const { size } = plan.source;
      await fillTarget(services, plan, target, {
        rateLimit,
        signal: task.signal,
        inUse: live,
        onProgress: (fraction) => task.progress((done + fraction * size) / total, `copying ${plan.key}`),
      });
      done += size;
    }
  }
  return targets.map(({ target }) => target);
}

/** Drives for cloud-init get an empty volume of the clone's own; the next start writes it. */
async function newCloudInit(
  services: GuestServices,
  { newid, storage }: CloneRequest,
  values: Record<string, string>,
  task: TaskContext,
): Promise<void> {
  for (const { key, drive, volid } of cloudInitDrives(values)) {
    const place = storage ?? parseVolumeId(volid).storage;
    values[key] = formatDrive(key, await makeCloudInitDrive(services, newid, drive, place, task));
  }
}
