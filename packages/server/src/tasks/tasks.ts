/** Starting and following tasks, as seen by handlers. task-manager.ts is the daemon's side of it. */
import type { Method, ParamsOf } from '@ryokan/api/method.ts';
import type { UndoRecord } from './node-db.ts';

export interface TaskRow {
  readonly upid: string;
  readonly node: string;
  readonly pid: number;
  /** Start time of the worker process in clock ticks since boot (field 22 of /proc/PID/stat). */
  readonly pstart: number;
  /** Seconds since the epoch. */
  readonly starttime: number;
  readonly endtime?: number;
  readonly type: string;
  /** What the task works on: a VMID, a storage; may be empty. */
  readonly id: string;
  /** `user@realm` or `user@realm!token`. */
  readonly user: string;
  /** Only when ended: `OK`, `WARNINGS: 2` or the error. */
  readonly status?: string;
  /** 0..1 while running, when the task says so. */
  readonly progress?: number;
  readonly note?: string;
}

export interface TaskFilter {
  readonly start?: number;
  readonly limit?: number;
  readonly vmid?: number;
  /** Text that the user contains. */
  readonly user?: string;
  /** Exactly this user, with its tokens. */
  readonly owner?: string;
  readonly typefilter?: string;
  /** ok, warning, error, unknown. */
  readonly statusfilter?: readonly string[];
  readonly source?: 'archive' | 'active' | 'all';
  readonly since?: number;
  readonly until?: number;
  readonly errors?: boolean;
}

export interface Tasks {
  /**
   * Starts a task method in a worker and resolves to its UPID as soon as it is visible. `undo` takes back what was
   * changed in preparation, should the task fail.
   */
  start<M extends Method>(
    method: M,
    params: ParamsOf<M>,
    user: string,
    undo?: readonly UndoRecord[],
  ): Promise<string>;
  list(filter?: TaskFilter): { rows: TaskRow[]; total: number };
  get(upid: string): TaskRow | undefined;
  /** Lines `start`..`start+limit` of a task's log, and how many there are. */
  log(upid: string, start: number, limit: number): Promise<{ lines: string[]; total: number }>;
  /** Asks a running task to stop; no error when it has ended. */
  stop(upid: string): Promise<void>;
  /** Resolves when the task has ended. */
  wait(upid: string, signal?: AbortSignal): Promise<TaskRow>;
}
