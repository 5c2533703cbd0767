/** Runs one task to its end inside a worker process: context, log, undo on failure, exit status. */
import { messageOf } from '@ryokan/api/errors.ts';
import type { Job, ToDaemon } from './messages.ts';
import type { NodeDb } from './node-db.ts';
import type { TaskContext } from './task.ts';
import { TaskLogWriter } from './task-log.ts';
import type { UndoTable } from './undo.ts';

export interface RunTaskOptions {
  readonly db: NodeDb;
  readonly logFolder: string;
  readonly undos: UndoTable;
  readonly signal: AbortSignal;
  /** Tells the daemon; must not throw. */
  readonly tell: (message: ToDaemon) => void;
}

/** At most this many progress messages a second go to the daemon. */
const progressEvery = 100;

/** Never throws: the status says how it went. Resolves with true when it went well. */
export async function runTask(
  job: Job,
  work: (task: TaskContext) => Promise<void>,
  options: RunTaskOptions,
): Promise<boolean> {
  const { db, undos, tell } = options;
  const { upid } = job;
  const writer = new TaskLogWriter(options.logFolder, upid);
  let lines = 0;
  const log = (line: string) => {
    for (const one of line.split('\n')) {
      writer.line(one);
      tell({ type: 'log', upid, n: ++lines, line: one });
    }
  };
  let warnings = 0;
  let lastProgress = 0;
  const context: TaskContext = {
    upid,
    user: job.user,
    signal: options.signal,
    log,
    warn(line) {
      warnings++;
      log(`WARN: ${line}`);
    },
    progress(fraction, note) {
      const now = Date.now();
      if (now - lastProgress < progressEvery && fraction < 1) return;
      lastProgress = now;
      tell({ type: 'progress', upid, fraction: Math.min(1, Math.max(0, fraction)), note });
    },
    undo: (name, args) => db.addUndo(upid, { name, args }),
    keep: () => db.clearUndos(upid),
    takeBack: () => undos.runAll(db, upid, log),
  };
  let status: string;
  let good = false;
  try {
    await work(context);
    db.clearUndos(upid);
    status = warnings > 0 ? `WARNINGS: ${warnings}` : 'OK';
    log(`TASK ${status}`);
    good = true;
  } catch (error) {
    await undos.runAll(db, upid, log);
    status = options.signal.aborted ? 'interrupted by signal' : oneLine(messageOf(error));
    log(`TASK ERROR: ${status}`);
  }
  db.endTask(upid, status, Math.floor(Date.now() / 1000));
  tell({ type: 'end', upid, status });
  return good;
}

const oneLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join(' ') || 'unknown error';
