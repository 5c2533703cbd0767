import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../packages/server/src/cluster/sqlite-store.ts';
import { put } from '../../packages/server/src/cluster/store-conformance.ts';
import { openSqlite } from '../../packages/server/src/host/sqlite.ts';

let folder: string;

function mount(program: string, ...args: string[]): string | undefined {
  const { status, stderr } = spawnSync(program, [...args, folder], { encoding: 'utf8' });
  return status === 0 ? undefined : stderr.trim();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-full-disk-'));
});

afterEach(() => {
  // Connections that were closed keep their files until the garbage collector comes, so the mount may be busy.
  mount('umount', '--lazy');
  rmdirSync(folder);
});

test('a full disk is reported as such, loses nothing, and space that is freed is used again', async (context) => {
  const refusal = mount('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs');
  if (refusal !== undefined) context.skip(`cannot mount a small file system: ${refusal}`);
  const file = join(folder, 'config.db');
  const store = openSqliteStore(file);
  const seen: string[] = [];
  store.watch('', (changes) => seen.push(...changes.map((change) => change.path)));
  await put(store, 'a', '1');
  const ballast = join(folder, 'ballast');
  writeFileSync(ballast, Buffer.alloc(1_000_000));
  const large = store.commit(
    [],
    [
      { path: 'a', text: '2' },
      { path: 'b', text: 'x'.repeat(800_000) },
    ],
  );
  await expect(large).rejects.toMatchObject({ code: 'no-space' });
  await expect(large).rejects.toThrow(file);
  expect(store.list('').map((doc) => `${doc.path}=${doc.text}`)).toEqual(['a=1']);
  await put(store, 'c', 'small');
  rmSync(ballast);
  await put(store, 'b', 'x'.repeat(200_000));
  expect(store.get('b')?.text.length).toBe(200_000);
  expect(seen).toEqual(['a', 'c', 'b']);
  await store.close();
  const database = openSqlite(file);
  expect(database.prepare<[], [string]>('PRAGMA integrity_check').all()).toEqual([['ok']]);
  database.close();
});
