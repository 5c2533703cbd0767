/**
 * SQLite for the rest of the server: a layer over the npm package `@photostructure/sqlite`, the only module that knows
 * it (docs/decisions/0001-sqlite-engine.md). The package has the API of node:sqlite, which can take its place.
 *
 * What differs from the plain package, and why:
 * - files are made with mode 0600, in WAL mode with synchronous=FULL: what COMMIT returned from survives a power cut;
 * - rows are tuples: they are smaller and faster than objects, and have types without a name for every column;
 * - the first row of a write is taken from all its rows: SQLite commits a write outside a transaction when its last
 *   row was fetched, and the package's `get` stops before, and says nothing when the commit then fails;
 * - a text with NUL is refused: the package would cut it off there without a word;
 * - use after `close` is refused here: a native statement points to a connection that may be gone by then.
 *
 * Numbers come back exact up to 2^53 - 1, and reading a larger one throws. Beyond 2^31 they are bound as REAL, so give
 * columns the type INTEGER.
 */
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';

export type SqlValue = string | number | bigint | Uint8Array | null;

/** A prepared statement with the types of its parameters and of a row, both in the order of the SQL text. */
export interface SqliteStatement<Parameters extends readonly SqlValue[], Row extends readonly SqlValue[]> {
  /** The first row; undefined when there is none. */
  get(...parameters: Parameters): Row | undefined;
  all(...parameters: Parameters): Row[];
  /** For writes; returns how many rows were changed. */
  run(...parameters: Parameters): number;
}

export interface SqliteDatabase {
  readonly file: string;
  /** Runs statements without parameters or results, separated by semicolons. */
  exec(sql: string): void;
  prepare<Parameters extends readonly SqlValue[] = [], Row extends readonly SqlValue[] = []>(
    sql: string,
  ): SqliteStatement<Parameters, Row>;
  /** Runs `work` inside BEGIN IMMEDIATE … COMMIT; rolls back and throws on when `work` or COMMIT throws. */
  transaction<Result>(work: () => Result): Result;
  /**
   * Ends all use; may be called again. The file descriptors of a database with prepared statements stay open, without
   * locks, until the garbage collector has taken those.
   */
  close(): void;
}

export interface SqliteOptions {
  /** Milliseconds that a statement waits, blocking this process, for another one's lock. Default 5000. */
  readonly busyTimeout?: number;
  /** Page cache of this connection in KiB. Default 512: the kernel's cache stands behind it, and memory is budgeted. */
  readonly cacheKiB?: number;
}

/**
 * Opens a database file, making it (mode 0600) if there is none. The folder must exist.
 * Throws RyokanError 'failed' when the file cannot be opened or is not a database.
 */
export function openSqlite(file: string, options: SqliteOptions = {}): SqliteDatabase {
  try {
    createFile(file);
    const native = new DatabaseSync(file, { timeout: options.busyTimeout ?? 5000, returnArrays: true });
    try {
      configure(native, options.cacheKiB ?? 512);
    } catch (error) {
      native.close();
      throw error;
    }
    return new Database(file, native);
  } catch (error) {
    throw openError(file, error);
  }
}

function configure(native: DatabaseSyncInstance, cacheKiB: number): void {
  // Reads the file's header, so what is no database shows here.
  withBusyRetries(() => native.exec('PRAGMA journal_mode = WAL'));
  native.exec(
    `PRAGMA synchronous = FULL;
     PRAGMA cache_size = -${Math.trunc(cacheKiB)};
     PRAGMA journal_size_limit = 4194304;
     PRAGMA trusted_schema = OFF;`,
  );
}

/** SQLite's own texts for the errors that are told apart somewhere, in sqlite3_errmsg. */
const codesByText: readonly (readonly [text: RegExp, code: string])[] = [
  [/^database is locked/, 'SQLITE_BUSY'],
  [/^database table is locked/, 'SQLITE_LOCKED'],
  [/constraint failed/, 'SQLITE_CONSTRAINT'],
  [/^database or disk is full/, 'SQLITE_FULL'],
  [/^database disk image is malformed/, 'SQLITE_CORRUPT'],
  [/^file is not a database/, 'SQLITE_NOTADB'],
];

