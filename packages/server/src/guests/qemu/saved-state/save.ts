/**
 * Saving the memory and device state of a running guest: a migration of QEMU into a volume. The guest goes on until all
 * but the last changes are saved, then it stands still. See the QMP reference, section "Migration".
 */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { commandLine } from '../../../host/procfs.ts';
import { readableSize } from '../../../storage/image-names.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestServices } from '../../guest-services.ts';
import { guestAccount } from '../guest-account.ts';
import { demandRunning } from '../power.ts';
import { nextEvent, type QmpClient, QmpError } from '../qmp-client.ts';
import { qemuRunPaths } from '../run-paths.ts';
import { StateReceiver } from './stream.ts';

/** Looks at the progress at least this often (ms): it comes with no event. */
const lookEvery = 250;
/** Milliseconds between two lines of progress in the task's log. */
const logEvery = 5_000;
/** How long the guest may stand still for its last changes (ms), as far as QEMU can tell beforehand. */
const standstill = 100;
/** Bytes a second: QEMU's own limit is made for networks. */
const noLimit = 2 ** 40;
/** Beyond the guest's memory, what is saved of a guest that changes it all the time until it is stopped (bytes). */
const patience = 200 * 1024 * 1024;

/** As query-migrate reports it. */
interface Migration {
  readonly status?: string;
  readonly ram?: { readonly transferred: number; readonly remaining: number; readonly total: number };
  readonly 'error-desc'?: string;
}

/** What a guest runs on and what it must find again when its state is loaded. */
export interface RunningHardware {
  readonly runningmachine: string;
  readonly runningcpu: string;
}

export async function runningHardware(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
): Promise<RunningHardware> {
  const { pid } = demandRunning(services, vmid);
  const type = await qmp.execute<string>('qom-get', { path: '/machine', property: 'type' });
  const args = commandLine(pid);
  const cpu = args[args.indexOf('-cpu') + 1];
  if (cpu === undefined) throw new RyokanError('failed', `QEMU process ${pid} has no argument -cpu`);
  return { runningmachine: type.replace(/-machine$/, ''), runningcpu: cpu };
}

export interface SavedState {
  /** Resolves when all of it is on disk; the guest may go on before. */
  readonly onDisk: Promise<void>;
}

/**
 * Saves the state of the guest into the volume `volid`. `still` runs while the guest stands still with all memory saved
 * and its disks still open; afterwards it stands still (state `postmigrate`) until the caller lets it go on or ends it.
 * Whoever calls has registered endSaving as undo.
 */
export async function saveState(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  volid: string,
  task: TaskContext,
  still: () => Promise<void> = async () => {},
): Promise<SavedState> {
  const socket = qemuRunPaths(services.paths, vmid).state;
  const { size } = await services.storage.info(volid);
  const receiver = await StateReceiver.open(socket, guestAccount(), await services.storage.path(volid), size);
  try {
    await prepare(qmp);
    await stopEmulated(qmp, task);
    await qmp.execute('migrate', { uri: `unix:${socket}` });
    await untilStatus(qmp, 'pre-switchover', task, saving(qmp, task));
    await still();
    task.signal.throwIfAborted();
    await qmp.execute('migrate-continue', { state: 'pre-switchover' });
    await untilStatus(qmp, 'completed', task);
    await settledStatus(qmp);
  } catch (error) {
    await receiver.close();
    // QEMU only says that its socket broke; why is known here.
    await receiver.done.catch((reason: unknown) => {
      if (reason instanceof RyokanError && reason.code === 'no-space') throw reason;
    });
    throw explained(error);
  }
  return { onDisk: receiver.done.then(() => task.log(`saved ${readableSize(receiver.bytes)} of memory`)) };
}

async function prepare(qmp: QmpClient): Promise<void> {
  await qmp.execute('migrate-set-capabilities', {
    capabilities: [
      { capability: 'events', state: true },
      { capability: 'pause-before-switchover', state: true },
    ],
  });
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': noLimit, 'downtime-limit': standstill });
}

/** QEMU writes out what it holds before it stops: a slow storage takes its time (ms). */
const stopPatience = { timeout: 600_000 };

