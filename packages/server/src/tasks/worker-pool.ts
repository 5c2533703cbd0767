/**
 * Worker processes and the socket they connect to. One idle worker waits as a spare, so that a task starts in
 * milliseconds; when it is taken the next one is started. Workers are their own sessions: they outlive the daemon,
 * and reconnect when it is back.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Logger } from '../host/log.ts';
import { jsonLines, type ToDaemon, type ToWorker } from './messages.ts';

export interface Worker {
  readonly pid: number;
  readonly pstart: number;
  send(message: ToWorker): void;
  /** Ends it; only while it has no job. */
  dismiss(): void;
}

export interface WorkerPoolOptions {
  readonly socket: string;
  /** Program and arguments that start a worker. */
  readonly command: readonly string[];
  readonly log: Logger;
  /** A message of a worker that runs a task, except hello. */
  readonly onMessage: (message: ToDaemon, worker: Worker) => void;
  /** A worker that runs `upid` has connected again after a restart of the daemon. */
  readonly onAdopted: (upid: string, worker: Worker) => void;
  /** How long a task waits for its worker (ms); default 2 minutes. */
  readonly patience?: number;
  /** The connection of a worker ended: its process is gone. */
  readonly onGone: (worker: Worker) => void;
}

/** Milliseconds between taking the spare and starting the next one. */
const refillDelay = 150;
/** Milliseconds until another try when a worker could not be started. */
const retryDelay = 1000;
/** Processes that start at the same time: more would only slow each other down, and the tasks that run. */
const maxStarting = Math.min(4, Math.ceil(availableParallelism() / 2));
/** Workers that short tasks can keep a machine busy with. */
const enoughForShort = availableParallelism() + 1;
/** For so long after a worker has gone from one task to the next (ms), more of the same are expected to come free. */
const reuseHolds = 1000;
/** How long workers that have run tasks wait for more of them (ms). */
const restHolds = 5000;
/** A timer may come this much too early (ms). */
const timerSlack = 20;
/** Workers at the same time, of about 60 MB each; whoever comes then waits for one to end. */
const maxWorkers = 64;
/** How long a task waits for its worker (ms): many that come at once have to wait for each other on a small machine. */
const defaultPatience = 120_000;

export class WorkerPool {
  private server: Server | undefined;
  private readonly idle: Worker[] = [];
  /** Workers that have run a task. */
  private readonly used = new WeakSet<Worker>();
  /** All that are connected, the idle ones too. */
  private readonly connected = new Set<Worker>();
  private readonly waiting: ((worker: Worker) => void)[] = [];
  private starting = 0;
  private lastReuse = Number.NEGATIVE_INFINITY;
  private closed = false;

  constructor(private readonly options: WorkerPoolOptions) {}

  async open(): Promise<void> {
    rmSync(this.options.socket, { force: true });
    this.server = createServer((socket) => this.accept(socket));
    await new Promise<void>((resolve, reject) => {
      this.server?.once('error', reject).listen(this.options.socket, resolve);
    });
    this.refill();
  }

