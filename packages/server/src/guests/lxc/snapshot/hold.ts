/**
 * A container held for a moment, so that all its volumes can be copied as they are at one time: its processes by the
 * kernel's freezer, then its file systems on images, which are clean meanwhile. Trees that are folders of the storage's
 * own file system need nothing: a snapshot there writes out by itself what is in memory.
 */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { readMounts } from '../../../host/mount-table.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestServices } from '../../guest-services.ts';
import { readGuest } from '../../guest-store.ts';
import { type ContainerCgroup, containerCgroup } from '../cgroup.ts';
import { stage } from '../host-input.ts';
import { lxcKind } from '../kind.ts';
import { monitorProcess } from '../process.ts';
import { Holder } from './holder.ts';

/** Lets a container go on, and its file systems: `{ vmid, processes }`, 0 for one whose processes stood still before. */
export const releaseUndo = 'lxc.release';

/** Runs `work` while the container is held; it goes on whatever happens. One that does not run needs no holding. */
export async function whileHeld(
  services: GuestServices,
  vmid: number,
  task: TaskContext,
  work: () => Promise<void>,
): Promise<void> {
  const cgroup = containerCgroup(vmid, services.settings.node);
  // Somebody may have suspended it, and it stays so.
  const processes = !cgroup.frozen();
  const holder = await startHolder(services, vmid, processes);
  if (!holder) return work();
  task.undo(releaseUndo, { vmid, processes: processes ? 1 : 0 });
  const begin = performance.now();
  let end: Awaited<ReturnType<Holder['end']>> = 'killed';
  try {
    if (processes) await holdProcesses(cgroup, task);
    await holder.hold(task.signal);
    await work();
  } finally {
    end = await holder.end();
    if (end === 'killed') await release(services, vmid, processes);
  }
  if (end !== 'in time') {
    throw new RyokanError(
      'failed',
      end === 'late'
        ? `the storage took too long, so that CT ${vmid} went on before its volumes were done: they are not of one moment`
        : `the process that held CT ${vmid} was killed, so that its volumes may not be of one moment: try again`,
    );
  }
  task.log(`the container stood still for ${Math.round(performance.now() - begin)} ms`);
}

async function holdProcesses(cgroup: ContainerCgroup, task: TaskContext): Promise<void> {
  try {
    await cgroup.freeze(task.signal);
  } catch (error) {
    task.signal.throwIfAborted();
    task.warn(
      `the processes of the container could not be held (${messageOf(error)}): its volumes may differ by moments`,
    );
  }
}

/** Undo, for the case that the holder was killed with its worker. No error when nothing is held or it has ended. */
export async function release(services: GuestServices, vmid: number, processes: boolean): Promise<void> {
  await (await startHolder(services, vmid, processes))?.end();
}

/** Undefined when the container does not run. */
async function startHolder(
  services: GuestServices,
  vmid: number,
  processes: boolean,
): Promise<Holder | undefined> {
  const pid = monitorProcess(services.paths, vmid)?.pid;
  if (pid === undefined) return undefined;
  const { freezer } = containerCgroup(vmid, services.settings.node);
  const paths = await imageMounts(services, vmid, pid);
  return Holder.start({ pid, paths, freezer: processes ? freezer : undefined });
}

/**
 * Paths of the container's volumes that are images, where LXC's monitor has them mounted: the container's own view is
 * made by whoever is root in it. Of folders the file system is the storage's, which must not be held.
 */
async function imageMounts(services: GuestServices, vmid: number, monitor: number): Promise<string[]> {
  // It may have ended.
  const mounted = (await readMounts(monitor).catch(() => [])).map(({ point }) => point);
  const { file } = readGuest(services.store, 'lxc', services.settings.node, vmid);
  const paths: string[] = [];
  for (const { key, volid } of lxcKind.disksOf(file.properties)) {
    const path = `${stage}/${key === 'rootfs' ? 'root' : key}`;
    if (mounted.includes(path) && (await services.storage.info(volid)).format === 'raw') paths.push(path);
  }
  return paths;
}