/**
 * The primary result code of an error by SQLite (`SQLITE_BUSY`, `SQLITE_FULL`, …; `SQLITE_ERROR` when it is not known);
 * undefined when the error is none of SQLite's. The package's `all` throws errors that have only the text.
 */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR')) return undefined;
  if ('sqliteCodeName' in error && typeof error.sqliteCodeName === 'string') return error.sqliteCodeName;
  return codesByText.find(([text]) => text.test(error.message))?.[1] ?? 'SQLITE_ERROR';
}

/** Another connection holds the lock that was needed: the same again a little later may succeed. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED';
}

class Database implements SqliteDatabase {
  readonly file: string;
  #native: DatabaseSyncInstance | undefined;

  constructor(file: string, native: DatabaseSyncInstance) {
    this.file = file;
    this.#native = native;
  }

  exec(sql: string): void {
    this.#open().exec(sql);
  }

  prepare<Parameters extends readonly SqlValue[], Row extends readonly SqlValue[]>(
    sql: string,
  ): SqliteStatement<Parameters, Row> {
    const reads = /^\s*(select|values|pragma|explain)\b/i.test(sql);
    let statement: StatementSyncInstance | undefined;
    /** Prepares at first use: a process rarely uses all statements of its stores. */
    const ready = (parameters: Parameters): StatementSyncInstance => {
      const native = this.#open();
      for (const value of parameters) refuseNul(value);
      statement ??= native.prepare(sql);
      return statement;
    };
    const all = (...parameters: Parameters): Row[] => ready(parameters).all(...parameters) as Row[];
    return {
      get: (...parameters) =>
        reads ? (ready(parameters).get(...parameters) as Row | undefined) : all(...parameters)[0],
      all,
      run: (...parameters) => ready(parameters).run(...parameters).changes,
    };
  }

  transaction<Result>(work: () => Result): Result {
    const native = this.#open();
    native.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      native.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, such as a full disk.
      if (native.isTransaction) native.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#native?.close();
    this.#native = undefined;
  }

  #open(): DatabaseSyncInstance {
    if (!this.#native) throw new RyokanError('unavailable', `The database '${this.file}' is closed`);
    return this.#native;
  }
}

function refuseNul(value: SqlValue): void {
  if (typeof value === 'string' && value.includes('\0'))
    throw new RyokanError('parameter', 'A text with a NUL character cannot be stored');
}

/** Makes an empty file that only its owner can read, and the folder entry durable. SQLite gives -wal and -shm its mode. */
function createFile(file: string): void {
  try {
    closeSync(openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
    throw error;
  }
  const folder = openSync(dirname(file), constants.O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * Switching a new file to WAL mode and recovering a WAL after a crash need exclusive locks, for which SQLite does not
 * always wait by itself when several processes open the file at once.
 */
function withBusyRetries(work: () => void): void {
  const deadline = Date.now() + 5000;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function openError(file: string, error: unknown): RyokanError {
  if (error instanceof RyokanError) return error;
  const code = sqliteCode(error);
  const context = { file };
  if (code === 'SQLITE_NOTADB')
    return new RyokanError(
      'failed',
      `'${file}' is not a SQLite database. Put back the right file, or move this one away`,
      { context, cause: error },
    );
  if (code === 'SQLITE_CORRUPT')
    return new RyokanError('failed', `The database '${file}' is damaged. Restore it from a backup`, {
      context,
      cause: error,
    });
  if (isBusy(error))
    return new RyokanError('unavailable', `The database '${file}' is locked by another process`, {
      context,
      cause: error,
    });
  return new RyokanError('failed', `Cannot open the database '${file}': ${messageOf(error)}`, {
    context,
    cause: error,
  });
}
