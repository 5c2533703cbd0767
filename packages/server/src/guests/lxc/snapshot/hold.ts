/**
 * A container held for a moment, so that all its volumes can be copied as they are at one time: its processes by the
 * kernel's freezer, then its file systems on images, which are clean meanwhile. Trees that are folders of the storage's
 * own file system need nothing: a snapshot there writes out by itself what is in memory.
 */
import { readFileSync } from 'node:fs';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../../host/exec.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestServices } from '../../guest-services.ts';
import { readGuest } from '../../guest-store.ts';
import { freeze, isFrozen, thaw } from '../freeze.ts';
import { stage } from '../host-input.ts';
import { lxcKind } from '../kind.ts';
import { isRunning, monitorProcess } from '../process.ts';

/** Lets a container go on, and its file systems: `{ vmid, processes }`, 0 for one whose processes stood still before. */
export const releaseUndo = 'lxc.release';

/** How long the kernel may take to hold every process, and a file system to write out what it has (ms). */
const patience = 30_000;
/** How long the container may stand still (ms): a storage that hangs must not take it along. */
const longestHold = 30_000;

/** Runs `work` while the container is held; it goes on whatever happens. One that does not run needs no holding. */
export async function whileHeld(
  services: GuestServices,
  vmid: number,
  task: TaskContext,
  work: () => Promise<void>,
): Promise<void> {
  if (!isRunning(services.paths, vmid)) return work();
  // Somebody may have suspended it, and it stays so.
  const processes = !isFrozen(services, vmid);
  task.undo(releaseUndo, { vmid, processes: processes ? 1 : 0 });
  const begin = performance.now();
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    void release(services, vmid, processes).catch((error: unknown) => task.warn(messageOf(error)));
  }, patience + longestHold);
  try {
    if (processes) await holdProcesses(services, vmid, task);
    await holdFileSystems(services, vmid, task);
    await work();
  } finally {
    clearTimeout(limit);
    await release(services, vmid, processes);
  }
  if (late) {
    throw new RyokanError(
      'failed',
      `the storage took too long, so that CT ${vmid} went on before its volumes were done: they are not of one moment`,
    );
  }
  task.log(`the container stood still for ${Math.round(performance.now() - begin)} ms`);
}

async function holdProcesses(services: GuestServices, vmid: number, task: TaskContext): Promise<void> {
  try {
    await freeze(services, vmid, task.signal);
  } catch (error) {
    task.signal.throwIfAborted();
    task.warn(
      `the processes of the container could not be held (${messageOf(error)}): its volumes may differ by moments`,
    );
  }
}

async function holdFileSystems(services: GuestServices, vmid: number, task: TaskContext): Promise<void> {
  for (const { pid, path } of await imageMounts(services, vmid)) {
    task.signal.throwIfAborted();
    await run('nsenter', [...inNamespace(pid), 'fsfreeze', '--freeze', path], { timeout: patience });
  }
}

/** Undo, and the end of every hold: no error when nothing is held or the container has ended. */
export async function release(services: GuestServices, vmid: number, processes: boolean): Promise<void> {
  const mounts = await imageMounts(services, vmid);
  // One that does not go on keeps the others from nothing.
  const ends = await Promise.allSettled([
    ...mounts.map(({ pid, path }) => thawFileSystem(pid, path)),
    ...(processes ? [thaw(services, vmid)] : []),
  ]);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}

async function thawFileSystem(pid: number, path: string): Promise<void> {
  await run('nsenter', [...inNamespace(pid), 'fsfreeze', '--unfreeze', path]).catch((error: unknown) => {
    // The kernel's word for one that is not frozen.
    if (!/Invalid argument/.test(messageOf(error))) throw error;
  });
}

const inNamespace = (pid: number): string[] => ['--target', String(pid), '--mount', '--'];

/**
 * The container's volumes that are images, where LXC's monitor has them mounted: the container's own view is made by
 * whoever is root in it. Of folders the file system is the storage's, which must not be held.
 */
async function imageMounts(
  services: GuestServices,
  vmid: number,
): Promise<{ readonly pid: number; readonly path: string }[]> {
  const pid = monitorProcess(services.paths, vmid)?.pid;
  if (pid === undefined) return [];
  const mounted = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4]);
  const { file } = readGuest(services.store, 'lxc', services.settings.node, vmid);
  const mounts: { pid: number; path: string }[] = [];
  for (const { key, volid } of lxcKind.disksOf(file.properties)) {
    const path = `${stage}/${key === 'rootfs' ? 'root' : key}`;
    if (!mounted.includes(path)) continue;
    if ((await services.storage.info(volid)).format === 'raw') mounts.push({ pid, path });
  }
  return mounts;
}
