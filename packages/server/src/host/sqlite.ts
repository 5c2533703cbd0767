/**
 * SQLite for the rest of the server: a layer over the npm package `libsql`, the only module that knows it
 * (docs/decisions/0001-sqlite-engine.md). Everything here can be said with better-sqlite3 or node:sqlite as well.
 *
 * What differs from plain libsql, and why:
 * - files are made with mode 0600, in WAL mode with synchronous=FULL: what COMMIT returned from survives a power cut;
 * - rows are tuples: libsql adds a `_metadata` field to rows that are objects, and tuples are faster;
 * - a statement stands on a native one for each way to call it, and on a new one after an error: libsql does not always
 *   reset a used statement, and one that is not reset ignores new parameters without a word;
 * - a statement that writes outside `transaction` gets one of its own: libsql leaves a write that found the database
 *   busy "in progress", and then no COMMIT succeeds any more; BEGIN IMMEDIATE by `exec` has no such after-effect;
 * - use after `close` throws: libsql keeps the connection of a closed database alive, and answering, until the
 *   garbage collector has taken its statements. Until then its file descriptors stay open, too;
 * - parameters are checked: libsql cuts texts off at NUL when reading and aborts the process on a boolean.
 *
 * Numbers come back exact up to 2^53; they are bound as REAL, so give columns the type INTEGER.
 */
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import Libsql from 'libsql';

export type SqlValue = string | number | bigint | Uint8Array | null;

/** A prepared statement with the types of its parameters and of a row, both in the order of the SQL text. */
export interface SqliteStatement<Parameters extends readonly SqlValue[], Row extends readonly SqlValue[]> {
  /** The first row. The statement must be one that can have rows, here and with `all`. */
  get(...parameters: Parameters): Row | undefined;
  all(...parameters: Parameters): Row[];
  /** For statements without rows; returns how many rows were changed. */
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
  /** May be called again. */
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
    const database = new Database(file, new Libsql(file, { timeout: options.busyTimeout ?? 5000 }));
    // Reads the file's header, so what is no database shows here.
    withBusyRetries(() => database.prepare('PRAGMA journal_mode = WAL').all());
    database.exec(
      `PRAGMA synchronous = FULL;
       PRAGMA cache_size = -${Math.trunc(options.cacheKiB ?? 512)};
       PRAGMA journal_size_limit = 4194304;
       PRAGMA trusted_schema = OFF;`,
    );
    return database;
  } catch (error) {
    throw openError(file, error);
  }
}

/** The SQLite result code of an error (`SQLITE_BUSY`, `SQLITE_FULL`, …); undefined when it is none of SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : undefined;
}

/** Another connection holds the lock that was needed: the same again a little later may succeed. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && /^SQLITE_(BUSY|LOCKED)/.test(code);
}

class Database implements SqliteDatabase {
  readonly file: string;
  #native: Libsql.Database | undefined;

  constructor(file: string, native: Libsql.Database) {
    this.file = file;
    this.#native = native;
  }

  exec(sql: string): void {
    this.#open().exec(sql);
  }

  prepare<Parameters extends readonly SqlValue[], Row extends readonly SqlValue[]>(
    sql: string,
  ): SqliteStatement<Parameters, Row> {
    const withRows = (): NativeStatement => this.#open().prepare<SqlValue[][]>(sql).raw();
    const get = new Reused(withRows);
    const all = new Reused(withRows);
    const run = new Reused(() => withoutRows(this.#open().prepare<SqlValue[][]>(sql)));
    const reads = /^\s*(select|values|pragma|explain)\b/i.test(sql);
    const call = <Result>(work: () => Result): Result => {
      const native = this.#open();
      return reads || native.inTransaction ? work() : this.transaction(work);
    };
    return {
      get: (...parameters) =>
        call(() => get.use(parameters, (native, values) => native.get(values))) as Row | undefined,
      all: (...parameters) =>
        call(() => all.use(parameters, (native, values) => native.all(values))) as Row[],
      run: (...parameters) => call(() => run.use(parameters, (native, values) => native.run(values).changes)),
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
      if (native.inTransaction) native.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#native?.close();
    this.#native = undefined;
  }

  #open(): Libsql.Database {
    if (!this.#native) throw new RyokanError('unavailable', `The database '${this.file}' is closed`);
    return this.#native;
  }
}

type NativeStatement = Libsql.Statement<SqlValue[][]>;

/** libsql's `run` stops at the first row, in the middle of the statement, and no COMMIT succeeds after that. */
function withoutRows(native: NativeStatement): NativeStatement {
  if (native.columns().length > 0)
    throw new TypeError('A SQL statement with rows is called by get or all, not by run');
  return native;
}

/** A native statement that is prepared at first use, and again after an error. */
class Reused {
  readonly #prepare: () => NativeStatement;
  #native: NativeStatement | undefined;

  constructor(prepare: () => NativeStatement) {
    this.#prepare = prepare;
  }

  use<Result>(
    parameters: readonly SqlValue[],
    work: (native: NativeStatement, values: SqlValue[]) => Result,
  ): Result {
    checkParameters(parameters);
    this.#native ??= this.#prepare();
    try {
      return work(this.#native, parameters as SqlValue[]);
    } catch (error) {
      this.#native = undefined;
      throw error;
    }
  }
}

function checkParameters(parameters: readonly unknown[]): void {
  for (const value of parameters) {
    if (typeof value === 'string') {
      if (value.includes('\0'))
        throw new RyokanError('parameter', 'A text with a NUL character cannot be stored');
    } else if (
      !(
        typeof value === 'number' ||
        typeof value === 'bigint' ||
        value === null ||
        value instanceof Uint8Array
      )
    ) {
      throw new TypeError(`A ${typeof value} cannot be a parameter of a SQL statement`);
    }
  }
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
  if (code?.startsWith('SQLITE_CORRUPT'))
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
