import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isBusy, openSqlite, type SqliteDatabase, sqliteCode } from './sqlite.ts';

let folder: string;
let file: string;
let database: SqliteDatabase;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-sqlite-'));
  file = join(folder, 'test.db');
  database = openSqlite(file, { busyTimeout: 10 });
  database.exec('CREATE TABLE item (name TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID');
});

afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const insertItem = 'INSERT INTO item VALUES (?, ?)';
type Item = [name: string, size: number];

function items(): Item[] {
  return database.prepare<[], Item>('SELECT name, size FROM item ORDER BY name').all();
}

function waysToInsert(): ((...item: Item) => unknown)[] {
  const returning = database.prepare<Item, [string]>(`${insertItem} RETURNING name`);
  return [database.prepare<Item>(insertItem).run, returning.get, returning.all];
}

describe('statements', () => {
  test('get and all of one statement do not see each other’s parameters', () => {
    database.prepare<Item>(insertItem).run('a', 1);
    const select = database.prepare<[string], Item>('SELECT name, size FROM item WHERE name = ?');
    expect(select.all('a')).toEqual([['a', 1]]);
    expect(select.get('b')).toBeUndefined();
    expect(select.get('a')).toEqual(['a', 1]);
    expect(select.all('b')).toEqual([]);
  });

  test('run returns how many rows were changed', () => {
    const insert = database.prepare<Item>('INSERT OR IGNORE INTO item VALUES (?, ?)');
    expect(insert.run('a', 1)).toBe(1);
    expect(insert.run('a', 2)).toBe(0);
    expect(database.prepare('UPDATE item SET size = 5').run()).toBe(1);
    expect(items()).toEqual([['a', 5]]);
  });

  test('after a failed write the next one uses its own parameters', () => {
    for (const call of waysToInsert()) {
      database.exec("DELETE FROM item; INSERT INTO item VALUES ('a', 1)");
      expect(sqliteCode(errorOf(() => call('a', 2)))).toBe('SQLITE_CONSTRAINT');
      call('b', 3);
      expect(items()).toEqual([
        ['a', 1],
        ['b', 3],
      ]);
    }
  });

  test('after a write that found the database locked, transactions work again', () => {
    const other = openSqlite(file, { busyTimeout: 10 });
    for (const [index, call] of waysToInsert().entries()) {
      other.exec('BEGIN IMMEDIATE');
      expect(isBusy(errorOf(() => call('lost', 1)))).toBe(true);
      other.exec('ROLLBACK');
      database.transaction(() => call(`kept${index}`, 1));
    }
    expect(items().map(([name]) => name)).toEqual(['kept0', 'kept1', 'kept2']);
    other.close();
  });

  test('a row read before does not hide what another connection has written', () => {
    const other = openSqlite(file);
    const select = database.prepare<[string], [number]>('SELECT size FROM item WHERE name >= ?');
    other.exec("INSERT INTO item VALUES ('a', 1), ('b', 1)");
    expect(select.get('a')).toEqual([1]);
    other.exec('UPDATE item SET size = 2');
    expect(select.get('a')).toEqual([2]);
    other.close();
  });

  test('values keep their type: text, whole numbers below 2^53, bytes, null', () => {
    database.exec('CREATE TABLE value (text TEXT, number INTEGER, bytes BLOB, absent TEXT)');
    const row: [string, number, Uint8Array, null] = [
      '日本語 😀',
      Number.MAX_SAFE_INTEGER,
      new Uint8Array([0, 255]),
      null,
    ];
    database.prepare<typeof row>('INSERT INTO value VALUES (?, ?, ?, ?)').run(...row);
    const [text, number, bytes, nothing] =
      database.prepare<[], typeof row>('SELECT * FROM value').get() ?? [];
    expect([text, number, nothing]).toEqual([row[0], row[1], row[3]]);
    expect([...(bytes ?? [])]).toEqual([0, 255]);
    const large = database.prepare<[], [number]>('SELECT 9007199254740993');
    expect(() => large.get()).toThrow('too large');
    expect(() => large.all()).toThrow('too large');
  });

  test('a write with rows is done completely, and an error of its commit is thrown, by get, all and run', () => {
    database.exec(`INSERT INTO item VALUES ('a', 0), ('b', 0);
      CREATE TABLE label (item TEXT REFERENCES item DEFERRABLE INITIALLY DEFERRED)`);
    const update = database.prepare<[], [string]>('UPDATE item SET size = size + 1 RETURNING name');
    // SQLite finds out at COMMIT that there is no such item.
    const dangling = database.prepare<[], [string]>("INSERT INTO label VALUES ('none') RETURNING item");
    for (const [index, way] of (['get', 'all', 'run'] as const).entries()) {
      update[way]();
      expect(items(), way).toEqual([
        ['a', index + 1],
        ['b', index + 1],
      ]);
      expect(sqliteCode(errorOf(() => dangling[way]())), way).toBe('SQLITE_CONSTRAINT');
    }
    expect(database.prepare('SELECT * FROM label').all()).toEqual([]);
    expect(database.transaction(() => update.all())).toEqual([['a'], ['b']]);
  });

  test('errors have their code, whichever call throws them', () => {
    database.exec('PRAGMA max_page_count = 8');
    for (const call of waysToInsert())
      expect(sqliteCode(errorOf(() => call('x'.repeat(100_000), 1)))).toBe('SQLITE_FULL');
    for (const way of ['get', 'all', 'run'] as const)
      expect(sqliteCode(errorOf(() => database.prepare('SELECT nothing')[way]())), way).toBe('SQLITE_ERROR');
    expect(sqliteCode(new Error('database is locked'))).toBeUndefined();
  });

  test('a damaged page is reported as such', () => {
    const insert = database.prepare<Item>(insertItem);
    database.transaction(() => {
      for (let i = 0; i < 1000; i++) insert.run(`item${i}`, i);
    });
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const contents = readFileSync(file);
    writeFileSync(file, contents.fill(0xff, 4096));
    const other = openSqlite(file);
    for (const way of ['get', 'all'] as const)
      expect(sqliteCode(errorOf(() => other.prepare('SELECT * FROM item')[way]())), way).toBe(
        'SQLITE_CORRUPT',
      );
    other.close();
  });

  test('what SQLite cannot store is refused, and the next call is none the worse', () => {
    const insert = database.prepare<Item>(insertItem);
    expect(() => insert.run('a\0b', 1)).toThrow('NUL');
    expect(() => insert.run('a', undefined as unknown as number)).toThrow('cannot be bound');
    expect(items()).toEqual([]);
    // TypeScript lets this by only with a cast. There are bindings that abort the process.
    insert.run('a', true as unknown as number);
    expect(items()).toEqual([['a', 1]]);
  });
});

