import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureDir } from '../host/files.ts';
import { TaskLogWriter, taskLogPath } from './task-log.ts';
import { type Worker, WorkerPool } from './worker-pool.ts';

let folder: string;
let pool: WorkerPool;
let gone: number[];

/** Connects, says hello and waits: what a worker does before it has a job. Each job is done at once. */
const idleWorker = `
  const socket = require('node:net').connect(process.argv[2]);
  socket.write(JSON.stringify({ type: 'hello', pid: process.pid, pstart: 1 }) + '\\n');
  socket.on('data', () => socket.write(JSON.stringify({ type: 'idle' }) + '\\n'));
  socket.on('close', () => process.exit(0));
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'worker-pool-'));
  gone = [];
});
afterEach(() => {
  pool?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(program: string, patience: number): Promise<WorkerPool> {
  const script = join(folder, 'worker.cjs');
  writeFileSync(script, idleWorker);
  const socket = join(folder, 'worker.sock');
  pool = new WorkerPool({
    socket,
    command: [program, script, socket],
    log: pino({ level: 'silent' }),
    patience,
    onMessage: () => {},
    onAdopted: () => {},
    onGone: (worker) => gone.push(worker.pid),
  });
  await pool.open();
  return pool;
}

test('many workers at once are all served, a few starting at a time', async () => {
  await open(process.execPath, 20_000);
  const workers = await Promise.all(Array.from({ length: 8 }, () => pool.take()));
  expect(new Set(workers.map((one: Worker) => one.pid)).size).toBe(8);
  for (const worker of workers) worker.dismiss();
  await expect.poll(() => gone.length, { timeout: 5000 }).toBe(8);
}, 30_000);

test('a worker whose task has ended takes the next one that waits, and ends when none does', async () => {
  await open(process.execPath, 20_000);
  const pids = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const worker = await pool.take();
      worker.send({ type: 'job', job: { upid: 'x', method: 'x', params: {}, user: 'x' } });
      return worker.pid;
    }),
  );
  const used = new Set(pids);
  expect(used.size).toBeLessThan(12);
  await expect.poll(() => gone.filter((pid) => used.has(pid)).length, { timeout: 15_000 }).toBe(used.size);
}, 30_000);

test.each([
  ['ends at once', '/bin/false'],
  ['cannot be started', '/nonexistent'],
])('a program that %s: the task gets an error, not silence', async (_what, program) => {
  await open(program, 300);
  await expect(pool.take()).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringMatching(/^got no worker upid.*the log of the daemon says why$/),
  });
});

test('a full disk keeps a log from growing, nothing else', async () => {
  const upid = 'UPID:n:00000001:00000001:00000001:t:1:root@pam:';
  const path = taskLogPath(folder, upid);
  await ensureDir(dirname(path));
  symlinkSync('/dev/full', path);
  const writer = new TaskLogWriter(folder, upid);
  expect(() => writer.line('more than there is room for')).not.toThrow();
});
