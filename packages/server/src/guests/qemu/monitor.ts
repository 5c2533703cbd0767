/**
 * The daemon's eye on running QEMU guests: one QMP connection each, on the event socket, for as long as QEMU lives.
 * New guests are noticed when their socket appears (inotify), ended ones when the connection closes: no polling.
 */
import { EventEmitter, once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@ryokan/api/errors.ts';
import { demandReal } from '../../cluster/rehearsal.ts';
import type { ProcessId } from '../../host/pidfile.ts';
import { endedOutsideTask } from '../guest-ended.ts';
import type { GuestServices } from '../guest-services.ts';
import { crashText, notAnswering, silenceText } from './guest-warning.ts';
import { answerPatience, GuestWatch } from './guest-watch.ts';
import { watchHelpers } from './helper-watch.ts';
import { qemuKind } from './kind.ts';
import { demandRunning } from './power.ts';
import {
  guestProcess,
  isRunning,
  lastWords,
  leftovers,
  logSize,
  runningGuests,
  waitForExit,
} from './process.ts';
import { connectQmp, type QmpClient } from './qmp-client.ts';
import { qemuRunPaths } from './run-paths.ts';

export interface RunningGuest {
  readonly vmid: number;
  readonly process: ProcessId;
  /** Undefined as long as QEMU has not answered once, as of a halted one after a restart of the daemon. */
  readonly watch: GuestWatch | undefined;
}

/** Pauses between attempts to connect to a guest that runs and does not answer (ms). */
const firstRetry = 500;
const longestRetry = 5_000;
/** How long a guest that has just been started may take until its state is known, for one who asks (ms). */
const settlePatience = 1000;
/** How long the start of the node waits for guests to answer (ms). */
const openPatience = 3000;
/** How often each guest is asked whether it is well (ms): a hanging QEMU tells nobody. */
const lookEvery = 5_000;

/** How long after its last connection a QEMU may still be there (ms). */
const exitPatience = 2_000;

/** How long a guest may take to end after what serves it has (ms). */
const helperGrace = 1_000;

/** How long a question to a guest waits for the connection to it (ms). */
const connectPatience = 10_000;

export class QemuMonitor {
  private readonly guests = new Map<number, RunningGuest>();
  private readonly connecting = new Set<number>();
  /** How guests ended that nobody had ended, until they run again. */
  private readonly crashes = new Map<number, string>();
  private watcher: FSWatcher | undefined;
  private lookTimer: NodeJS.Timeout | undefined;
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
    this.lookTimer = setInterval(() => this.lookAtAll(), lookEvery);
    const found = runningGuests(this.services.paths);
    const attached = Promise.all(found.map((vmid) => this.attach(vmid)));
    // A guest that does not answer keeps the node from nothing.
    await Promise.race([attached, sleep(openPatience, undefined, { ref: false })]);
    await this.cleanUpEnded(found);
  }

  private lookAtAll(): void {
    for (const { watch } of this.guests.values()) watch?.look().catch(() => {});
  }

  /** Guests that have ended while nobody looked. */
  private async cleanUpEnded(running: readonly number[]): Promise<void> {
    const ended = leftovers(this.services.paths).filter((vmid) => !running.includes(vmid));
    await Promise.all(ended.map((vmid) => this.cleanUp(vmid)));
  }

  get(vmid: number): RunningGuest | undefined {
    return this.guests.get(vmid);
  }

  /** As `get`, but waits a moment for one that runs and is not connected yet: its start has ended, somebody asks at once. */
  async settled(vmid: number): Promise<RunningGuest | undefined> {
    const deadline = Date.now() + settlePatience;
    while (!this.guests.has(vmid) && isRunning(this.services.paths, vmid) && Date.now() < deadline)
      await this.connected(deadline - Date.now());
    return this.guests.get(vmid);
  }

  all(): IterableIterator<RunningGuest> {
    return this.guests.values();
  }

  /** What keeps a guest from working, or how it ended when nobody had ended it; with what to do. */
  warning(vmid: number): string | undefined {
    const guest = this.guests.get(vmid);
    if (!guest) return this.crashes.get(vmid);
    return guest.watch ? guest.watch.warning : silenceText(guest.process);
  }

  /**
   * The connection to a running guest. One that has just been started may not be connected yet: that is waited for.
   * Rejects with 'state' when it does not run, with 'unavailable' when it does not answer.
   */
  async connection(vmid: number): Promise<QmpClient> {
    demandReal(`a command to VM ${vmid}`);
    const deadline = Date.now() + connectPatience;
    for (;;) {
      const guest = this.guests.get(vmid);
      if (guest && (!guest.watch || guest.watch.silent)) throw notAnswering(vmid, guest.process);
      if (guest?.watch) return guest.watch.qmp;
      const process = demandRunning(this.services, vmid);
      if (Date.now() >= deadline) throw notAnswering(vmid, process);
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
    clearInterval(this.lookTimer);
    for (const guest of this.guests.values()) guest.watch?.qmp.close();
  }

  /** Connects to a guest; as long as it runs and does not answer, again and again. */
  private async attach(vmid: number): Promise<void> {
    if (this.guests.get(vmid)?.watch || this.connecting.has(vmid)) return;
    this.connecting.add(vmid);
    const { paths } = this.services;
    let late: NodeJS.Timeout | undefined;
    // Meanwhile one QEMU may end and another begin, which has its own while.
    const expectAnswer = (of: ProcessId | undefined) => {
      late = setTimeout(() => {
        const now = guestProcess(paths, vmid);
        if (now && now.pid === of?.pid && now.startTime === of.startTime) this.showSilent(vmid);
        else expectAnswer(now);
      }, answerPatience);
    };
    expectAnswer(guestProcess(paths, vmid));
    try {
      for (let pause = firstRetry; !this.closed && isRunning(paths, vmid); ) {
        if (await this.connect(vmid)) return;
        await sleep(pause, undefined, { ref: false });
        pause = Math.min(pause * 2, longestRetry);
      }
    } finally {
      clearTimeout(late);
      this.connecting.delete(vmid);
    }
    const silent = this.guests.get(vmid);
    if (silent) this.detach(silent);
  }

  /** A guest that runs and has never answered is shown all the same. */
  private showSilent(vmid: number): void {
    const process = guestProcess(this.services.paths, vmid);
    if (!process || this.closed) return;
    this.guests.set(vmid, { vmid, process, watch: undefined });
    this.services.log.warn({ vmid, reason: silenceText(process) }, 'a guest does not answer');
    this.onChange(vmid);
  }

  private async connect(vmid: number): Promise<boolean> {
    const { paths, log } = this.services;
    try {
      const qmp = await connectQmp(qemuRunPaths(paths, vmid).event, { timeout: 15_000, waitForSocket: true });
      // It listens before it asks: an event right behind the answer would be lost, and nothing would ask again.
      const watch = new GuestWatch(this.services, vmid, qmp, () => this.onChange(vmid));
      const logStart = logSize(paths, vmid);
      watch.ask();
      await watch.look();
      // Only now: while it was waiting, one QEMU may have ended and another begun.
      const process = guestProcess(paths, vmid);
      if (!process || this.closed) {
        qmp.close();
        return false;
      }
      const guest: RunningGuest = { vmid, process, watch };
      this.guests.set(vmid, guest);
      this.crashes.delete(vmid);
      this.news.emit('connected');
      const unwatch = watchHelpers(paths, vmid, (problem) => void this.helperEnded(watch, problem));
      void qmp.closed.then(() => {
        unwatch();
        return this.lost(guest, watch, logStart);
      });
      this.onChange(vmid);
      return true;
    } catch (error) {
      if (isRunning(paths, vmid))
        log.warn({ vmid, reason: messageOf(error) }, 'cannot follow a running guest');
      return false;
    }
  }

  /** What serves a guest ends with it, too: a moment later that shows. */
  private async helperEnded(watch: GuestWatch, problem: string): Promise<void> {
    const ending = watch.qmp.closed.then(() => true);
    if (!(await Promise.race([ending, sleep(helperGrace, false, { ref: false })])))
      watch.helperEnded(problem);
  }

  /** The connection has ended, and QEMU with it or a moment later. */
  private async lost(guest: RunningGuest, watch: GuestWatch, logStart: number): Promise<void> {
    const gone = this.closed || (await waitForExit(guest.process, exitPatience));
    // QEMU says beforehand that it ends, also when a signal asks it to; one that is silent is killed by people.
    if (gone && !this.closed && !watch.ending && !watch.silent) this.noteCrash(guest.vmid, logStart);
    this.detach(guest);
  }

  private noteCrash(vmid: number, logStart: number): void {
    const text = crashText(new Date(), lastWords(this.services.paths, vmid, logStart));
    this.crashes.set(vmid, text);
    this.services.log.warn({ vmid, reason: text }, 'a guest has crashed');
  }

  private detach(guest: RunningGuest): void {
    if (this.guests.get(guest.vmid) === guest) this.guests.delete(guest.vmid);
    if (this.closed) return;
    this.onChange(guest.vmid);
    void this.cleanUp(guest.vmid);
  }

  /** A guest that ended by itself leaves taps and sockets; a task that ended it holds the lock and cleans up itself. */
  private async cleanUp(vmid: number): Promise<void> {
    try {
      await endedOutsideTask(this.services, qemuKind, vmid, 600_000);
      this.onChange(vmid);
      // It has not ended, only the connection has; or it has been started again meanwhile.
      await this.attach(vmid);
    } catch (error) {
      this.services.log.warn({ vmid, reason: messageOf(error) }, 'could not clean up after a guest');
    }
  }
}
