import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processStat } from '../host/procfs.ts';
import { NodeDb } from './node-db.ts';
import { NodeLocks } from './node-locks.ts';
import type { TaskRow } from './tasks.ts';
import { UndoTable } from './undo.ts';

let folder: string;
let db: NodeDb;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nodedb-'));
  db = new NodeDb(join(folder, 'node.db'));
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const row = (n: number, more: Partial<TaskRow> = {}): TaskRow => ({
  upid: `UPID:n:${n}`,
  node: 'n',
  pid: 1,
  pstart: 1,
  starttime: 1000 + n,
  type: 'qmstart',
  id: '100',
  user: 'a@pve',
  ...more,
});

describe('task index', () => {
  test('running first, then the newest; filters and total', () => {
    for (let n = 0; n < 5; n++)
      db.insertTask(row(n, { type: n % 2 ? 'qmstop' : 'qmstart', user: n === 4 ? 'b@pve!t' : 'a@pve' }), 'm');
    for (const [n, status] of [
      [0, 'OK'],
      [1, 'failed: x'],
      [2, 'WARNINGS: 1'],
      [4, 'OK'],
    ] as const)
      db.endTask(`UPID:n:${n}`, status, 2000 + n);
    const ids = (filter: Parameters<NodeDb['list']>[0]) =>
      db
        .list(filter)
        .rows.map((one) => one.upid.slice(-1))
        .join('');
    expect(ids({ source: 'all' })).toBe('34210');
    expect(ids({})).toBe('4210');
    expect(ids({ source: 'active' })).toBe('3');
    expect(ids({ errors: true })).toBe('1');
    expect(ids({ statusfilter: ['warning', 'error'] })).toBe('21');
    expect(ids({ typefilter: 'qmstop' })).toBe('1');
    expect(ids({ owner: 'b@pve' })).toBe('4');
    expect(ids({ user: 'A@P' })).toBe('210');
    expect(ids({ since: 1002, until: 1003, source: 'all' })).toBe('32');
    expect(db.list({ limit: 2, start: 1 })).toMatchObject({
      total: 4,
      rows: [{ upid: 'UPID:n:2' }, { upid: 'UPID:n:1' }],
    });
    expect(db.list({ limit: 0 }).rows).toHaveLength(4);
  });

  test('the first end stands', () => {
    db.insertTask(row(1), 'm');
    expect(db.endTask('UPID:n:1', 'OK', 5)).toBe(true);
    expect(db.endTask('UPID:n:1', 'late', 6)).toBe(false);
    expect(db.task('UPID:n:1')).toMatchObject({ status: 'OK', endtime: 5 });
  });

  test('the oldest are forgotten, running ones never', () => {
    for (let n = 0; n < 10; n++) db.insertTask(row(n), 'm');
    for (let n = 1; n < 10; n++) db.endTask(`UPID:n:${n}`, 'OK', 1);
    expect(db.trim(4)).toHaveLength(5);
    expect(db.running()).toHaveLength(1);
    expect(db.list({ source: 'all' }).total).toBe(5);
  });
});

test('undos run newest first, each once; one that fails does not stop the others', async () => {
  const ran: string[] = [];
  const table = new UndoTable();
  table.on('note', async ({ text }) => void ran.push(String(text)));
  table.on('fail', async () => {
    throw new Error('no way');
  });
  for (const text of ['a', 'b']) db.addUndo('t', { name: 'note', args: { text } });
  db.addUndo('t', { name: 'fail', args: {} });
  db.addUndo('t', { name: 'unknown', args: {} });
  db.addUndo('other', { name: 'note', args: { text: 'x' } });
  const lines: string[] = [];
  await table.runAll(db, 't', (line) => lines.push(line));
  expect(ran).toEqual(['b', 'a']);
  expect(lines.join('\n')).toMatch(/no undo named 'unknown'[\s\S]*no way/);
  await table.runAll(db, 't', () => {});
  expect(ran).toEqual(['b', 'a']);
});

describe('locks', () => {
  test('one at a time, in one process and across handles', async () => {
    const second = new NodeDb(join(folder, 'node.db'));
    const locks = [new NodeLocks(db, () => 'one'), new NodeLocks(second, () => 'two')];
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        locks[i % 2]?.with('x', async () => {
          most = Math.max(most, ++inside);
          await new Promise((done) => setTimeout(done, 2));
          inside--;
        }),
      ),
    );
    expect(most).toBe(1);
    second.close();
  });

  test('waiting ends with the name of the holder', async () => {
    const locks = new NodeLocks(db, () => 'UPID:holder');
    await locks.with('x', async () => {
      expect(locks.holder('x')).toBe('UPID:holder');
      await expect(locks.with('x', async () => {}, { timeout: 50 })).rejects.toThrow(
        /can't lock 'x' - got timeout: held by UPID:holder/,
      );
    });
    expect(locks.holder('x')).toBeUndefined();
  });

  test('the lock of a dead process is free', async () => {
    db.lock('x', { owner: 'dead', pid: process.pid, pstart: (processStat(process.pid)?.startTime ?? 0) - 1 });
    await new NodeLocks(db, () => 'me').with('x', async () => {}, { timeout: 50 });
  });

  test('a failure inside frees it', async () => {
    const locks = new NodeLocks(db, () => 'me');
    await expect(locks.with('x', () => Promise.reject(new Error('inside')))).rejects.toThrow('inside');
    expect(locks.holder('x')).toBeUndefined();
  });
});
