/** Locks in node.db; see locks.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { processStat } from '../host/procfs.ts';
import type { Locks } from './locks.ts';
import type { LockOwner, NodeDb } from './node-db.ts';

/**
 * A waiter looks again after this time (ms), more and more seldom. Contention is rare and mostly short; SQLite has no
 * way to wake another process.
 */
const firstPause = 10;
const longestPause = 250;

export class NodeLocks implements Locks {
  private counter = 0;

  constructor(
    private readonly db: NodeDb,
    /** UPID or `daemon`. */
    private readonly owner: () => string,
  ) {}

  async with<T>(
    name: string,
    work: () => Promise<T>,
    options: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    // Two calls in one process are two owners.
    const owner = `${this.owner()}#${++this.counter}`;
    const me = { owner, pid: process.pid, pstart: processStat(process.pid)?.startTime ?? 0 };
    await this.take(name, me, options.timeout ?? 10_000, options.signal);
    try {
      return await work();
    } finally {
      this.db.unlock(name, owner);
    }
  }

  holder(name: string): string | undefined {
    return this.db.lockHolder(name)?.owner.replace(/#\d+$/, '');
  }

  private async take(name: string, me: LockOwner, timeout: number, signal?: AbortSignal): Promise<void> {
    const deadline = Date.now() + timeout;
    for (let pause = firstPause; ; pause = Math.min(pause * 1.3, longestPause)) {
      const holder = this.db.lock(name, me);
      if (!holder) return;
      if (Date.now() >= deadline) {
        throw new RyokanError(
          'locked',
          `can't lock '${name}' - got timeout: held by ${holder.owner.replace(/#\d+$/, '')}. Wait for it to end, or stop it`,
          { context: { name, holder: holder.owner } },
        );
      }
      await sleep(pause, undefined, signal ? { signal } : {});
    }
  }
}
