/** The daemon's side of tasks: starts them in workers, follows them, and cleans up after dead ones. */
import { rm } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Method, ParamsOf } from '@ryokan/api/method.ts';
import { formatUpid } from '@ryokan/api/schema/upid.ts';
import { demandReal, rehearsed } from '../cluster/rehearsal.ts';
import type { Logger } from '../host/log.ts';
import { isAlive, processStat } from '../host/procfs.ts';
import type { ToDaemon } from './messages.ts';
import { inlinePrefix, type NodeDb, type UndoRecord } from './node-db.ts';
import { endGroup } from './process-group.ts';
import { readTaskLog, TaskLogWriter, taskLogPath } from './task-log.ts';
import type { TaskFilter, TaskRow, Tasks } from './tasks.ts';
import type { UndoTable } from './undo.ts';
import { type Worker, WorkerPool } from './worker-pool.ts';

export interface TaskManagerOptions {
  readonly node: string;
  readonly db: NodeDb;
  readonly logFolder: string;
  readonly socket: string;
  readonly workerCommand: readonly string[];
  /** See WorkerPoolOptions. */
  readonly patience?: number;
  readonly undos: UndoTable;
  readonly log: Logger;
  /** A task has begun, ended, or come further. */
  readonly onTask: (row: TaskRow) => void;
  /** It has begun or ended: once for each. */
  readonly onBeginOrEnd?: (row: TaskRow) => void;
  readonly onLog: (row: TaskRow, line: { n: number; t: string }) => void;
}

interface Running {
  row: TaskRow;
  worker: Worker | undefined;
  /** How a task that lives in the daemon is stopped. */
  readonly stop?: (status: string) => void;
  readonly waiters: ((row: TaskRow) => void)[];
}

/** Ended tasks that stay in the index. */
const keptTasks = 5000;
/** The index is cut back after as many ends of tasks. */
const trimEvery = 500;
/** How long a worker may take to connect again after a restart of the daemon (ms). */
const adoptWithin = 5000;
/** Exit status of a task that somebody has stopped, and of one whose daemon went down. */
const interrupted = 'interrupted by signal';
const daemonEnded = 'the node was stopped';

const now = (): number => Math.floor(Date.now() / 1000);

export class TaskManager implements Tasks {
  private readonly running = new Map<string, Running>();
  private readonly pool: WorkerPool;
  private endedSinceTrim = 0;

  constructor(private readonly options: TaskManagerOptions) {
    this.pool = new WorkerPool({
      socket: options.socket,
      command: options.workerCommand,
      log: options.log,
      ...(options.patience === undefined ? {} : { patience: options.patience }),
      onMessage: (message) => this.receive(message),
      onAdopted: (upid, worker) => this.adopt(upid, worker),
      onGone: (worker) => this.inBackground(this.workerGone(worker)),
    });
  }

  /** Finds the tasks that outlived the daemon, cleans up after those that did not, and readies the spare worker. */
  async open(): Promise<void> {
    const { db } = this.options;
    db.endInline(daemonEnded, now());
    const dead: TaskRow[] = [];
    for (const row of db.running()) {
      if (isAlive(row.pid, row.pstart)) this.running.set(row.upid, { row, worker: undefined, waiters: [] });
      else dead.push(row);
    }
    await this.pool.open();
    for (const row of dead) await this.bury(row);
    this.lookForStrangers();
    await this.trim();
  }

  async start<M extends Method>(
    method: M,
    params: ParamsOf<M>,
    user: string,
    undo: readonly UndoRecord[] = [],
  ): Promise<string> {
    demandReal(`the start of a task of ${method.id}`);
    const declared = method.task;
    if (!declared) throw new Error(`method ${method.id} is not a task`);
    const values = params as Record<string, unknown>;
    const id = declared.id === undefined ? '' : String(values[declared.id] ?? '');
    const { worker, row } = await this.prepare(declared.type, id, user, method.id, undo);
    this.running.set(row.upid, { row, worker, waiters: [] });
    worker.send({ type: 'job', job: { upid: row.upid, method: method.id, params: values, user } });
    this.options.onTask(row);
    return row.upid;
  }

  /** A worker and the task's row in the index; when that fails, what the caller changed before is taken back. */
  private async prepare(
    type: string,
    id: string,
    user: string,
    method: string,
    undo: readonly UndoRecord[],
  ): Promise<{ worker: Worker; row: TaskRow }> {
    let worker: Worker | undefined;
    try {
      worker = await this.pool.take();
      const row = this.register(type, id, user, worker, method);
      for (const one of undo) this.options.db.addUndo(row.upid, one);
      return { worker, row };
    } catch (error) {
      worker?.dismiss();
      await this.takeBack(undo);
      throw error;
    }
  }

  /** What was changed in preparation of a task that could not be started. */
  private async takeBack(undo: readonly UndoRecord[]): Promise<void> {
    for (const one of [...undo].reverse()) {
      await this.options.undos
        .run(one)
        .catch((error: unknown) => this.options.log.error({ err: error, undo: one.name }, 'undo failed'));
    }
  }

