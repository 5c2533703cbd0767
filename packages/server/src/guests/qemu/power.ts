/** Ending, pausing and resetting a running QEMU guest. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { agentFields } from '@ryokan/api/schema/qemu-options.ts';
import type { ProcessId } from '../../host/pidfile.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest } from '../guest-store.ts';
import { agentCommand } from './agent-client.ts';
import { optionOf, readQemuConfig } from './config.ts';
import { guestEnded } from './guest-ended.ts';
import { preStop } from './hookscript.ts';
import { guestProcess, signalProcess, waitForExit } from './process.ts';
import { connectQmp, type QmpClient } from './qmp-client.ts';
import { qemuRunPaths } from './run-paths.ts';

/** Seconds that a guest gets to shut down when nothing else is said. */
const defaultShutdownTimeout = 180;
/** How long QEMU may take to end after it was told to (ms). */
const quitTimeout = 10_000;

export function demandRunning(services: GuestServices, vmid: number): ProcessId {
  const process = guestProcess(services.paths, vmid);
  if (!process) throw new RyokanError('state', `VM ${vmid} not running`, { context: { vmid } });
  return process;
}

/** Runs `work` with a QMP connection to the guest. */
export async function withQmp<T>(
  services: GuestServices,
  vmid: number,
  work: (qmp: QmpClient) => Promise<T>,
): Promise<T> {
  const qmp = await connectQmp(qemuRunPaths(services.paths, vmid).qmp);
  try {
    return await work(qmp);
  } finally {
    qmp.close();
  }
}

/** Ends QEMU at once. No error when it is not running. */
export async function stopGuest(services: GuestServices, vmid: number, task: TaskContext): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    const process = guestProcess(services.paths, vmid);
    if (!process) {
      task.log(`VM ${vmid} is not running`);
      return;
    }
    await preStop(services, vmid, task);
    await endProcess(services, vmid, process, task);
  });
}

async function endProcess(
  services: GuestServices,
  vmid: number,
  target: ProcessId,
  task: TaskContext,
): Promise<void> {
  try {
    // QEMU closes the connection as it ends; that may come before its answer.
    await withQmp(services, vmid, (qmp) => qmp.execute('quit'));
  } catch {
    signalProcess(target, 'SIGTERM');
  }
  if (!(await waitForExit(target, quitTimeout))) {
    task.warn('QEMU did not end when told to; killing it');
    signalProcess(target, 'SIGKILL');
    if (!(await waitForExit(target, quitTimeout))) {
      throw new RyokanError(
        'failed',
        `QEMU process ${target.pid} of VM ${vmid} cannot be killed; is its storage hanging?`,
      );
    }
  }
  await guestEnded(services, vmid, task);
}

export interface ShutdownOptions {
  /** Seconds. */
  readonly timeout?: number | undefined;
  readonly forceStop?: boolean | undefined;
}

/** Asks the guest to shut down: by its agent where it has one, else by the ACPI power button. */
export async function shutdownGuest(
  services: GuestServices,
  vmid: number,
  options: ShutdownOptions,
  task: TaskContext,
): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    const process = guestProcess(services.paths, vmid);
    if (!process) {
      task.log(`VM ${vmid} is not running`);
      return;
    }
    const timeout = options.timeout ?? defaultShutdownTimeout;
    await preStop(services, vmid, task);
    // The connection is not held while waiting: whoever opens a console to look needs it.
    await withQmp(services, vmid, (qmp) => askToShutDown(services, vmid, qmp, task));
    if (await waitForExit(process, timeout * 1000, task.signal)) {
      await guestEnded(services, vmid, task);
    } else if (options.forceStop) {
      task.log(`the guest did not shut down within ${timeout} s; stopping it`);
      await endProcess(services, vmid, process, task);
    } else {
      throw new RyokanError(
        'failed',
        `VM quit/powerdown failed - got timeout: the guest did not shut down within ${timeout} s. Stop it, or look at its console`,
      );
    }
  });
}

async function askToShutDown(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  task: TaskContext,
): Promise<void> {
  const state = await qmp.execute<{ status: string }>('query-status');
  if (state.status === 'paused') {
    task.log('the guest is paused; resuming it, so that it can shut down');
    await qmp.execute('cont');
  }
  if (hasAgent(services, vmid)) {
    try {
      await agentCommand(qemuRunPaths(services.paths, vmid).qga, 'guest-shutdown', {}, 5000);
      task.log('asked the guest agent to shut down');
      return;
    } catch {
      task.log('the guest agent does not answer; pressing the power button');
    }
  }
  await qmp.execute('system_powerdown');
}

/** Does the configuration say that the guest has an agent? */
export function hasAgent(services: GuestServices, vmid: number): boolean {
  const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const { config } = readQemuConfig(guest.file.properties);
  return optionOf(config, 'agent', agentFields)?.enabled === true;
}

export async function resetGuest(services: GuestServices, vmid: number, task: TaskContext): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    demandRunning(services, vmid);
    await withQmp(services, vmid, (qmp) => qmp.execute('system_reset'));
  });
}

export async function suspendGuest(services: GuestServices, vmid: number, task: TaskContext): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    demandRunning(services, vmid);
    await withQmp(services, vmid, (qmp) => qmp.execute('stop'));
  });
}

export async function resumeGuest(services: GuestServices, vmid: number, task: TaskContext): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    demandRunning(services, vmid);
    await withQmp(services, vmid, async (qmp) => {
      const state = await qmp.execute<{ status: string }>('query-status');
      // After an ACPI suspend it must be woken, not continued.
      await qmp.execute(state.status === 'suspended' ? 'system_wakeup' : 'cont');
    });
  });
}

/** One task at a time works on a guest. */
export function guestLock<T>(
  services: GuestServices,
  vmid: number,
  task: { signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  return services.locks.with(`qemu-${vmid}`, work, { signal: task.signal });
}

/** The configuration's lock key, checked before an action starts. */
export function demandFree(services: GuestServices, vmid: number, skiplock = false): void {
  const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
  if (!skiplock) demandUnlocked(guest.file.properties);
}
