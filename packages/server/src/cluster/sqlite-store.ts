/**
 * The configuration store of a single node: one SQLite file that the daemon and its workers have open together.
 *
 * Reads go to SQLite with prepared statements, so they are as new as the last commit of any process and cost no memory.
 * A commit is one BEGIN IMMEDIATE transaction, made and synced to disk before `commit` returns its promise, unless
 * another process is writing just then.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { isBusy, openSqlite, type SqliteDatabase, sqliteCode } from '../host/sqlite.ts';
import { afterPrefix } from './byte-order.ts';
import { ChangeFeed } from './change-feed.ts';
import { prepareSchema } from './sqlite-schema.ts';
import {
  type Change,
  type CommitOptions,
  type Condition,
  type ConfigStore,
  ConflictError,
  type Doc,
  type HistoryEntry,
  type Write,
} from './store.ts';
import { checkTransaction, closedError, defaultHistoryLimit, keptChanges } from './transaction.ts';
import { WalSignal } from './wal-signal.ts';

export interface SqliteStoreOptions {
  /** Milliseconds that a commit waits for other processes' commits before it rejects with 'unavailable'. Default 5000. */
  readonly timeout?: number;
  /** Page cache in KiB, see host/sqlite.ts. */
  readonly cacheKiB?: number;
}

/**
 * How long a commit waits inside SQLite, blocking this process, before it waits outside: enough for another process's
 * commit on a fast disk.
 */
const blockingWait = 10;

/** Changes younger than this stay in the history beyond the number kept, so that no watch of a busy process misses one. */
const watchGrace = 10_000;

type DocRow = [path: string, text: string, revision: number];
type HistoryRow = [revision: number, time: number, author: string, text: string | null];
type ChangeRow = [revision: number, path: string, text: string | null];

/**
 * Opens the store in `file`, making it if there is none; the folder must exist. Throws RyokanError when the file is no
 * configuration store ('failed') or of a newer version ('unsupported').
 */
export function openSqliteStore(file: string, options: SqliteStoreOptions = {}): ConfigStore {
  const database = openSqlite(file, { busyTimeout: blockingWait, cacheKiB: options.cacheKiB });
  try {
    prepareSchema(database);
    return new SqliteStore(database, options.timeout ?? 5000);
  } catch (error) {
    database.close();
    throw error instanceof RyokanError ? error : storeError(file, error);
  }
}

class SqliteStore implements ConfigStore {
  readonly #database: SqliteDatabase;
  readonly #timeout: number;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #feed = new ChangeFeed();
  readonly #signal: WalSignal;
  /** Revision up to which changes were delivered; counts only while there are watches. */
  #delivered = 0;
  #closed = false;

  constructor(database: SqliteDatabase, timeout: number) {
    this.#database = database;
    this.#timeout = timeout;
    this.#statements = prepareStatements(database);
    this.#signal = new WalSignal(database.file);
  }

  get(path: string): Doc | undefined {
    const row = this.#do(() => this.#statements.get.get(path));
    return row && { path, text: row[0], revision: row[1] };
  }

  list(prefix: string): Doc[] {
    const end = afterPrefix(prefix);
    const { from, between } = this.#statements;
    const rows = this.#do(() => (end === undefined ? from.all(prefix) : between.all(prefix, end)));
    return rows.map(([path, text, revision]) => ({ path, text, revision }));
  }