  /**
   * A task that lives in the daemon and does no work of its own, such as an open console. `onStop` is called when
   * somebody stops it; the task has ended by then.
   */
  inline(
    type: string,
    id: string,
    user: string,
    onStop: () => void,
  ): { upid: string; end(status: string): void } {
    demandReal(`a task ${type}`);
    const pstart = processStat(process.pid)?.startTime ?? 0;
    const row = this.register(type, id, user, { pid: process.pid, pstart }, `${inlinePrefix}${type}`);
    const end = (status: string) => {
      if (this.options.db.endTask(row.upid, status, now())) this.ended(task);
    };
    const stop = (status: string) => {
      end(status);
      onStop();
    };
    const task: Running = { row, worker: undefined, stop, waiters: [] };
    this.running.set(row.upid, task);
    this.options.onTask(row);
    return { upid: row.upid, end };
  }

  list(filter: TaskFilter = {}): { rows: TaskRow[]; total: number } {
    const { rows, total } = this.options.db.list(filter);
    return { rows: rows.map((row) => this.running.get(row.upid)?.row ?? row), total };
  }

  get(upid: string): TaskRow | undefined {
    return this.running.get(upid)?.row ?? this.options.db.task(upid);
  }

  async log(upid: string, start: number, limit: number): Promise<{ lines: string[]; total: number }> {
    const lines = readTaskLog(this.options.logFolder, upid);
    return { lines: lines.slice(start, limit === 0 ? undefined : start + limit), total: lines.length };
  }

  async stop(upid: string): Promise<void> {
    const task = this.running.get(upid);
    if (!task || rehearsed(`stops the task ${upid}`)) return;
    if (task.stop) task.stop(interrupted);
    else if (task.worker) task.worker.send({ type: 'stop' });
    // After a restart of the daemon, before the worker has connected again.
    else if (isAlive(task.row.pid, task.row.pstart)) process.kill(task.row.pid, 'SIGTERM');
  }

  wait(upid: string, signal?: AbortSignal): Promise<TaskRow> {
    const task = this.running.get(upid);
    if (!task) {
      const row = this.options.db.task(upid);
      return row
        ? Promise.resolve(row)
        : Promise.reject(new RyokanError('not-found', `no such task '${upid}'`));
    }
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      task.waiters.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  close(): void {
    this.pool.close();
    for (const task of [...this.running.values()]) task.stop?.(daemonEnded);
  }

  /** Puts a new task into the index. UPIDs of one process and second differ in their counter of the start time. */
  private register(
    type: string,
    id: string,
    user: string,
    process: { pid: number; pstart: number },
    method: string,
  ): TaskRow {
    const { node, db } = this.options;
    const { pid, pstart } = process;
    let starttime = now();
    let upid = formatUpid({ node, pid, pstart, starttime, type, id, user });
    while (db.task(upid)) upid = formatUpid({ node, pid, pstart, starttime: ++starttime, type, id, user });
    const row: TaskRow = { upid, node, pid, pstart, starttime, type, id, user };
    db.insertTask(row, method);
    this.options.onBeginOrEnd?.(row);
    return row;
  }

  private receive(message: ToDaemon): void {
    if (message.type === 'hello' || message.type === 'idle') return;
    const task = this.running.get(message.upid);
    if (!task) return;
    if (message.type === 'log') this.options.onLog(task.row, { n: message.n, t: message.line });
    else if (message.type === 'progress') {
      const { fraction, note } = message;
      task.row = { ...task.row, progress: fraction, ...(note === undefined ? {} : { note }) };
      this.options.onTask(task.row);
    } else this.ended(task);
  }

  private ended(task: Running): void {
    const row = this.options.db.task(task.row.upid) ?? task.row;
    this.running.delete(row.upid);
    this.options.onTask(row);
    this.options.onBeginOrEnd?.(row);
    for (const resolve of task.waiters) resolve(row);
    if (++this.endedSinceTrim >= trimEvery) this.inBackground(this.trim());
  }

  private async trim(): Promise<void> {
    this.endedSinceTrim = 0;
    for (const upid of this.options.db.trim(keptTasks)) {
      await rm(taskLogPath(this.options.logFolder, upid), { force: true });
    }
  }

  private adopt(upid: string, worker: Worker): void {
    const task = this.running.get(upid);
    if (task) task.worker = worker;
  }

  private async workerGone(worker: Worker): Promise<void> {
    for (const task of this.running.values()) {
      if (task.worker === worker) await this.bury(task.row);
    }
  }

  /** Tasks whose worker was alive at start but has not connected, as long as there are any: did they end meanwhile? */
  private lookForStrangers(): void {
    const strangers = () => [...this.running.values()].filter((task) => !task.worker && !task.stop);
    if (strangers().length === 0) return;
    setTimeout(() => this.inBackground(look()), adoptWithin).unref();
    const look = async () => {
      for (const { row } of strangers()) if (!isAlive(row.pid, row.pstart)) await this.bury(row);
      this.lookForStrangers();
    };
  }

  /** What fails here (a full disk) is told in the log; the daemon serves on. */
  private inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.options.log.error({ err: error }, 'cleaning up after tasks failed'));
  }

  /** Ends a task whose worker is gone: locks are free (their owner is dead), changes are taken back. */
  private async bury(row: TaskRow): Promise<void> {
    const { db, undos, logFolder } = this.options;
    if (db.task(row.upid)?.endtime === undefined) {
      const writer = new TaskLogWriter(logFolder, row.upid);
      await endGroup(row.pid, row.pstart);
      await undos.runAll(db, row.upid, (line) => writer.line(line));
      const status = 'the worker process ended unexpectedly';
      writer.line(`TASK ERROR: ${status}`);
      db.endTask(row.upid, status, now());
    }
    this.ended(this.running.get(row.upid) ?? { row, worker: undefined, waiters: [] });
  }
}
