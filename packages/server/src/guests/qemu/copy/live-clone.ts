/** Copies of the disks of a running guest, all of the same moment. */
import { messageOf } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { DiskCopy } from '../../copy/clone.ts';
import type { GuestServices } from '../../guest-services.ts';
import { freshNodeNames } from '../block-graph.ts';
import { whileFrozen } from '../file-system-freeze.ts';
import { whilePaused } from '../pause.ts';
import { withQmp } from '../power.ts';
import type { JsonObject, QmpClient } from '../qmp-client.ts';
import {
  abandon,
  closeTargets,
  endReady,
  type Mirror,
  mirrorOf,
  sparseTarget,
  startMirror,
  untilJobs,
} from './block-jobs.ts';
import { endMirrorUndo, resumeUndo } from './copy-undos.ts';

/** Fills the targets. The caller holds the guest's lock; on an error nothing of the copies is left in QEMU. */
export async function copyLive(
  services: GuestServices,
  vmid: number,
  copies: readonly DiskCopy[],
  rateLimit: number | undefined,
  task: TaskContext,
): Promise<void> {
  await withQmp(services, vmid, async (qmp) => {
    const mirrors: Mirror[] = [];
    try {
      for (const copy of copies) {
        const mirror = mirrorOf(await freshNodeNames(qmp, copy.plan.key));
        mirrors.push(mirror);
        task.undo(endMirrorUndo, { vmid, job: mirror.job, nodes: mirror.nodes.join(' ') });
        const target = await targetNode(services, copy.target.volid, mirror);
        const speed = rateLimit === undefined ? undefined : Math.ceil(rateLimit / copies.length);
        await startMirror(qmp, copy.plan.key, target, mirror, { speed });
      }
      await untilJobs(qmp, mirrors, ['ready'], {
        signal: task.signal,
        onProgress: (fraction) => task.progress(fraction, 'copying'),
      });
      await atOneMoment(services, vmid, qmp, task, () => endReady(qmp, mirrors));
      await closeTargets(qmp, mirrors);
    } catch (error) {
      // Each for itself, so that one that resists does not keep the others.
      for (const mirror of mirrors) {
        await abandon(qmp, mirror).catch((cause) => task.log(`${mirror.job}: ${messageOf(cause)}`));
      }
      throw error;
    }
  });
}

/** The guest never reads a target, so the options of its disk do not matter; only holes do. */
async function targetNode(services: GuestServices, volid: string, mirror: Mirror): Promise<JsonObject> {
  const { source, format } = await services.storage.imageSource(volid);
  const [name, file] = mirror.nodes;
  return sparseTarget({ 'node-name': name, driver: format, file: { ...source, 'node-name': file } });
}

/**
 * Runs `work` while the guest writes nothing: its agent has frozen the file systems, so that they are clean in the copy;
 * without an agent the guest is paused, and the copy is as after a power cut.
 */
async function atOneMoment(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  task: TaskContext,
  work: () => Promise<void>,
): Promise<void> {
  if (await whileFrozen(services, vmid, qmp, task, work)) return;
  task.log('pausing the guest instead');
  await whilePaused(qmp, () => task.undo(resumeUndo, { vmid }), work);
}
