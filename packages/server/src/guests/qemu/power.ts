/** Ending, pausing and resetting a running QEMU guest. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { agentFields } from '@ryokan/api/schema/qemu-options.ts';
import type { ProcessId } from '../../host/pidfile.ts';
import { isAlive } from '../../host/procfs.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { guestEnded } from '../guest-ended.ts';
import { guestLock as lockGuest } from '../guest-lock.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, salvageGuest } from '../guest-store.ts';
import { preStop } from '../hookscript.ts';
import { optionOf, readQemuConfig } from './config.ts';
import { notAnswering } from './guest-warning.ts';
import { qemuKind } from './kind.ts';
import { guestProcess, isRunning, signalProcess, waitForExit } from './process.ts';
import { connectQmp, type QmpClient } from './qmp-client.ts';
import { qemuRunPaths } from './run-paths.ts';

/** How long QEMU may take to end after it was told to: by a command, or by a signal because it does not answer (ms). */
const quitTimeout = 10_000;
const signalTimeout = 5_000;

export function demandRunning(services: GuestServices, vmid: number): ProcessId {
  const process = guestProcess(services.paths, vmid);
  if (!process) throw new RyokanError('state', `VM ${vmid} not running`, { context: { vmid } });
  return process;
}

/**
 * Runs `work` with a QMP connection to the guest. Rejects with 'unavailable' when its QEMU does not answer, and with what
 * to do then.
 */
export async function withQmp<T>(
  services: GuestServices,
  vmid: number,
  work: (qmp: QmpClient) => Promise<T>,
): Promise<T> {
  const qmp = await connectQmp(qemuRunPaths(services.paths, vmid).qmp).catch((cause: unknown) => {
    const process = guestProcess(services.paths, vmid);
    throw process ? notAnswering(vmid, process, cause) : cause;
  });
  try {
    return await work(qmp);
  } finally {
    qmp.close();
  }
}

/** Runs `work` with QEMU's connection, or with none when the guest does not run. */
export function withQmpIfRunning<T>(
  services: GuestServices,
  vmid: number,
  work: (qmp: QmpClient | undefined) => Promise<T>,
): Promise<T> {
  return isRunning(services.paths, vmid) ? withQmp(services, vmid, work) : work(undefined);
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

/** Ends a QEMU: by command, by signal when it does not answer, by force when that does not help. */
export async function endProcess(
  services: GuestServices,
  vmid: number,
  target: ProcessId,
  task: Pick<TaskContext, 'log' | 'warn'>,
): Promise<void> {
  if (!(await waitForExit(target, await askToQuit(services, vmid, target, task)))) {
    task.warn('QEMU did not end when told to; killing it');
    signalProcess(target, 'SIGKILL');
    if (!(await waitForExit(target, quitTimeout))) {
      throw new RyokanError(
        'failed',
        `QEMU process ${target.pid} of VM ${vmid} cannot be killed; is its storage hanging?`,
      );
    }
  }
  await guestEnded(services, qemuKind, vmid, task);
}

/** Tells QEMU to end; how long it may take for that (ms). */
async function askToQuit(
  services: GuestServices,
  vmid: number,
  target: ProcessId,
  task: Pick<TaskContext, 'log'>,
): Promise<number> {
  try {
    await withQmp(services, vmid, (qmp) => qmp.execute('quit', {}, { timeout: signalTimeout }));
    return quitTimeout;
  } catch (error) {
    // QEMU closes the connection as it ends; that may come before its answer.
    if (!isAlive(target.pid, target.startTime)) return quitTimeout;
    task.log(messageOf(error));
    signalProcess(target, 'SIGTERM');
    return signalTimeout;
  }
}

/** Does the configuration, or what can be read of it, say that the guest has an agent? */
export function hasAgent(services: GuestServices, vmid: number): boolean {
  const guest = salvageGuest(services.store, 'qemu', services.settings.node, vmid);
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
  return lockGuest(services, 'qemu', vmid, task, work);
}

/** The configuration's lock key, checked before an action starts that a damaged configuration must not hinder. */
export function demandFree(services: GuestServices, vmid: number, skiplock = false): void {
  const guest = salvageGuest(services.store, 'qemu', services.settings.node, vmid);
  if (!skiplock) demandUnlocked(guest.file.properties);
}
