/** How copies of disks are taken back when their task fails or dies; see tasks/undo.ts. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { textArg, type UndoArgs, type UndoTable } from '../../../tasks/undo.ts';
import type { GuestServices } from '../../guest-services.ts';
import { readGuest, type StoredGuest, writeGuest } from '../../guest-store.ts';
import { driveGraph } from '../block-graph.ts';
import { requireQemuConfig } from '../config.ts';
import { namesAnywhere } from '../config-change.ts';
import { volumeExists } from '../disks.ts';
import { configuredDrives } from '../drive-options.ts';
import { withQmp } from '../power.ts';
import { isRunning } from '../process.ts';
import type { QmpClient } from '../qmp-client.ts';
import { closeUnused } from '../snapshot/layers.ts';
import { setLimits } from '../throttle-group.ts';
import { abandon, endJob, type Mirror } from './block-jobs.ts';
import { baseVolumeOf } from './guest-disks.ts';
import { moveToVolume, replaceVolume } from './volume-switch.ts';

/** Ends a copy in a running guest: `{ vmid, job, nodes }`, the names of the nodes with blanks between them. */
export const endMirrorUndo = 'qemu.end-mirror';
/** Lets a guest go on that was paused for a moment: `{ vmid }`. */
export const resumeUndo = 'qemu.resume';
/**
 * A disk that was moving from one volume to another: `{ vmid, disk, from, volid }`, of a running guest with `job` and
 * `nodes`. QEMU decides: when the disk is on the new volume, the configuration learns that; else the new volume goes.
 */
export const settleMoveUndo = 'qemu.settle-move';
/** A disk that was becoming a base image: `{ vmid, volid }`. When it has its new name, the configuration learns that. */
export const settleBaseUndo = 'qemu.settle-base';
/** A volume that was being given to another guest: `{ from, to, vmid }`, volume ids and the owner before. */
export const settleRenameUndo = 'qemu.settle-rename';

/** How long an undo waits for the guest's lock (ms): another task may have been faster. */
const lockPatience = 60_000;

export function copyUndos(undos: UndoTable, services: GuestServices): void {
  const locked = (vmid: number, work: () => Promise<void>) =>
    services.locks.with(`qemu-${vmid}`, work, { timeout: lockPatience });
  undos.on(endMirrorUndo, (args) => {
    const vmid = Number(args.vmid);
    return locked(vmid, async () => {
      if (isRunning(services.paths, vmid))
        await withQmp(services, vmid, (qmp) => abandon(qmp, mirrorIn(args)));
    });
  });
  undos.on(resumeUndo, (args) => {
    const vmid = Number(args.vmid);
    return locked(vmid, async () => {
      if (!isRunning(services.paths, vmid)) return;
      await withQmp(services, vmid, async (qmp) => {
        const { status } = await qmp.execute<{ status: string }>('query-status');
        if (status === 'paused') await qmp.execute('cont');
      });
    });
  });
  undos.on(settleMoveUndo, (args) => {
    const vmid = Number(args.vmid);
    return locked(vmid, () => settleMove(services, args));
  });
  undos.on(settleBaseUndo, (args) => {
    const vmid = Number(args.vmid);
    return locked(vmid, () => settleBase(services, vmid, textArg(args, 'volid')));
  });
  undos.on(settleRenameUndo, (args) => locked(Number(args.vmid), () => settleRename(services, args)));
}

const mirrorIn = (args: UndoArgs): Mirror => ({
  job: textArg(args, 'job'),
  nodes: textArg(args, 'nodes').split(' ').filter(Boolean),
});

async function settleMove(services: GuestServices, args: UndoArgs): Promise<void> {
  const [vmid, from, volid] = [Number(args.vmid), textArg(args, 'from'), textArg(args, 'volid')];
  const mirror = mirrorIn(args);
  const live = mirror.job !== '' && isRunning(services.paths, vmid);
  const switched =
    live && (await withQmp(services, vmid, (qmp) => settleMirror(qmp, textArg(args, 'disk'), mirror)));
  const guest = tryReadGuest(services, vmid);
  if (guest && namesAnywhere(guest.file, volid)) return;
  if (!guest || !switched) return removeIfThere(services, volid);
  await writeGuest(services.store, guest, moveToVolume(guest.file, from, volid), 'undo');
  await limitAgain(services, guest, textArg(args, 'disk'));
}

/** The new place of a disk has no limits as long as it is filled. */
async function limitAgain(services: GuestServices, { vmid, file }: StoredGuest, disk: string): Promise<void> {
  const drives = configuredDrives(requireQemuConfig(file.properties, vmid));
  const drive = drives.find(({ key }) => key === disk);
  if (drive) await withQmp(services, vmid, (qmp) => setLimits(qmp, disk, drive.options));
}

/** Puts an end to a move in QEMU; says whether the disk is on its target by now. */
async function settleMirror(qmp: QmpClient, disk: string, mirror: Mirror): Promise<boolean> {
  await endJob(qmp, mirror.job);
  await closeUnused(qmp, disk);
  return (await driveGraph(qmp, disk))?.name === mirror.nodes[0];
}

async function settleBase(services: GuestServices, vmid: number, volid: string): Promise<void> {
  const guest = tryReadGuest(services, vmid);
  if (!guest || (await volumeExists(services, volid))) return;
  const base = baseVolumeOf(volid);
  if (await volumeExists(services, base)) {
    await writeGuest(services.store, guest, replaceVolume(guest.file, volid, base), 'undo');
  }
}

/** The owner's configuration decides: as long as it names the old volume, that is what it has to find. */
async function settleRename(services: GuestServices, args: UndoArgs): Promise<void> {
  const [from, to, vmid] = [textArg(args, 'from'), textArg(args, 'to'), Number(args.vmid)];
  const owner = tryReadGuest(services, vmid);
  if (!owner || !namesAnywhere(owner.file, from) || !(await volumeExists(services, to))) return;
  if (await volumeExists(services, from)) {
    // The rename was cut off in the middle: for a moment the image has both names.
    await removeUnnamed(services, to);
    return;
  }
  const name = from.slice(from.lastIndexOf('/') + 1).replace(/^.*:/, '');
  await services.storage.rename(to, vmid, { name });
}

async function removeUnnamed(services: GuestServices, volid: string): Promise<void> {
  const { vmid } = await services.storage.info(volid);
  const owner = vmid === undefined ? undefined : tryReadGuest(services, vmid);
  if (!owner || !namesAnywhere(owner.file, volid)) await services.storage.remove(volid);
}

function tryReadGuest(services: GuestServices, vmid: number): StoredGuest | undefined {
  try {
    return readGuest(services.store, 'qemu', services.settings.node, vmid);
  } catch (error) {
    if (error instanceof RyokanError && error.code === 'not-found') return undefined;
    throw error;
  }
}

async function removeIfThere(services: GuestServices, volid: string): Promise<void> {
  if (await volumeExists(services, volid)) await services.storage.remove(volid);
}
