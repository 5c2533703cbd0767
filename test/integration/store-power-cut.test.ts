import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openSqliteStore } from '../../packages/server/src/cluster/sqlite-store.ts';
import { openSqlite } from '../../packages/server/src/host/sqlite.ts';
import { bundleWriter, type WriterProgram } from './store-child.ts';

const rounds = 30;

let program: WriterProgram;
let folder: string;

beforeAll(async () => {
  program = await bundleWriter();
  folder = mkdtempSync(join(tmpdir(), 'ryokan-power-cut-'));
});

afterAll(() => {
  program.dispose();
  rmSync(folder, { recursive: true });
});

function integrity(file: string): string[] {
  const database = openSqlite(file);
  const result = database.prepare<[], [string]>('PRAGMA integrity_check').all();
  database.close();
  return result.map(([line]) => line);
}

/** The number in each document of the writer. */
function numbers(file: string): number[] {
  const store = openSqliteStore(file);
  const found = store.list('w/').map((doc) => Number.parseInt(doc.text, 10));
  void store.close();
  return found;
}

test(`${rounds} times kill -9 in the middle of writing: no acknowledged change is lost, none is half done`, async () => {
  const file = join(folder, 'config.db');
  let last = 0;
  for (let round = 0; round < rounds; round++) {
    const writer = program.start(file, 'w');
    await writer.reached(last + 1);
    await sleep(Math.random() * 60);
    await writer.kill();
    // Nobody else has the file open: this is the first opening after the cut, which recovers the log.
    const found = numbers(file);
    expect(found.length).toBe(4);
    expect(new Set(found).size, `documents of one transaction: ${found}`).toBe(1);
    // What was written but not yet printed may be there as well: one at most.
    expect([writer.acknowledged(), writer.acknowledged() + 1]).toContain(found[0]);
    expect(found[0]).toBeGreaterThan(last);
    expect(integrity(file)).toEqual(['ok']);
    last = found[0] ?? 0;
  }
  const store = openSqliteStore(file);
  const history = await store.history('w/3', 100);
  expect(history.map((entry) => Number.parseInt(entry.text ?? '', 10))).toEqual(
    Array.from({ length: Math.min(100, last) }, (_, index) => last - index),
  );
  expect(history.every((entry) => entry.author === 'w')).toBe(true);
  await store.close();
});

test('a process that watches sees every change of writers that are killed, once and in order', async () => {
  const file = join(folder, 'watched.db');
  const store = openSqliteStore(file);
  const seen: number[] = [];
  const sizes = new Set<number>();
  store.watch('w/', (changes) => {
    sizes.add(changes.length);
    seen.push(Number.parseInt(changes[0]?.doc?.text ?? '', 10));
  });
  for (let round = 0; round < 8; round++) {
    const writer = program.start(file, 'w');
    await writer.reached((seen.at(-1) ?? 0) + 1);
    await sleep(Math.random() * 40);
    await writer.kill();
    const present = Number.parseInt(store.get('w/0')?.text ?? '', 10);
    expect(present).toBeGreaterThanOrEqual(writer.acknowledged());
    await vi.waitFor(() => expect(seen.at(-1)).toBe(present), { timeout: 5000, interval: 5 });
  }
  expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index + 1));
  expect([...sizes]).toEqual([4]);
  await store.close();
});

test('several processes write at once: every acknowledged change is there', async () => {
  const file = join(folder, 'shared.db');
  const store = openSqliteStore(file);
  const revisions: number[] = [];
  store.watch('', (changes) => revisions.push(changes[0]?.revision ?? 0));
  // All open the new file at the same moment.
  const names = ['a', 'b', 'c'];
  const writers = names.map((name) => program.start(file, name));
  await Promise.all(writers.map((writer) => writer.reached(30)));
  await Promise.all(writers.map((writer) => writer.kill()));
  for (const [index, name] of names.entries()) {
    const present = Number.parseInt(store.get(`${name}/0`)?.text ?? '', 10);
    const acknowledged = writers[index]?.acknowledged() ?? 0;
    expect([acknowledged, acknowledged + 1]).toContain(present);
  }
  const newest = Math.max(...store.list('').map((doc) => doc.revision));
  await vi.waitFor(() => expect(revisions.at(-1)).toBe(newest), { timeout: 5000, interval: 5 });
  expect(revisions).toEqual(Array.from({ length: newest }, (_, index) => index + 1));
  await store.close();
});