  async commit(
    conditions: readonly Condition[],
    writes: readonly Write[],
    options: CommitOptions = {},
  ): Promise<number> {
    checkTransaction(conditions, writes);
    const author = options.author ?? '';
    const { revision, changed } = await this.#whenFree(() => this.#write(conditions, writes, author));
    if (changed) {
      this.#signal.send();
      if (this.#feed.watched) this.#deliver();
    }
    return revision;
  }

  watch(prefix: string, onChange: (changes: readonly Change[]) => void): () => void {
    if (this.#closed) throw closedError();
    // First the signal, then the look, so that nothing falls between them; and what the others have not seen yet
    // was before this watch.
    if (this.#feed.watched) this.#deliver();
    else {
      this.#signal.start(() => this.#deliver());
      this.#delivered = this.#revision();
    }
    const end = this.#feed.watch(prefix, onChange);
    return () => {
      end();
      if (!this.#feed.watched) this.#signal.stop();
    };
  }

  async history(path: string, limit = defaultHistoryLimit): Promise<HistoryEntry[]> {
    const rows = this.#do(() => this.#statements.history.all(path, limit));
    return rows.map(([revision, time, author, text]) => ({ revision, time, author, text }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#feed.clear();
    this.#signal.stop();
    this.#database.close();
  }

  /** Runs `work` as a transaction: before this returns, or as soon as other processes let it. */
  async #whenFree<Result>(work: () => Result): Promise<Result> {
    const deadline = Date.now() + this.#timeout;
    for (;;) {
      try {
        return this.#database.transaction(work);
      } catch (error) {
        if (!isBusy(error) || Date.now() >= deadline) throw this.#error(error);
      }
      await sleep(1 + Math.random() * 10);
    }
  }

  /** Runs inside a transaction. */
  #write(
    conditions: readonly Condition[],
    writes: readonly Write[],
    author: string,
  ): { revision: number; changed: boolean } {
    const { get, set, remove, remember, forget } = this.#statements;
    for (const { path, revision } of conditions) {
      if ((get.get(path)?.[1] ?? 0) !== revision) throw new ConflictError(path);
    }
    const last = this.#revision();
    const revision = last + 1;
    const time = Date.now();
    let changed = false;
    for (const { path, text } of writes) {
      if (text !== null) set.run(path, text, revision);
      else if (remove.run(path) === 0) continue;
      remember.run(revision, path, time, author, text);
      forget.run(path, time - watchGrace);
      changed = true;
    }
    return { revision: changed ? revision : last, changed };
  }

  #revision(): number {
    return this.#do(() => this.#statements.revision.get()?.[0] ?? 0);
  }

  /** Delivers what was not delivered yet; returns whether there was anything. */
  #deliver(): boolean {
    const rows = this.#do(() => this.#statements.changes.all(this.#delivered));
    const transactions: Change[][] = [];
    for (const [revision, path, text] of rows) {
      const change = { path, doc: text === null ? undefined : { path, text, revision }, revision };
      if (revision === this.#delivered) transactions.at(-1)?.push(change);
      else transactions.push([change]);
      this.#delivered = revision;
    }
    this.#feed.publish(transactions);
    return rows.length > 0;
  }

  #do<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw this.#error(error);
    }
  }

  #error(error: unknown): unknown {
    if (this.#closed) return closedError();
    return error instanceof ConflictError || error instanceof RyokanError || sqliteCode(error) === undefined
      ? error
      : storeError(this.#database.file, error);
  }
}

function prepareStatements(database: SqliteDatabase) {
  const prepare: SqliteDatabase['prepare'] = (sql) => database.prepare(sql);
  return {
    get: prepare<[path: string], [text: string, revision: number]>(
      'SELECT text, revision FROM documents WHERE path = ?',
    ),
    from: prepare<[first: string], DocRow>(
      'SELECT path, text, revision FROM documents WHERE path >= ? ORDER BY path',
    ),
    between: prepare<[first: string, end: string], DocRow>(
      'SELECT path, text, revision FROM documents WHERE path >= ? AND path < ? ORDER BY path',
    ),
    set: prepare<DocRow>(
      `INSERT INTO documents (path, text, revision) VALUES (?, ?, ?)
       ON CONFLICT (path) DO UPDATE SET text = excluded.text, revision = excluded.revision`,
    ),
    remove: prepare<[path: string]>('DELETE FROM documents WHERE path = ?'),
    revision: prepare<[], [revision: number | null]>('SELECT max(revision) FROM history'),
    remember: prepare<[revision: number, path: string, time: number, author: string, text: string | null]>(
      'INSERT INTO history (revision, path, time, author, text) VALUES (?, ?, ?, ?, ?)',
    ),
    forget: prepare<[path: string, olderThan: number]>(
      `DELETE FROM history WHERE path = ?1 AND time < ?2 AND revision <
         (SELECT revision FROM history WHERE path = ?1 ORDER BY revision DESC LIMIT 1 OFFSET ${keptChanges - 1})`,
    ),
    history: prepare<[path: string, limit: number], HistoryRow>(
      'SELECT revision, time, author, text FROM history WHERE path = ? ORDER BY revision DESC LIMIT ?',
    ),
    changes: prepare<[after: number], ChangeRow>(
      'SELECT revision, path, text FROM history WHERE revision > ? ORDER BY revision, path',
    ),
  };
}

function storeError(file: string, error: unknown): RyokanError {
  const options = { context: { file }, cause: error };
  const code = sqliteCode(error);
  if (isBusy(error))
    return new RyokanError(
      'unavailable',
      `The configuration store '${file}' is held by another process`,
      options,
    );
  if (code === 'SQLITE_FULL')
    return new RyokanError('no-space', `No space left to write the configuration store '${file}'`, options);
  if (code?.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB')
    return new RyokanError(
      'failed',
      `The configuration store '${file}' is damaged. Restore it from a backup`,
      options,
    );
  return new RyokanError('failed', `The configuration store '${file}' failed: ${messageOf(error)}`, options);
}
