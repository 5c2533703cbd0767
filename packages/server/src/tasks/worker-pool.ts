/**
 * Worker processes and the socket they connect to. One idle worker waits as a spare, so that a task starts in
 * milliseconds; when it is taken the next one is started. Workers are their own sessions: they outlive the daemon,
 * and reconnect when it is back.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../host/log.ts';
import { jsonLines, type ToDaemon, type ToWorker } from './messages.ts';

export interface Worker {
  readonly pid: number;
  readonly pstart: number;
  send(message: ToWorker): void;
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
  /** The connection of a worker ended: its process is gone. */
  readonly onGone: (worker: Worker) => void;
}

/** Milliseconds between taking the spare and starting the next one. */
const refillDelay = 150;

export class WorkerPool {
  private server: Server | undefined;
  private readonly idle: Worker[] = [];
  private readonly waiting: ((worker: Worker) => void)[] = [];
  private starting = 0;
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

  /** A worker of the caller's own; the spare when there is one. */
  take(): Promise<Worker> {
    const spare = this.idle.shift();
    const worker = spare
      ? Promise.resolve(spare)
      : new Promise<Worker>((resolve) => this.waiting.push(resolve));
    // The next spare starts a little later: the task comes first, and starting Node.js keeps a core busy.
    if (spare) setTimeout(() => this.refill(), refillDelay).unref();
    else this.refill();
    return worker;
  }

  close(): void {
    this.closed = true;
    this.server?.close();
    // An idle worker ends when its connection does; busy ones go on and reconnect.
    for (const worker of this.idle) process.kill(worker.pid, 'SIGTERM');
  }

  private refill(): void {
    const wanted = this.waiting.length + 1;
    while (!this.closed && this.idle.length + this.starting < wanted) this.startOne();
  }

  private startOne(): void {
    const [program, ...args] = this.options.command as [string, ...string[]];
    this.starting++;
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      this.starting--;
      this.options.log.error({ err: error }, 'could not start a worker');
    });
    child.on('exit', (code, signal) => {
      if (this.pendingPids.delete(child.pid ?? -1)) {
        this.starting--;
        this.options.log.error({ code, signal }, 'a worker ended before it was ready');
        if (!this.closed) setTimeout(() => this.refill(), 1000).unref();
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
        } else if (worker) this.options.onMessage(message, worker);
      }),
    );
    socket.on('close', () => {
      if (!worker) return;
      const spare = this.idle.indexOf(worker);
      if (spare >= 0) this.idle.splice(spare, 1);
      else this.options.onGone(worker);
    });
  }

  private welcome(socket: Socket, hello: ToDaemon & { type: 'hello' }): Worker {
    const worker: Worker = {
      pid: hello.pid,
      pstart: hello.pstart,
      send: (message) => socket.write(`${JSON.stringify(message)}\n`),
    };
    if (this.pendingPids.delete(hello.pid)) this.starting--;
    if (hello.upid !== undefined) {
      this.options.onAdopted(hello.upid, worker);
      return worker;
    }
    const waiter = this.waiting.shift();
    if (waiter) waiter(worker);
    else this.idle.push(worker);
    return worker;
  }
}
