import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqlite } from '../host/sqlite.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { put, storeConformance } from './store-conformance.ts';

function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'ryokan-store-'));
}

storeConformance('sqlite', async () => {
  const folder = makeFolder();
  const open = () => openSqliteStore(join(folder, 'config.db'));
  return {
    store: open(),
    second: async () => open(),
    dispose: async () => rmSync(folder, { recursive: true }),
  };
});

describe('sqlite: file', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = makeFolder();
    file = join(folder, 'config.db');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test('of a newer version is left alone', async () => {
    await openSqliteStore(file).close();
    const database = openSqlite(file);
    database.exec("UPDATE meta SET value = '2' WHERE key = 'schema'");
    database.close();
    expect(() => openSqliteStore(file)).toThrow(
      'newer version of Ryokan (format 2, this version knows up to 1)',
    );
  });

  test('that holds other tables is left alone', () => {
    const database = openSqlite(file);
    database.exec('CREATE TABLE photos (name TEXT)');
    database.close();
    expect(() => openSqliteStore(file)).toThrow('not a configuration store');
  });

  test('that is no database, or cannot be made, is named', () => {
    writeFileSync(file, 'no database\n'.repeat(500));
    expect(() => openSqliteStore(file)).toThrow(`'${file}' is not a SQLite database`);
    expect(() => openSqliteStore(join(folder, 'none', 'config.db'))).toThrow('Cannot open');
  });

  test('locked by somebody for too long makes commits fail, in time, while reads go on', async () => {
    const store = openSqliteStore(file, { timeout: 60 });
    const revision = await put(store, 'a', '1');
    const other = openSqlite(file);
    other.exec('BEGIN IMMEDIATE');
    const start = performance.now();
    await expect(put(store, 'a', '2')).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - start).toBeLessThan(1000);
    expect(store.get('a')).toEqual({ path: 'a', text: '1', revision });
    other.exec('ROLLBACK');
    await put(store, 'a', '3');
    expect(store.get('a')?.text).toBe('3');
    await store.close();
    other.close();
  });

  test('a commit that waits for a lock does not keep the process from working', async () => {
    const store = openSqliteStore(file);
    const other = openSqlite(file);
    other.exec('BEGIN IMMEDIATE');
    const commit = put(store, 'a', '1');
    await new Promise((resolve) => setTimeout(resolve, 30));
    other.exec('ROLLBACK');
    await commit;
    expect(store.get('a')?.text).toBe('1');
    await store.close();
    other.close();
  });
});