/**
 * Without KVM a guest must not run while its memory is saved: QEMU 7.2 misses some of what an emulated CPU writes
 * meanwhile, and the guest's kernel falls over the mixture when it is loaded (seen with 2 CPUs, not with a stopped guest).
 */
async function stopEmulated(qmp: QmpClient, task: TaskContext): Promise<void> {
  const { enabled } = await qmp.execute<{ enabled: boolean }>('query-kvm');
  if (enabled) return;
  task.log('the guest runs without KVM: it stands still while its memory is saved');
  await qmp.execute('stop', {}, stopPatience);
}

/** Tells how far it is, and stops a guest that changes its memory as fast as it can be saved. */
function saving(qmp: QmpClient, task: TaskContext): (now: Migration) => Promise<void> {
  let said = Date.now();
  let stopped = false;
  return async ({ ram }) => {
    if (!ram || ram.total === 0) return;
    task.progress(1 - ram.remaining / ram.total, 'saving the memory');
    if (Date.now() - said >= logEvery) {
      said = Date.now();
      task.log(`saved ${readableSize(ram.transferred)}, ${readableSize(ram.remaining)} to go`);
    }
    if (stopped || ram.transferred < ram.total + patience) return;
    stopped = true;
    task.log('the guest changes its memory faster than it can be saved: it stands still for the rest');
    await qmp.execute('stop');
  };
}

async function untilStatus(
  qmp: QmpClient,
  wanted: string,
  task: TaskContext,
  look: (now: Migration) => Promise<void> = async () => {},
): Promise<void> {
  for (;;) {
    task.signal.throwIfAborted();
    const changed = nextEvent(qmp, 'MIGRATION', lookEvery, task.signal);
    const now = await qmp.execute<Migration>('query-migrate');
    if (now.status === wanted || isOver(now.status)) changed.cancel();
    if (now.status === wanted) return;
    if (isOver(now.status)) {
      throw new RyokanError(
        'failed',
        `saving the memory failed: ${now['error-desc'] ?? `it is ${now.status}`}`,
      );
    }
    await look(now);
    await changed.happened;
  }
}

const isOver = (status: string | undefined): boolean =>
  status === 'failed' || status === 'cancelled' || status === 'completed';

/** Some devices cannot be saved; QEMU names the device only. */
function explained(error: unknown): unknown {
  if (!(error instanceof QmpError) || error.command !== 'migrate') return error;
  return new RyokanError(
    'unsupported',
    `the memory of this guest cannot be saved: ${error.message}; take the snapshot without memory, or remove the device`,
    { cause: error },
  );
}

/** Ends the saving of a guest's state wherever it is; with `go` the guest goes on. Safe to repeat. */
export async function endSaving(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  go: boolean,
): Promise<void> {
  for (let status = await statusOf(qmp); isUnderWay(status); status = await statusOf(qmp)) {
    const changed = nextEvent(qmp, 'MIGRATION', lookEvery);
    if (status !== 'cancelling') await qmp.execute('migrate_cancel');
    await changed.happened;
  }
  const { running } = await settledStatus(qmp);
  if (go && !running) await qmp.execute('cont');
  // Of a receiver that was killed.
  await rm(qemuRunPaths(services.paths, vmid).state, { force: true });
}

/** What query-status says of a guest. */
interface RunState {
  readonly status: string;
  readonly running: boolean;
}

/** How long QEMU may take to put a migration away that has ended (ms), and how often it is asked meanwhile. */
const putAwayPatience = 30_000;
const putAwayEvery = 10;

/** The state of the guest, when the migration has ended for QEMU's own threads too: before, it refuses to go on. */
async function settledStatus(qmp: QmpClient): Promise<RunState> {
  for (const deadline = Date.now() + putAwayPatience; ; await sleep(putAwayEvery)) {
    const state = await qmp.execute<RunState>('query-status');
    if (state.status !== 'finish-migrate' || Date.now() > deadline) return state;
  }
}

const statusOf = async (qmp: QmpClient): Promise<string | undefined> =>
  (await qmp.execute<Migration>('query-migrate')).status;

const isUnderWay = (status: string | undefined): boolean =>
  status !== undefined && status !== 'none' && !isOver(status);