describe('transactions', () => {
  test('are whole, or nothing when the work throws', () => {
    const insert = database.prepare<Item>(insertItem);
    expect(database.transaction(() => insert.run('a', 1))).toBe(1);
    const failing = (): void => {
      insert.run('b', 1);
      throw new Error('stop');
    };
    expect(() => database.transaction(failing)).toThrow('stop');
    expect(items()).toEqual([['a', 1]]);
    database.transaction(() => insert.run('c', 1));
    expect(items().length).toBe(2);
  });

  test('are rolled back when COMMIT fails', () => {
    database.exec('CREATE TABLE label (item TEXT REFERENCES item DEFERRABLE INITIALLY DEFERRED)');
    const failing = (): void =>
      database.transaction(() => database.exec("INSERT INTO label VALUES ('none')"));
    expect(sqliteCode(errorOf(failing))).toBe('SQLITE_CONSTRAINT');
    database.transaction(() => database.prepare<Item>(insertItem).run('a', 1));
    expect(items()).toEqual([['a', 1]]);
    expect(database.prepare('SELECT * FROM label').all()).toEqual([]);
  });
});

describe('files', () => {
  test('are readable by their owner only, with the write-ahead log', () => {
    database.exec("INSERT INTO item VALUES ('a', 1)");
    for (const name of [file, `${file}-wal`]) expect(statSync(name).mode & 0o777, name).toBe(0o600);
  });

  test('are in WAL mode and synced at every commit', () => {
    expect(database.prepare<[], [string]>('PRAGMA journal_mode').get()).toEqual(['wal']);
    expect(database.prepare<[], [number]>('PRAGMA synchronous').get()).toEqual([2]);
  });

  test('that are no database are named in the error', () => {
    const other = join(folder, 'notes.txt');
    writeFileSync(other, 'shopping list\n'.repeat(1000));
    expect(() => openSqlite(other)).toThrow(`'${other}' is not a SQLite database`);
    expect(() => openSqlite(join(folder, 'none', 'x.db'))).toThrow('Cannot open the database');
  });

  test('that are closed are not used any more', () => {
    const select = database.prepare('SELECT 1');
    select.get();
    database.close();
    database.close();
    expect(() => select.get()).toThrow('is closed');
    expect(() => select.all()).toThrow('is closed');
    expect(() => select.run()).toThrow('is closed');
    expect(() => database.exec('SELECT 1')).toThrow('is closed');
    expect(() => database.transaction(() => 1)).toThrow('is closed');
  });
});
