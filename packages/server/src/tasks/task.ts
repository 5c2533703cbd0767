/**
 * What a running task sees. The same interface serves a worker process and a test.
 */

export interface TaskContext {
  readonly upid: string;
  readonly user: string;
  /** Aborted when a person stops the task or the node shuts down; pass it on to `run` and to waits. */
  readonly signal: AbortSignal;
  /** Writes one line to the task's log. */
  log(line: string): void;
  /** A line that turns the task's end into `WARNINGS: N`. */
  warn(line: string): void;
  /** How far the task is, 0..1; shown live, not kept. */
  progress(fraction: number, note?: string): void;
  /**
   * Registers how to take back a change just made to the host (a tap, a volume, a lock). When the task fails, is
   * aborted or its worker dies, undos run newest first. `name` and `args` are recorded on disk before this resolves,
   * so that the daemon can run them after a worker's sudden death; see tasks/undo.ts for the known names.
   */
  undo(name: string, args: Readonly<Record<string, string | number>>): void;
  /** The work so far stands: forget the registered undos. */
  keep(): void;
  /** Runs the registered undos now, newest first: a part of the work failed, the task goes on. */
  takeBack(): Promise<void>;
}
