/**
 * A worker process: connects to the daemon, waits for a job, runs it, ends. It is loaded and connected before there
 * is a job, so that a task starts in milliseconds. It outlives the daemon and connects again when that is back. When a
 * task has ended well and others wait for a worker, the daemon gives it another one instead of letting it end.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Core, createCore } from './composition.ts';
import { rehearseStart } from './guests/qemu/rehearsal.ts';
import { dataPaths } from './host/paths.ts';
import { processStat } from './host/procfs.ts';
import { type Job, jsonLines, type ToDaemon, type ToWorker } from './tasks/messages.ts';
import { runTask } from './tasks/run-task.ts';
import type { Tasks } from './tasks/tasks.ts';

const dataDir = process.argv[2] ?? '';
const paths = dataPaths(dataDir);
let abort = new AbortController();
let job: Job | undefined;
let socket: Socket | undefined;

/** Tasks do their work themselves; what they would start as tasks of their own they call directly. */
const noTasks: Tasks = {
  start: () => Promise.reject(new Error('a worker cannot start tasks')),
  list: () => ({ rows: [], total: 0 }),
  get: () => undefined,
  log: async () => ({ lines: [], total: 0 }),
  stop: async () => {},
  wait: () => Promise.reject(new Error('a worker cannot wait for tasks')),
};

/** Opened before the job comes: this is what takes time. */
const core: Core = await createCore({
  dataDir,
  role: 'worker',
  lockOwner: () => job?.upid ?? 'worker',
  tasks: () => noTasks,
});

function tell(message: ToDaemon): void {
  if (socket?.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function connectDaemon(): Promise<boolean> {
  return new Promise((resolve) => {
    const attempt = connect(paths.workerSocket);
    attempt.once('error', () => resolve(false));
    attempt.once('connect', () => {
      socket = attempt;
      const pstart = processStat(process.pid)?.startTime ?? 0;
      tell({ type: 'hello', pid: process.pid, pstart, ...(job ? { upid: job.upid } : {}) });
      attempt.on('data', jsonLines<ToWorker>(receive));
      attempt.once('close', () => void lostDaemon());
      resolve(true);
    });
  });
}

async function lostDaemon(): Promise<void> {
  // Without a job there is nothing to do for a daemon that is gone.
  if (!job) process.exit(0);
  while (!(await connectDaemon())) await sleep(250);
}

function receive(message: ToWorker): void {
  // Without a job it was meant for the one that has just ended.
  if (message.type === 'stop') {
    if (job) abort.abort();
  } else if (!job) {
    job = message.job;
    void work(message.job);
  }
}

async function work(current: Job): Promise<void> {
  const { table, undos, db } = core;
  const entry = table.get(current.method);
  const good = await runTask(
    current,
    async (task) => {
      if (entry?.kind !== 'task') throw new Error(`'${current.method}' is not a task`);
      await entry.handler.run(current.params as never, task);
    },
    { db, logFolder: paths.taskLogs, undos, signal: abort.signal, tell },
  );
  // After a failure nobody knows what is left in this process.
  if (good && !abort.signal.aborted && socket?.writable) {
    job = undefined;
    abort = new AbortController();
    tell({ type: 'idle' });
    return;
  }
  socket?.removeAllListeners('close');
  // The daemon must have read the end before the connection closes.
  if (socket) socket.end(() => process.exit(0));
  else process.exit(0);
}

process.on('SIGTERM', () => {
  if (!job) process.exit(0);
  abort.abort();
});
process.on('SIGINT', () => {});
process.title = 'ryokan-worker';

if (!(await connectDaemon())) process.exit(1);
if (!job) {
  await rehearseStart(core.services).catch((error: unknown) =>
    core.services.log.warn({ err: error }, 'the rehearsal of a start failed'),
  );
}
