/**
 * The log that people look at to see what went on: logins, starts and ends of tasks. A ring in node.db; what must be kept
 * as evidence stands in the audit log.
 */
import type { LogLine, NodeDb } from './node-db.ts';
import type { TaskRow } from './tasks.ts';

/** Lines that are kept. */
const kept = 5000;
const priorities = { info: 6, error: 3 } as const;

export class ClusterLog {
  constructor(private readonly db: NodeDb) {}

  add(user: string, msg: string, priority: keyof typeof priorities = 'info'): void {
    const time = Math.floor(Date.now() / 1000);
    this.db.addLogLine(
      { time, pri: priorities[priority], tag: 'pvedaemon', pid: process.pid, user, msg },
      kept,
    );
  }

  /** A task that has begun or ended. */
  addTask({ upid, user, status }: TaskRow): void {
    if (status === undefined) return this.add(user, `starting task ${upid}`);
    const good = status === 'OK' || status.startsWith('WARNINGS:');
    this.add(user, `end task ${upid} ${status}`, good ? 'info' : 'error');
  }

  /** Newest first; with `user` the lines of this user and the user's tokens only. */
  lines(max: number, user?: string): LogLine[] {
    return this.db.logLines(max, user);
  }
}
