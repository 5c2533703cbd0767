/** Giving a disk to another guest of the same kind on the node: its volume gets the other's name, no data moves. */
import { digestMismatch, RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { GuestConfigFile } from '../config-file.ts';
import { formatSize } from '../disk-size.ts';
import type { GuestKind } from '../guest-kind.ts';
import { bothLocks } from '../guest-lock.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, guestOwner, readGuest, type StoredGuest, writeGuests } from '../guest-store.ts';
import { type Problems, warnOf } from '../live-outcome.ts';
import { isBaseVolume } from './base-volume.ts';
import { settleRenameUndo } from './copy-undos.ts';
import { dropVolume } from './volume-switch.ts';

export interface ReassignRequest {
  readonly vmid: number;
  /** Configuration key there. */
  readonly disk: string;
  readonly targetVmid: number;
  /** Key in the other guest's configuration; the same when absent. */
  readonly targetDisk?: string | undefined;
  readonly digest?: string | undefined;
  readonly targetDigest?: string | undefined;
}

/** A disk that may go, as both guests have it. */
export interface Reassignment {
  readonly source: StoredGuest;
  readonly target: StoredGuest;
  readonly disk: string;
  readonly targetDisk: string;
  readonly volid: string;
}

export interface ReassignPlan extends Reassignment {
  /** What the other guest gets, still with the volume's present name. */
  readonly text: string;
}

/** What each kind of guest does in its own way. */
export interface ReassignHands {
  readonly kind: GuestKind;
  /** Throws what forbids that this key of a guest goes elsewhere at all; gives its volume. */
  demandOwnVolume(key: string, text: string): string;
  /** The value under its new key, its size as given; throws when it does not fit there. */
  textFor(services: GuestServices, disk: Reassignment, size: string): string;
  /** The configuration that has lost a disk, whose volume it names nowhere any more. */
  without(file: GuestConfigFile, disk: string): GuestConfigFile;
  /** The configuration with a new disk; that of a guest that runs has it pending. */
  with(file: GuestConfigFile, key: string, text: string, running: boolean): GuestConfigFile;
  /** Tries to give the disk to the running guest at once. */
  /** Resolves with what the running guest did not take. */
  plugIn(services: GuestServices, vmid: number, key: string, task: TaskContext): Promise<Problems>;
}

/** Throws what forbids it. */
export async function planReassign(
  services: GuestServices,
  hands: ReassignHands,
  request: ReassignRequest,
): Promise<ReassignPlan> {
  const { kind } = hands;
  const { vmid, disk, targetVmid, targetDisk = disk } = request;
  const source = ownerOfDisk(services, kind, vmid, request.digest);
  demandSameNode(services, kind, targetVmid);
  const target = ownerOfDisk(services, kind, targetVmid, request.targetDigest);
  const text = source.file.properties[disk];
  if (text === undefined) {
    throw new RyokanError('not-found', `Disk '${disk}' for ${kind.label} '${vmid}' does not exist`);
  }
  const volid = hands.demandOwnVolume(disk, text);
  demandMovable(services, kind, source, disk, volid);
  if (target.file.properties[targetDisk] !== undefined || targetDisk in target.file.pending.properties) {
    throw new RyokanError(
      'exists',
      `Target disk key '${targetDisk}' is already in use for ${kind.label} '${targetVmid}': choose another one`,
    );
  }
  const { size } = await services.storage.info(volid);
  const plan = { source, target, disk, targetDisk, volid };
  return { ...plan, text: hands.textFor(services, plan, formatSize(size)) };
}

function ownerOfDisk(
  services: GuestServices,
  { type, label }: GuestKind,
  vmid: number,
  digest: string | undefined,
): StoredGuest {
  const guest = readGuest(services.store, type, services.settings.node, vmid);
  demandUnlocked(guest.file.properties, type);
  if (guest.file.properties.template === '1') {
    throw new RyokanError('state', `Can't move disks from or to template ${label}s: ${label} ${vmid} is one`);
  }
  if (digest !== undefined && digest !== guest.digest) {
    const mismatch = digestMismatch();
    throw new RyokanError(mismatch.code, `${label} ${vmid}: ${mismatch.message}`);
  }
  return guest;
}

function demandSameNode({ store, settings }: GuestServices, kind: GuestKind, vmid: number): void {
  const owner = guestOwner(store, vmid);
  if (owner && owner.type !== kind.type) {
    throw new RyokanError(
      'parameter',
      owner.type === 'lxc'
        ? `${vmid} is a container: it takes no disks of virtual machines`
        : `${vmid} is a virtual machine: it takes no volumes of containers`,
    );
  }
  if (owner && owner.node !== settings.node) {
    throw new RyokanError(
      'unsupported',
      `Both ${kind.label}s need to be on the same node (${settings.node} != ${owner.node}): migrate one of them first`,
    );
  }
}

function demandMovable(
  services: GuestServices,
  kind: GuestKind,
  { vmid, file }: StoredGuest,
  disk: string,
  volid: string,
): void {
  const { label } = kind;
  if (kind.inSnapshot(file, volid)) {
    throw new RyokanError(
      'state',
      `Can't move disk used by a snapshot to another ${label}: remove the snapshots of ${label} ${vmid} first, or clone it`,
    );
  }
  if (isBaseVolume(volid)) {
    throw new RyokanError(
      'state',
      `'${disk}' is a base image, on which linked clones rest: make a clone instead`,
    );
  }
  if (!disk.startsWith('unused') && kind.isRunning(services.paths, vmid)) {
    throw new RyokanError(
      'state',
      `Cannot move disk to another ${label} while the source ${label} is running - detach first: '${disk}' of ${label} ${vmid}`,
    );
  }
}

/** The volume has its new name before either configuration says so; both change in one step. */
export async function reassignDisk(
  services: GuestServices,
  hands: ReassignHands,
  request: ReassignRequest,
  task: TaskContext,
): Promise<void> {
  const { kind } = hands;
  const { vmid, targetVmid } = request;
  await bothLocks(services, kind.type, [vmid, targetVmid], task, async () => {
    const { source, target, disk, targetDisk, volid, text } = await planReassign(services, hands, request);
    const renamed = await services.storage.rename(volid, targetVmid, {
      onPlaced: (to) => task.undo(settleRenameUndo, { from: volid, to, vmid }),
    });
    task.log(`volume '${volid}' is '${renamed}' now`);
    const running = kind.isRunning(services.paths, targetVmid);
    const taken = hands.without(dropVolume(kind, source.file, volid), disk);
    const given = hands.with(target.file, targetDisk, kind.onVolume(targetDisk, text, renamed), running);
    await writeGuests(
      services.store,
      [
        { guest: source, file: taken },
        { guest: target, file: given },
      ],
      task.user,
    );
    task.keep();
    const [from, to] = [`${kind.label} ${vmid}`, `${kind.label} ${targetVmid}`];
    task.log(`'${disk}' of ${from} is '${targetDisk}' of ${to} now`);
    if (running) warnOf(await hands.plugIn(services, targetVmid, targetDisk, task), task);
  });
}
