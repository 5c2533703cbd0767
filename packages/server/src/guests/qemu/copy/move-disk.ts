/** Moving a disk to another storage or format, also while its guest runs. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { LimitFor } from '../../copy/bandwidth.ts';
import {
  type MoveRequest,
  type MoveWork,
  moveStopped,
  moveVolume,
  planVolumeMove,
  readForMove,
  switchConfig,
} from '../../copy/move.ts';
import { type CopyPlan, makeTarget } from '../../copy/volume-copy.ts';
import type { GuestServices } from '../../guest-services.ts';
import { readGuest } from '../../guest-store.ts';
import { freshNodeNames, type NodeNames } from '../block-graph.ts';
import { requireQemuConfig } from '../config.ts';
import { driveNodes } from '../devices/block.ts';
import { type ConfiguredDrive, configuredDrives } from '../drive-options.ts';
import { isCdrom, namesVolume, parseDrive } from '../drive-value.ts';
import { qemuKind } from '../kind.ts';
import { whilePaused } from '../pause.ts';
import { withQmp } from '../power.ts';
import { isRunning } from '../process.ts';
import { hasIoUring } from '../qemu-facts.ts';
import type { JsonObject } from '../qmp-client.ts';
import { closeUnused } from '../snapshot/layers.ts';
import { resolveVolume } from '../start-host.ts';
import { addFreeGroup, setLimits } from '../throttle-group.ts';
import { movingMirrorOf, sparseTarget, startMirror, switchOver, untilJobs } from './block-jobs.ts';
import { resumeUndo, settleMoveUndo } from './copy-undos.ts';

/** Throws what forbids the move. */
export async function planMove(services: GuestServices, request: MoveRequest): Promise<CopyPlan> {
  const { vmid, disk } = request;
  const guest = readForMove(services, qemuKind, request);
  if (/^unused/.test(disk)) {
    throw new RyokanError(
      'unsupported',
      `cannot move disk '${disk}', only configured disks can be moved to another storage`,
    );
  }
  const text = guest.file.properties[disk];
  const drive = text === undefined ? undefined : parseDrive(disk, text);
  if (!drive || !namesVolume(drive)) throw new RyokanError('not-found', `disk '${disk}' does not exist`);
  if (isCdrom(drive)) throw new RyokanError('parameter', `you can't move a cdrom: '${disk}'`);
  if ((disk === 'efidisk0' || disk === 'tpmstate0') && isRunning(services.paths, vmid)) {
    throw new RyokanError('state', `cannot move '${disk}' while VM ${vmid} is running: stop it first`);
  }
  return planVolumeMove(services, qemuKind, guest, { key: disk, volid: drive.file }, request);
}

export async function moveDisk(
  services: GuestServices,
  request: MoveRequest,
  limitFor: LimitFor,
  task: TaskContext,
): Promise<void> {
  const { vmid } = request;
  const plan = () => planMove(services, request);
  const move: MoveWork = (copy, rateLimit) =>
    isRunning(services.paths, vmid)
      ? moveLive(services, vmid, copy, rateLimit, task)
      : moveStopped(services, qemuKind, vmid, copy, rateLimit, task);
  await moveVolume(services, qemuKind, request, { plan, move, limitFor }, task);
}

/**
 * QEMU copies while the guest goes on. When both are alike the guest stands still for the moment in which the disk and
 * the configuration are switched over, so that it writes nothing that the configured volume has not. Whatever breaks off
 * is settled by the undo, which asks QEMU on which of the two the disk is.
 */
async function moveLive(
  services: GuestServices,
  vmid: number,
  copy: CopyPlan,
  rateLimit: number | undefined,
  task: TaskContext,
): Promise<void> {
  const { key, source } = copy;
  await withQmp(services, vmid, async (qmp) => {
    const names = await freshNodeNames(qmp, key);
    const mirror = movingMirrorOf(names);
    // Undone after what comes later: the disk is settled first, then the guest goes on.
    const { status } = await qmp.execute<{ status: string }>('query-status');
    if (status === 'running') task.undo(resumeUndo, { vmid });
    const undo = (volid: string) =>
      task.undo(settleMoveUndo, {
        ...{ vmid, disk: key, from: source.volid, volid },
        ...{ job: mirror.job, nodes: mirror.nodes.join(' ') },
      });
    const target = await makeTarget(services, copy, vmid, task, undo);
    const { drive, node } = await targetNode(services, vmid, key, target.volid, names);
    await addFreeGroup(qmp, names.root);
    await startMirror(qmp, key, node, mirror, { speed: rateLimit });
    const onProgress = (fraction: number) => task.progress(fraction, `copying ${key}`);
    await untilJobs(qmp, [mirror], ['ready'], { signal: task.signal, onProgress });
    await whilePaused(
      qmp,
      () => {},
      async () => {
        await switchOver(qmp, mirror);
        await setLimits(qmp, key, drive.options);
        await switchConfig(services, qemuKind, vmid, copy, target, task.user);
      },
    );
    await closeUnused(qmp, key);
  });
}

/** The drive as it is configured; and the new image with its options, with a filter above it. */
async function targetNode(
  services: GuestServices,
  vmid: number,
  key: string,
  volid: string,
  names: NodeNames,
): Promise<{ drive: ConfiguredDrive; node: JsonObject }> {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const config = requireQemuConfig(file.properties, vmid);
  const drive = configuredDrives(config).find((one) => one.key === key);
  const volume = await resolveVolume(services, key, volid);
  if (!drive || !volume) throw new RyokanError('state', `'${key}' is no disk of the running guest`);
  const { root } = driveNodes(drive, volume, hasIoUring(), names);
  // The filter too, as it would keep the holes out of the copy.
  const node = { ...root, discard: 'unmap', file: sparseTarget(root.file as JsonObject) };
  return { drive, node };
}
