/** All processes of a container held, and let go on, by the kernel's freezer. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { GuestServices } from '../guest-services.ts';
import { containerCgroup } from './cgroup.ts';
import { containerLock, demandFree, demandRunning, lxcName } from './power.ts';
import { isRunning } from './process.ts';

/** Lets a container go on: `{ vmid }`. */
export const thawContainerUndo = 'lxc.thaw';

/** How long the kernel may take to hold every process (ms): one that waits for a disk stops when that answers. */
const patience = 30_000;

export function isFrozen({ settings }: GuestServices, vmid: number): boolean {
  return containerCgroup(vmid, settings.node).frozen();
}

/** What forbids a suspension, said before a task is made. */
export function demandSuspendable(services: GuestServices, vmid: number): void {
  demandFree(services, vmid);
  demandRunning(services, vmid);
  if (isFrozen(services, vmid))
    throw new RyokanError('state', `CT ${vmid} is suspended already`, { context: { vmid } });
}

export function demandResumable(services: GuestServices, vmid: number): void {
  demandRunning(services, vmid);
  if (!isFrozen(services, vmid))
    throw new RyokanError('state', `CT ${vmid} is not suspended`, { context: { vmid } });
}

export async function suspendContainer(
  services: GuestServices,
  vmid: number,
  task: TaskContext,
): Promise<void> {
  await containerLock(services, vmid, task, async () => {
    demandSuspendable(services, vmid);
    task.undo(thawContainerUndo, { vmid });
    try {
      await freeze(services, vmid, task.signal);
    } catch (cause) {
      task.signal.throwIfAborted();
      throw new RyokanError(
        'failed',
        `CT ${vmid} could not be suspended: ${messageOf(cause)}. That takes control groups with a freezer, and no process in the container that waits for a disk`,
        { cause, context: { vmid } },
      );
    }
    task.keep();
  });
}

export async function resumeContainer(
  services: GuestServices,
  vmid: number,
  task: TaskContext,
): Promise<void> {
  await containerLock(services, vmid, task, () => thaw(services, vmid));
}

/** Rejects when not every process could be held; some may be then, until the container is thawed. */
export async function freeze(services: GuestServices, vmid: number, signal: AbortSignal): Promise<void> {
  await run('lxc-freeze', lxcName(services, vmid), { timeout: patience, signal });
}

/** No error when it does not stand still, or does not run at all. */
export async function thaw(services: GuestServices, vmid: number): Promise<void> {
  if (!isRunning(services.paths, vmid)) return;
  await run('lxc-unfreeze', lxcName(services, vmid), { timeout: patience });
}
