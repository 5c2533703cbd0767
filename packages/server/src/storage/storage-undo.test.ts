import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NodeDb, UndoRecord } from '../tasks/node-db.ts';
import { UndoTable } from '../tasks/undo.ts';
import { stagingPath } from './staging.ts';
import { stagedFileUndo, storageUndos } from './storage-undo.ts';

let folder: string;
const undos = async (...paths: string[]): Promise<string[]> => {
  const table = new UndoTable();
  storageUndos(table, join(folder, 'link-to-spool'));
  const records: UndoRecord[] = paths.map((path) => ({ name: stagedFileUndo, args: { path } }));
  const lines: string[] = [];
  const db = { popUndo: () => records.shift() } as unknown as NodeDb;
  await table.runAll(db, 'UPID:x', (line) => lines.push(line));
  return lines;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-undo-'));
  await mkdir(join(folder, 'spool'));
  await symlink('spool', join(folder, 'link-to-spool'));
});
afterEach(() => rm(folder, { recursive: true }));

it('removes unfinished files, also twice', async () => {
  const staged = stagingPath(folder, '.raw');
  const received = join(folder, 'spool', 'pveupload-1');
  for (const path of [staged, received]) await writeFile(path, 'x');
  const lines = await undos(staged, received, staged, received);
  expect(lines.every((line) => line.startsWith('taken back'))).toBe(true);
  expect((await readdir(folder)).sort()).toEqual(['link-to-spool', 'spool']);
  expect(await readdir(join(folder, 'spool'))).toEqual([]);
});

it('removes nothing else', async () => {
  const path = join(folder, 'config.db');
  await writeFile(path, 'x');
  expect((await undos(path, join(folder, 'spool/../config.db')))[0]).toMatch(/is no unfinished file/);
  expect(await readdir(folder)).toContain('config.db');
});
