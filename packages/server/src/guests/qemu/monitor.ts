/**
 * The daemon's eye on running QEMU guests: one QMP connection each, on the event socket, for as long as QEMU lives.
 * New guests are noticed when their socket appears (inotify), ended ones when the connection closes: no polling.
 */
import { EventEmitter, once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { ProcessId } from '../../host/pidfile.ts';
import { ticksPerSecond } from '../../host/procfs.ts';
import type { GuestServices } from '../guest-services.ts';
import { endedOutsideTask } from './guest-ended.ts';
import { demandRunning } from './power.ts';
import { guestProcess, isRunning, leftovers, runningGuests } from './process.ts';
import { connectQmp, type QmpClient, type QmpEvent } from './qmp-client.ts';
import { qemuRunPaths } from './run-paths.ts';

export interface RunningGuest {
  readonly vmid: number;
  readonly process: ProcessId;
  readonly qemuVersion: string;
  /** QEMU's run state: running, paused, prelaunch, io-error, … */
  qmpstatus: string;
  readonly qmp: QmpClient;
}

/** Pauses between attempts to connect to a guest that runs and does not answer (ms). */
const firstRetry = 500;
const longestRetry = 30_000;
/** How long the start of the node waits for guests to answer (ms). */
const openPatience = 3000;

/** How long a question to a guest waits for the connection to it (ms). */
const connectPatience = 10_000;

/** Events that change the run state. */
const stateEvents: ReadonlySet<string> = new Set([
  'STOP',
  'RESUME',
  'SUSPEND',
  'WAKEUP',
  'RESET',
  'GUEST_PANICKED',
  'BLOCK_IO_ERROR',
  'POWERDOWN',
]);

export class QemuMonitor {
  private readonly guests = new Map<number, RunningGuest>();
  private readonly connecting = new Set<number>();
  private watcher: FSWatcher | undefined;
  private closed = false;
  private readonly news = new EventEmitter();

  constructor(
    private readonly services: GuestServices,
    private readonly onChange: (vmid: number) => void,
  ) {}

  /** Finds the guests that run already, and watches for new ones. */
  async open(): Promise<void> {
    const { qemuRun } = this.services.paths;
    this.watcher = watch(qemuRun, (_event, name) => {
      const vmid = /^(\d+)\.(?:event|pid)$/.exec(name ?? '')?.[1];
      if (vmid !== undefined) void this.attach(Number(vmid));
    });
    this.watcher.on('error', (error) =>
      this.services.log.error({ err: error }, 'guests that start are no longer noticed'),
    );
    const found = runningGuests(this.services.paths);
    const attached = Promise.all(found.map((vmid) => this.attach(vmid)));
    // A guest that does not answer keeps the node from nothing.
    await Promise.race([attached, sleep(openPatience, undefined, { ref: false })]);
    await this.cleanUpEnded(found);
  }

  /** Guests that have ended while nobody looked. */
  private async cleanUpEnded(running: readonly number[]): Promise<void> {
    const ended = leftovers(this.services.paths).filter((vmid) => !running.includes(vmid));
    await Promise.all(ended.map((vmid) => this.cleanUp(vmid)));
  }

  get(vmid: number): RunningGuest | undefined {
    return this.guests.get(vmid);
  }

  all(): IterableIterator<RunningGuest> {
    return this.guests.values();
  }

  /**
   * The connection to a running guest. One that has just been started may not be connected yet: that is waited for.
   * Rejects with 'state' when it does not run, with 'unavailable' when it does not answer.
   */
  async connection(vmid: number): Promise<QmpClient> {
    const deadline = Date.now() + connectPatience;
    for (;;) {
      const guest = this.guests.get(vmid);
      if (guest) return guest.qmp;
      demandRunning(this.services, vmid);
      if (Date.now() >= deadline) throw notAnswering(vmid);
      await this.connected(deadline - Date.now());
    }
  }

  /** Resolves at the next connection to any guest, at the latest after `patience` ms. */
  private async connected(patience: number): Promise<void> {
    const ended = new AbortController();
    try {
      await Promise.race([
        once(this.news, 'connected', { signal: ended.signal }),
        // A guest that ends meanwhile is noticed at the next look.
        sleep(Math.min(patience, 500), undefined, { signal: ended.signal }),
      ]);
    } finally {
      ended.abort();
    }
  }

  close(): void {
    this.closed = true;
    this.watcher?.close();
    for (const guest of this.guests.values()) guest.qmp.close();
  }

  /** Connects to a guest; as long as it runs and does not answer, again and again. */
  private async attach(vmid: number): Promise<void> {
    if (this.guests.has(vmid) || this.connecting.has(vmid)) return;
    this.connecting.add(vmid);
    try {
      for (let pause = firstRetry; !this.closed && isRunning(this.services.paths, vmid); ) {
        if (await this.connect(vmid)) return;
        await sleep(pause, undefined, { ref: false });
        pause = Math.min(pause * 2, longestRetry);
      }
    } finally {
      this.connecting.delete(vmid);
    }
  }

  private async connect(vmid: number): Promise<boolean> {
    const { paths, log } = this.services;
    try {
      const qmp = await connectQmp(qemuRunPaths(paths, vmid).event, { timeout: 15_000, waitForSocket: true });
      const { major, minor, micro } = qmp.greeting.version.qemu;
      const state = { vmid, qmp, qmpstatus: '', qemuVersion: `${major}.${minor}.${micro}` };
      // Before the question: an event right behind its answer would be lost, and nothing would ask again.
      qmp.onEvent((event) => void this.onEvent(state, event));
      await refresh(state);
      // Only now: while it was waiting, one QEMU may have ended and another begun.
      const process = guestProcess(paths, vmid);
      if (!process || this.closed) {
        qmp.close();
        return false;
      }
      const guest: RunningGuest = Object.assign(state, { process });
      this.guests.set(vmid, guest);
      this.news.emit('connected');
      void qmp.closed.then(() => this.detach(guest));
      this.onChange(vmid);
      return true;
    } catch (error) {
      if (isRunning(paths, vmid))
        log.warn({ vmid, reason: messageOf(error) }, 'cannot follow a running guest');
      return false;
    }
  }

  private async onEvent(
    guest: Pick<RunningGuest, 'vmid' | 'qmp' | 'qmpstatus'>,
    event: QmpEvent,
  ): Promise<void> {
    if (!stateEvents.has(event.event)) return;
    try {
      await refresh(guest);
      this.onChange(guest.vmid);
    } catch {
      // It ended; `closed` follows.
    }
  }

  private detach(guest: RunningGuest): void {
    this.guests.delete(guest.vmid);
    if (this.closed) return;
    this.onChange(guest.vmid);
    void this.cleanUp(guest.vmid);
  }

  /** A guest that ended by itself leaves taps and sockets; a task that ended it holds the lock and cleans up itself. */
  private async cleanUp(vmid: number): Promise<void> {
    try {
      await endedOutsideTask(this.services, vmid, 600_000);
      this.onChange(vmid);
      // It has not ended, only the connection has; or it has been started again meanwhile.
      await this.attach(vmid);
    } catch (error) {
      this.services.log.warn({ vmid, reason: messageOf(error) }, 'could not clean up after a guest');
    }
  }
}

/** QEMU answers in order, so that the last answer is the state after the last event. */
async function refresh(guest: { readonly qmp: QmpClient; qmpstatus: string }): Promise<void> {
  guest.qmpstatus = (await guest.qmp.execute<{ status: string }>('query-status')).status;
}

/** Seconds since the process started. */
export function uptimeOf(process: ProcessId, hostUptime: number): number {
  return Math.max(0, Math.floor(hostUptime - process.startTime / ticksPerSecond));
}

const notAnswering = (vmid: number) =>
  new RyokanError(
    'unavailable',
    `VM ${vmid} runs, but QEMU does not answer; look at its log, and stop it when it stays so`,
    { context: { vmid } },
  );