  /** A worker of the caller's own; the spare when there is one. Rejects with 'failed' when none comes in time. */
  take(): Promise<Worker> {
    const spare = this.idle.shift();
    // The next spare starts a little later: the task comes first, and starting Node.js keeps a core busy.
    if (spare) {
      this.refillIn(refillDelay);
      return Promise.resolve(spare);
    }
    return new Promise<Worker>((resolve, reject) => {
      const waiter = (worker: Worker) => {
        clearTimeout(timer);
        resolve(worker);
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(noWorker(this.connected.size));
      }, this.options.patience ?? defaultPatience);
      this.waiting.push(waiter);
      this.refill();
    });
  }

  close(): void {
    this.closed = true;
    this.server?.close();
    // An idle worker ends when its connection does; busy ones go on and reconnect.
    for (const worker of this.idle) worker.dismiss();
  }

  private refillIn(delay: number): void {
    if (!this.closed) setTimeout(() => this.refill(), delay).unref();
  }

  private refill(): void {
    const wanted = this.waiting.length + 1;
    // Starting a process takes longer than a short task, and takes its time away from those that run.
    const short = performance.now() - this.lastReuse < reuseHolds;
    const most = short && this.waiting.length > 0 ? enoughForShort : maxWorkers;
    const room = () => this.starting < maxStarting && this.connected.size + this.starting < most;
    while (!this.closed && this.idle.length + this.starting < wanted && room()) this.startOne();
    // Who waits behind tasks that turn out to be long needs a worker of its own after all.
    if (most === enoughForShort) this.refillIn(reuseHolds);
  }

  private startOne(): void {
    const [program, ...args] = this.options.command as [string, ...string[]];
    this.starting++;
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      this.starting--;
      this.options.log.error({ err: error }, 'could not start a worker');
      this.refillIn(retryDelay);
    });
    child.on('exit', (code, signal) => {
      if (this.pendingPids.delete(child.pid ?? -1)) {
        this.starting--;
        this.options.log.error({ code, signal }, 'a worker ended before it was ready');
        this.refillIn(retryDelay);
      }
    });
    if (child.pid !== undefined) this.pendingPids.add(child.pid);
    child.unref();
  }

  /** Started, but not connected yet. */
  private readonly pendingPids = new Set<number>();

  private accept(socket: Socket): void {
    let worker: Worker | undefined;
    socket.on('error', () => socket.destroy());
    socket.on(
      'data',
      jsonLines<ToDaemon>((message) => {
        if (message.type === 'hello') {
          worker = this.welcome(socket, message);
        } else if (worker && message.type === 'idle') this.idleAgain(worker);
        else if (worker) this.options.onMessage(message, worker);
      }),
    );
    socket.on('close', () => {
      if (!worker) return;
      this.connected.delete(worker);
      const spare = this.idle.indexOf(worker);
      if (spare >= 0) this.idle.splice(spare, 1);
      else this.options.onGone(worker);
      this.refillIn(spare >= 0 ? retryDelay : refillDelay);
    });
  }

  /** One process for many short tasks that follow each other; when none has come for a while, a new one is the spare. */
  private idleAgain(worker: Worker): void {
    this.lastReuse = performance.now();
    const waiter = this.waiting.shift();
    if (waiter) return waiter(worker);
    if (this.idle.length >= enoughForShort) return worker.dismiss();
    this.used.add(worker);
    this.idle.push(worker);
    setTimeout(() => this.trim(), restHolds).unref();
  }

  /** After a burst: what tasks have left in memory goes with their processes. */
  private trim(): void {
    if (this.closed || performance.now() - this.lastReuse < restHolds - timerSlack) return;
    // Without one there is nothing to exchange, and how many may start is for refill alone to say.
    if (!this.idle.some((worker) => this.used.has(worker))) return;
    const fresh = this.idle.find((worker) => !this.used.has(worker));
    // A task that comes now must not wait for the new one.
    if (!fresh && this.starting === 0) this.startOne();
    const kept = [fresh ?? this.idle[0]].filter((worker) => worker !== undefined);
    const rest = this.idle.filter((worker) => !kept.includes(worker));
    this.idle.splice(0, this.idle.length, ...kept);
    for (const worker of rest) worker.dismiss();
  }

  private welcome(socket: Socket, hello: ToDaemon & { type: 'hello' }): Worker {
    const worker: Worker = {
      pid: hello.pid,
      pstart: hello.pstart,
      send: (message) => socket.write(`${JSON.stringify(message)}\n`),
      // Without a job it ends when its connection does.
      dismiss: () => socket.destroy(),
    };
    this.connected.add(worker);
    if (this.pendingPids.delete(hello.pid)) this.starting--;
    if (hello.upid !== undefined) {
      this.options.onAdopted(hello.upid, worker);
      return worker;
    }
    const waiter = this.waiting.shift();
    if (waiter) waiter(worker);
    else this.idle.push(worker);
    this.refill();
    this.trim();
    return worker;
  }
}

function noWorker(present: number): RyokanError {
  const reason =
    present >= maxWorkers
      ? `${present} tasks run already; wait until some of them have ended`
      : 'no process for it could be started; the log of the daemon says why';
  return new RyokanError('failed', `got no worker upid - the task was not started: ${reason}`);
}
