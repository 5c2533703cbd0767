/** Asking a guest to shut down, and what happens when it does not. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { ProcessId } from '../../host/pidfile.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { guestEnded } from '../guest-ended.ts';
import type { GuestServices } from '../guest-services.ts';
import { preStop } from '../hookscript.ts';
import { withGuestAgent } from './agent.ts';
import { qemuKind } from './kind.ts';
import { endProcess, guestLock, hasAgent, withQmp } from './power.ts';
import { guestProcess, waitForExit } from './process.ts';
import type { QmpClient } from './qmp-client.ts';

/** Seconds that a guest gets to shut down when nothing else is said. */
const defaultTimeout = 180;
/** How long other users of the guest agent, and the agent itself, are waited for (ms). */
const agentPatience = 5_000;

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
    await preStop(services, vmid, task);
    const problem = await shutDown(services, vmid, process, options.timeout ?? defaultTimeout, task);
    if (problem === undefined) {
      await guestEnded(services, qemuKind, vmid, task);
    } else if (options.forceStop) {
      task.log(`${problem.message}; stopping it`);
      await endProcess(services, vmid, process, task);
    } else throw problem;
  });
}

/** Undefined when the guest is down; else why it is not. Rejects when the task is stopped. */
async function shutDown(
  services: GuestServices,
  vmid: number,
  process: ProcessId,
  timeout: number,
  task: TaskContext,
): Promise<RyokanError | undefined> {
  try {
    // The connection is not held while waiting: whoever opens a console to look needs it.
    await withQmp(services, vmid, (qmp) => ask(services, vmid, qmp, task));
  } catch (cause) {
    if (!guestProcess(services.paths, vmid)) return undefined;
    return new RyokanError('failed', `VM quit/powerdown failed - ${messageOf(cause)}`, { cause });
  }
  if (await waitForExit(process, timeout * 1000, task.signal)) return undefined;
  return new RyokanError(
    'failed',
    `VM quit/powerdown failed - got timeout: the guest did not shut down within ${timeout} s. Stop it, or look at its console`,
  );
}

async function ask(services: GuestServices, vmid: number, qmp: QmpClient, task: TaskContext): Promise<void> {
  const state = await qmp.execute<{ status: string }>('query-status');
  if (state.status === 'paused') {
    task.log('the guest is paused; resuming it, so that it can shut down');
    await qmp.execute('cont');
  }
  if (hasAgent(services, vmid) && (await askAgent(services, vmid, qmp, task))) return;
  await qmp.execute('system_powerdown');
}

/** In the queue of the agent's users: a command of somebody else is not broken off. */
async function askAgent(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  task: TaskContext,
): Promise<boolean> {
  try {
    await withGuestAgent(
      services,
      vmid,
      (agent) => agent.call('guest-shutdown', {}, { timeout: agentPatience, signal: task.signal }),
      { patience: agentPatience, signal: task.signal, qmp: async () => qmp },
    );
    task.log('asked the guest agent to shut down');
    return true;
  } catch (error) {
    task.signal.throwIfAborted();
    task.log(`${messageOf(error)}; pressing the power button`);
    return false;
  }
}
