/** How copies that QEMU makes of a running guest's disks are taken back when their task fails or dies; see tasks/undo.ts. */
import { textArg, type UndoArgs, type UndoTable } from '../../../tasks/undo.ts';
import { settleCopy, tryReadGuest, whileUndisturbed } from '../../copy/copy-undos.ts';
import { moveToVolume } from '../../copy/volume-switch.ts';
import type { GuestServices } from '../../guest-services.ts';
import { type StoredGuest, writeGuest } from '../../guest-store.ts';
import { driveGraph } from '../block-graph.ts';
import { requireQemuConfig } from '../config.ts';
import { namesAnywhere } from '../config-change.ts';
import { configuredDrives } from '../drive-options.ts';
import { qemuKind } from '../kind.ts';
import { withQmp } from '../power.ts';
import { isRunning } from '../process.ts';
import type { QmpClient } from '../qmp-client.ts';
import { closeUnused } from '../snapshot/layers.ts';
import { setLimits } from '../throttle-group.ts';
import { abandon, endJob, type Mirror } from './block-jobs.ts';

/** Ends a copy in a running guest: `{ vmid, job, nodes }`, the names of the nodes with blanks between them. */
export const endMirrorUndo = 'qemu.end-mirror';
/** Lets a guest go on that was paused for a moment: `{ vmid }`. */
export const resumeUndo = 'qemu.resume';
/**
 * A disk of a running guest that was moving from one volume to another: `{ vmid, disk, from, volid, job, nodes }`. QEMU
 * decides: when the disk is on the new volume, the configuration learns that; else the new volume goes.
 */
export const settleMoveUndo = 'qemu.settle-move';

export function mirrorUndos(undos: UndoTable, services: GuestServices): void {
  const whileRunning = (vmid: number, work: (qmp: QmpClient) => Promise<void>) =>
    whileUndisturbed(services, vmid, async () => {
      if (isRunning(services.paths, vmid)) await withQmp(services, vmid, work);
    });
  undos.on(endMirrorUndo, (args) => whileRunning(Number(args.vmid), (qmp) => abandon(qmp, mirrorIn(args))));
  undos.on(resumeUndo, (args) =>
    whileRunning(Number(args.vmid), async (qmp) => {
      const { status } = await qmp.execute<{ status: string }>('query-status');
      if (status === 'paused') await qmp.execute('cont');
    }),
  );
  undos.on(settleMoveUndo, (args) =>
    whileUndisturbed(services, Number(args.vmid), () => settleMove(services, args)),
  );
}

const mirrorIn = (args: UndoArgs): Mirror => ({
  job: textArg(args, 'job'),
  nodes: textArg(args, 'nodes').split(' ').filter(Boolean),
});

async function settleMove(services: GuestServices, args: UndoArgs): Promise<void> {
  const [vmid, from, volid] = [Number(args.vmid), textArg(args, 'from'), textArg(args, 'volid')];
  const switched =
    isRunning(services.paths, vmid) &&
    (await withQmp(services, vmid, (qmp) => settleMirror(qmp, textArg(args, 'disk'), mirrorIn(args))));
  const guest = tryReadGuest(services, qemuKind, vmid);
  if (!guest || !switched || namesAnywhere(guest.file, volid)) {
    return settleCopy(services, qemuKind, vmid, volid);
  }
  await writeGuest(services.store, guest, moveToVolume(qemuKind, guest.file, from, volid), 'undo');
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
