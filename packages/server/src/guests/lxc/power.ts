/** Ending a running container. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import type { ProcessId } from '../../host/pidfile.ts';
import { signalProcess, waitForExit } from '../../host/process-end.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { guestEnded } from '../guest-ended.ts';
import { guestLock } from '../guest-lock.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, salvageGuest } from '../guest-store.ts';
import { preStop } from '../hookscript.ts';
import { containerCgroup } from './cgroup.ts';
import { lxcKind } from './kind.ts';
import { initProcess, isRunning, monitorProcess } from './process.ts';

/** How long a killed container may take to go (ms). */
const killPatience = 15_000;
/** Exit code of lxc-stop for a container that has ended. */
const notRunning = 2;
/** Seconds that a container gets to shut down when nothing else is said. */
const defaultTimeout = 60;

/** Arguments of LXC's tools that name a container of this node. */
export const lxcName = (services: GuestServices, vmid: number): string[] => [
  ...['--name', String(vmid)],
  ...['--lxcpath', services.paths.lxcRun],
];

export function demandRunning(services: GuestServices, vmid: number): ProcessId {
  const process = monitorProcess(services.paths, vmid);
  if (!process) throw new RyokanError('state', `CT ${vmid} not running`, { context: { vmid } });
  return process;
}

/** One task at a time works on a container. */
export function containerLock<T>(
  services: GuestServices,
  vmid: number,
  task: { readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  return guestLock(services, 'lxc', vmid, task, work);
}

/** The configuration's lock key, checked before an action that a damaged configuration must not hinder. */
export function demandFree(services: GuestServices, vmid: number, skiplock = false): void {
  const guest = salvageGuest(services.store, 'lxc', services.settings.node, vmid);
  if (!skiplock) demandUnlocked(guest.file.properties, 'lxc');
}

/** Kills all its processes. No error when it is not running. */
export async function stopContainer(services: GuestServices, vmid: number, task: TaskContext): Promise<void> {
  await containerLock(services, vmid, task, async () => {
    if (!isRunning(services.paths, vmid)) {
      task.log(`CT ${vmid} is not running`);
      return;
    }
    await preStop(services, vmid, task);
    await kill(services, vmid, task);
  });
}

/** The caller holds the lock. */
export async function kill(
  services: GuestServices,
  vmid: number,
  task: Pick<TaskContext, 'log' | 'warn'>,
): Promise<void> {
  const monitor = demandRunning(services, vmid);
  const init = initProcess(services.paths, vmid);
  const cgroup = containerCgroup(vmid, services.settings.node);
  if (init && cgroup.frozen()) {
    // A frozen process does not die before it is thawed; in this order it does nothing more.
    signalProcess(init, 'SIGKILL');
    cgroup.thaw();
  }
  await run('lxc-stop', [...lxcName(services, vmid), '--kill'], { timeout: killPatience }).catch(() => {});
  if (!(await waitForExit(monitor, killPatience))) {
    task.warn('LXC did not end when told to; killing it');
    if (init) signalProcess(init, 'SIGKILL');
    signalProcess(monitor, 'SIGKILL');
    if (!(await waitForExit(monitor, killPatience))) {
      throw new RyokanError(
        'failed',
        `the processes of CT ${vmid} cannot be killed; is its storage hanging?`,
      );
    }
  }
  await guestEnded(services, lxcKind, vmid, task);
}

export interface ShutdownOptions {
  /** Seconds. */
  readonly timeout?: number | undefined;
  readonly forceStop?: boolean | undefined;
}

/** Asks init to shut down, by the signal that it understands. */
export async function shutdownContainer(
  services: GuestServices,
  vmid: number,
  options: ShutdownOptions,
  task: TaskContext,
): Promise<void> {
  await containerLock(services, vmid, task, async () => {
    const monitor = monitorProcess(services.paths, vmid);
    if (!monitor) {
      task.log(`CT ${vmid} is not running`);
      return;
    }
    await preStop(services, vmid, task);
    const cgroup = containerCgroup(vmid, services.settings.node);
    if (cgroup.frozen()) {
      task.log('the container is suspended; resuming it, so that it can shut down');
      cgroup.thaw();
    }
    const timeout = options.timeout ?? defaultTimeout;
    // LXC finds out which signal; waiting is ours, so that the task can be stopped.
    await run('lxc-stop', [...lxcName(services, vmid), '--nokill', '--nowait'], {
      okCodes: [0, notRunning],
      timeout: killPatience,
    });
    if (await waitForExit(monitor, timeout * 1000, task.signal))
      return guestEnded(services, lxcKind, vmid, task);
    if (options.forceStop) {
      task.log(`the container did not shut down within ${timeout} s; stopping it`);
      return kill(services, vmid, task);
    }
    throw new RyokanError(
      'failed',
      `CT ${vmid} did not shut down within ${timeout} s. Stop it, or look at its console`,
      { context: { vmid } },
    );
  });
}
