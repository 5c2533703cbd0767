import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryStore } from '../cluster/memory-store.ts';
import type { Section } from '../cluster/section-document.ts';
import { createLogger } from '../host/log.ts';
import { JobScheduler } from './job-scheduler.ts';
import { createJob, jobsCfg, lastRun, removeJob, requireJob } from './jobs.ts';

const job = (id: string, schedule: string, more: [string, string][] = []): Section => ({
  type: 'test',
  id,
  lines: [['schedule', schedule], ...more],
});

describe('scheduled jobs', () => {
  let store: MemoryStore;
  let started: string[];
  let scheduler: JobScheduler;
  const begin = () =>
    new JobScheduler(
      store,
      [
        {
          type: 'test',
          start: async ({ id }) => void started.push(`${id} ${new Date().toTimeString().slice(0, 5)}`),
        },
      ],
      createLogger('test', 'silent'),
    );

  beforeEach(() => {
    vi.useFakeTimers({ now: new Date(2026, 10, 21, 10, 5) });
    store = new MemoryStore();
    started = [];
    scheduler = begin();
    scheduler.open();
  });
  afterEach(() => {
    scheduler.close();
    vi.useRealTimers();
  });
  const minutes = (count: number) => vi.advanceTimersByTimeAsync(count * 60_000);

  it('run at their times, with one timer for all and none without a job', async () => {
    expect(vi.getTimerCount()).toBe(0);
    await createJob(store, job('often', '*/20'), 'test');
    await createJob(store, job('noon', '12:00'), 'test');
    await createJob(store, job('off', '*/20', [['enabled', '0']]), 'test');
    await createJob(store, { ...job('other', '*/20'), type: 'unknown' }, 'test');
    expect(vi.getTimerCount()).toBe(1);
    await minutes(120);
    expect(started).toEqual([
      'often 10:20',
      'often 10:40',
      'often 11:00',
      'often 11:20',
      'often 11:40',
      'often 12:00',
      'noon 12:00',
    ]);
    expect(lastRun(store, requireJob(store, 'test', 'noon'))).toBe(
      new Date(2026, 10, 21, 12).getTime() / 1000,
    );
  });

  it('do not run for times before they were made or changed', async () => {
    await createJob(store, job('one', '10:30'), 'test');
    await minutes(10);
    await store.commit([], [{ path: jobsCfg, text: 'test: one\n\tschedule 10:10\n' }]);
    await minutes(60);
    expect(started).toEqual([]);
  });

  it('run once when two nodes see the same time', async () => {
    const other = begin();
    other.open();
    await createJob(store, job('one', '10:30'), 'test');
    await minutes(60);
    other.close();
    expect(started).toEqual(['one 10:30']);
  });

  it('end with their removal, and with a schedule that is none', async () => {
    await createJob(store, job('one', '10:30'), 'test');
    await createJob(store, job('two', 'nonsense'), 'test');
    await removeJob(store, 'test', 'one', 'test');
    await minutes(120);
    expect(started).toEqual([]);
    expect(store.list('jobs-state/')).toEqual([]);
  });
});
