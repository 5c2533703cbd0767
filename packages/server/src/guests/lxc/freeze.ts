/** All processes of a container held, and let go on, by the kernel's freezer. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { GuestServices } from '../guest-services.ts';
import { containerCgroup } from './cgroup.ts';
import { containerLock, demandFree, demandRunning } from './power.ts';

/** Lets a container go on: `{ vmid }`. */
export const thawContainerUndo = 'lxc.thaw';

const cgroupOf = ({ settings }: GuestServices, vmid: number) => containerCgroup(vmid, settings.node);

/** What forbids a suspension, said before a task is made. */
export function demandSuspendable(services: GuestServices, vmid: number): void {
  demandFree(services, vmid);
  demandRunning(services, vmid);
  if (cgroupOf(services, vmid).frozen())
    throw new RyokanError('state', `CT ${vmid} is suspended already`, { context: { vmid } });
}

export function demandResumable(services: GuestServices, vmid: number): void {
  demandRunning(services, vmid);
  if (!cgroupOf(services, vmid).frozen())
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
      await cgroupOf(services, vmid).freeze(task.signal);
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
  await containerLock(services, vmid, task, async () => cgroupOf(services, vmid).thaw());
}
