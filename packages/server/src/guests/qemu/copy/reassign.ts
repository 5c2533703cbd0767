/** Giving a disk to another guest of the node: its volume gets the other's name, no data moves. */
import { digestMismatch, RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestConfigFile } from '../../config-file.ts';
import { formatSize } from '../../disk-size.ts';
import type { GuestServices } from '../../guest-services.ts';
import { demandUnlocked, guestOwner, readGuest, type StoredGuest, writeGuests } from '../../guest-store.ts';
import { withoutBootDevice } from '../boot-order.ts';
import { recordChanges } from '../cloud-init/changes.ts';
import { applyPending, inSnapshot, mergeChange } from '../config-change.ts';
import { demandDistinctVolumes } from '../disks.ts';
import { type DriveValue, formatDrive, isCdrom, namesVolume, parseDrive } from '../drive-value.ts';
import { applyToRunning, hotplugProblem } from '../hotplug/apply.ts';
import { guestLock } from '../power.ts';
import { isRunning } from '../process.ts';
import { settleRenameUndo } from './copy-undos.ts';
import { isBaseVolume } from './guest-disks.ts';
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

export interface ReassignPlan {
  readonly source: StoredGuest;
  readonly target: StoredGuest;
  readonly targetDisk: string;
  readonly volid: string;
  /** What the other guest gets, still with the volume's present name. */
  readonly drive: DriveValue;
}

/** Throws what forbids it. */
export async function planReassign(services: GuestServices, request: ReassignRequest): Promise<ReassignPlan> {
  const { vmid, disk, targetVmid, targetDisk = disk } = request;
  const source = ownerOfDisk(services, vmid, request.digest);
  demandSameNode(services, targetVmid);
  const target = ownerOfDisk(services, targetVmid, request.targetDigest);
  const text = source.file.properties[disk];
  if (text === undefined) {
    throw new RyokanError('not-found', `Disk '${disk}' for VM '${vmid}' does not exist`);
  }
  const drive = parseDrive(disk, text);
  demandMovable(services, source, disk, drive);
  if (target.file.properties[targetDisk] !== undefined || targetDisk in target.file.pending.properties) {
    throw new RyokanError(
      'exists',
      `Target disk key '${targetDisk}' is already in use for VM '${targetVmid}': choose another target-disk`,
    );
  }
  const { size } = await services.storage.info(drive.file);
  const options = targetDisk.startsWith('unused')
    ? { file: drive.file }
    : { ...drive, size: formatSize(size) };
  return { source, target, targetDisk, volid: drive.file, drive: fitting(disk, targetDisk, options) };
}

function ownerOfDisk(services: GuestServices, vmid: number, digest: string | undefined): StoredGuest {
  const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
  demandUnlocked(guest.file.properties);
  if (guest.file.properties.template === '1') {
    throw new RyokanError('state', `Can't move disks from or to template VMs: VM ${vmid} is one`);
  }
  if (digest !== undefined && digest !== guest.digest) {
    const mismatch = digestMismatch();
    throw new RyokanError(mismatch.code, `VM ${vmid}: ${mismatch.message}`);
  }
  return guest;
}

function demandSameNode({ store, settings }: GuestServices, vmid: number): void {
  const owner = guestOwner(store, vmid);
  if (owner?.type === 'lxc') {
    throw new RyokanError('parameter', `${vmid} is a container: it takes no disks of virtual machines`);
  }
  if (owner && owner.node !== settings.node) {
    throw new RyokanError(
      'unsupported',
      `Both VMs need to be on the same node (${settings.node} != ${owner.node}): migrate one of them first`,
    );
  }
}

function demandMovable(services: GuestServices, source: StoredGuest, disk: string, drive: DriveValue): void {
  const { vmid } = source;
  if (!namesVolume(drive)) {
    throw new RyokanError('unsupported', `disk '${disk}' has no associated volume: it is '${drive.file}'`);
  }
  if (isCdrom(drive)) {
    throw new RyokanError('parameter', `CD drive contents can't be moved to another VM ('${disk}')`);
  }
  if (inSnapshot(source.file, drive.file)) {
    throw new RyokanError(
      'state',
      `Can't move disk used by a snapshot to another VM: remove the snapshots of VM ${vmid} first, or clone it`,
    );
  }
  if (isBaseVolume(drive.file)) {
    throw new RyokanError(
      'state',
      `'${disk}' is a base image, on which linked clones rest: make a clone instead`,
    );
  }
  if (!disk.startsWith('unused') && isRunning(services.paths, vmid)) {
    throw new RyokanError(
      'state',
      `Cannot move disk to another VM while the source VM is running - detach first: '${disk}' of VM ${vmid}`,
    );
  }
}

/** Not every bus has all options: `iothread` is none of an IDE disk. */
function fitting(disk: string, targetDisk: string, drive: DriveValue): DriveValue {
  try {
    return parseDrive(targetDisk, formatDrive(targetDisk, drive));
  } catch (cause) {
    throw new RyokanError(
      'parameter',
      `the options of '${disk}' do not fit '${targetDisk}': change them first, or give it to unused0 and attach it there`,
      { cause },
    );
  }
}

/** The volume has its new name before either configuration says so; both change in one step. */
export async function reassignDisk(
  services: GuestServices,
  request: ReassignRequest,
  task: TaskContext,
): Promise<void> {
  const { vmid, targetVmid } = request;
  await bothLocks(services, vmid, targetVmid, task, async () => {
    const plan = await planReassign(services, request);
    const { source, target, targetDisk, volid } = plan;
    const renamed = await services.storage.rename(volid, targetVmid, {
      onPlaced: (to) => task.undo(settleRenameUndo, { from: volid, to, vmid }),
    });
    task.log(`volume '${volid}' is '${renamed}' now`);
    const running = isRunning(services.paths, targetVmid);
    const text = formatDrive(targetDisk, { ...plan.drive, file: renamed });
    await writeGuests(
      services.store,
      [
        { guest: source, file: withoutDisk(source.file, request.disk, volid) },
        { guest: target, file: withDisk(target.file, targetDisk, text, running) },
      ],
      task.user,
    );
    task.keep();
    task.log(`'${request.disk}' of VM ${vmid} is '${targetDisk}' of VM ${targetVmid} now`);
    if (!running) return;
    const problems = await applyToRunning(services, targetVmid, [targetDisk], task.user, task);
    for (const [key, problem] of Object.entries(problems)) task.warn(`${key}: ${hotplugProblem(problem)}`);
  });
}

/** Always the lower number first, so that two tasks cannot wait for each other. */
function bothLocks(
  services: GuestServices,
  one: number,
  other: number,
  task: TaskContext,
  work: () => Promise<void>,
): Promise<void> {
  const [first, second] = [Math.min(one, other), Math.max(one, other)];
  return guestLock(services, first, task, () => guestLock(services, second, task, work));
}

function withoutDisk(file: GuestConfigFile, disk: string, volid: string): GuestConfigFile {
  const dropped = dropVolume(file, volid);
  return { ...dropped, properties: withoutBootDevice(dropped.properties, disk) };
}

/** A guest that runs has it pending until it is plugged in; an unused disk is nothing to QEMU. */
function withDisk(file: GuestConfigFile, key: string, text: string, running: boolean): GuestConfigFile {
  const change = { set: { [key]: text }, delete: [], revert: [], force: false };
  const changed = recordChanges(file, mergeChange(file, change, running && !key.startsWith('unused')));
  demandDistinctVolumes(applyPending(changed).properties);
  return changed;
}
