/**
 * node.db: the task index, locks and undo records of this node. Daemon and workers open it at the same time.
 * Losing its last moments in a power cut is no harm (tasks and locks end with the machine), so it does not wait
 * for the disk, unlike the config store.
 */
import { isAlive } from '../host/procfs.ts';
import { openSqlite, type SqliteDatabase, type SqliteStatement, type SqlValue } from '../host/sqlite.ts';
import { KeptAnswers } from './kept-answers.ts';
import type { TaskFilter, TaskRow } from './tasks.ts';

export interface UndoRecord {
  readonly name: string;
  readonly args: Readonly<Record<string, string | number>>;
}

export interface LockOwner {
  /** UPID, or `daemon`. */
  readonly owner: string;
  readonly pid: number;
  readonly pstart: number;
}

export interface LogLine {
  readonly uid: number;
  /** Seconds since the epoch. */
  readonly time: number;
  /** Syslog priority: 3 error, 6 information. */
  readonly pri: number;
  /** Program that wrote it. */
  readonly tag: string;
  readonly pid: number;
  /** `user@realm` or `user@realm!token`. */
  readonly user: string;
  readonly msg: string;
}

/** Begins the method name of a task that lives in the daemon, see TaskManager.inline. */
export const inlinePrefix = 'inline.';

type Row = [string, string, number, number, number, number | null, string, string, string, string | null];
const columns = 'upid, node, pid, pstart, starttime, endtime, type, id, user, status';

export class NodeDb {
  private readonly db: SqliteDatabase;
  private readonly statements = new Map<string, unknown>();
  /** Of calls with an Idempotency-Key. */
  readonly answers: KeptAnswers;

  constructor(file: string) {
    this.db = openSqlite(file, { cacheKiB: 256 });
    this.db.exec(`PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS tasks (upid TEXT PRIMARY KEY, node TEXT NOT NULL, pid INTEGER NOT NULL,
        pstart INTEGER NOT NULL, starttime INTEGER NOT NULL, endtime INTEGER, type TEXT NOT NULL, id TEXT NOT NULL,
        user TEXT NOT NULL, status TEXT, method TEXT NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS tasks_by_start ON tasks (starttime);
      CREATE INDEX IF NOT EXISTS tasks_running ON tasks (upid) WHERE endtime IS NULL;
      CREATE TABLE IF NOT EXISTS locks (name TEXT PRIMARY KEY, owner TEXT NOT NULL, pid INTEGER NOT NULL,
        pstart INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS undos (upid TEXT NOT NULL, seq INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL, args TEXT NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS undos_by_task ON undos (upid);
      CREATE TABLE IF NOT EXISTS cluster_log (uid INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,
        pri INTEGER NOT NULL, tag TEXT NOT NULL, pid INTEGER NOT NULL, user TEXT NOT NULL, msg TEXT NOT NULL) STRICT;`);
    this.answers = new KeptAnswers(this.db);
  }

  insertTask(row: TaskRow, method: string): void {
    const { upid, node, pid, pstart, starttime, type, id, user } = row;
    this.sql<SqlValue[]>(
      'INSERT INTO tasks (upid, node, pid, pstart, starttime, type, id, user, method) VALUES (?,?,?,?,?,?,?,?,?)',
    ).run(upid, node, pid, pstart, starttime, type, id, user, method);
  }

  /** False when the task had ended before: the first end stands. */
  endTask(upid: string, status: string, endtime: number): boolean {
    const ended = this.sql<SqlValue[]>(
      'UPDATE tasks SET endtime = ?, status = ? WHERE upid = ? AND endtime IS NULL',
    );
    return ended.run(endtime, status, upid) > 0;
  }

  /** Ends the tasks that lived in a daemon which is gone. */
  endInline(status: string, endtime: number): void {
    this.sql<SqlValue[]>(
      'UPDATE tasks SET endtime = ?, status = ? WHERE endtime IS NULL AND substr(method, 1, length(?)) = ?',
    ).run(endtime, status, inlinePrefix, inlinePrefix);
  }

  task(upid: string): TaskRow | undefined {
    const row = this.sql<[string], Row>(`SELECT ${columns} FROM tasks WHERE upid = ?`).get(upid);
    return row && toTask(row);
  }

  running(): TaskRow[] {
    return this.sql<[], Row>(
      `SELECT ${columns} FROM tasks WHERE endtime IS NULL ORDER BY starttime DESC, rowid DESC`,
    )
      .all()
      .map(toTask);
  }

  list(filter: TaskFilter): { rows: TaskRow[]; total: number } {
    const { sql, values } = conditions(filter);
    const [total] = this.sql<SqlValue[], [number]>(`SELECT count(*) FROM tasks ${sql}`).get(...values) ?? [0];
    const limit = filter.limit === 0 ? -1 : (filter.limit ?? 50);
    const rows = this.sql<SqlValue[], Row>(
      `SELECT ${columns} FROM tasks ${sql} ORDER BY endtime IS NULL DESC, starttime DESC, rowid DESC LIMIT ? OFFSET ?`,
    ).all(...values, limit, filter.start ?? 0);
    return { rows: rows.map(toTask), total };
  }

  /** UPIDs of ended tasks beyond the newest `keep`, taken out of the index; their logs are the caller's to remove. */
  trim(keep: number): string[] {
    return this.sql<[number], [string]>(
      `DELETE FROM tasks WHERE endtime IS NOT NULL AND rowid <= (SELECT max(rowid) FROM tasks) - ? RETURNING upid`,
    )
      .all(keep)
      .map(([upid]) => upid);
  }

  /** Enters a line of the cluster log and lets those go that are older than the newest `keep`. */
  addLogLine({ time, pri, tag, pid, user, msg }: Omit<LogLine, 'uid'>, keep: number): void {
    this.db.transaction(() => {
      this.sql<SqlValue[]>(
        'INSERT INTO cluster_log (time, pri, tag, pid, user, msg) VALUES (?,?,?,?,?,?)',
      ).run(time, pri, tag, pid, user, msg);
      this.sql<[number]>('DELETE FROM cluster_log WHERE uid <= (SELECT max(uid) FROM cluster_log) - ?').run(
        keep,
      );
    });
  }

  /** Newest first, at most `max`; only those of `user` and its tokens when one is given. */
  logLines(max: number, user?: string): LogLine[] {
    const sql = user === undefined ? '' : `WHERE ${isOwner}`;
    const values = user === undefined ? [] : [user, user, user];
    return this.sql<SqlValue[], [number, number, number, string, number, string, string]>(
      `SELECT uid, time, pri, tag, pid, user, msg FROM cluster_log ${sql} ORDER BY uid DESC LIMIT ?`,
    )
      .all(...values, max)
      .map(([uid, time, pri, tag, pid, owner, msg]) => ({ uid, time, pri, tag, pid, user: owner, msg }));
  }

  addUndo(upid: string, undo: UndoRecord): void {
    this.sql<[string, string, string]>('INSERT INTO undos (upid, name, args) VALUES (?,?,?)').run(
      upid,
      undo.name,
      JSON.stringify(undo.args),
    );
  }

  /** Takes the newest undo of a task out; undefined when there is none left. */
  popUndo(upid: string): UndoRecord | undefined {
    const row = this.sql<[string], [string, string]>(
      'DELETE FROM undos WHERE seq = (SELECT max(seq) FROM undos WHERE upid = ?) RETURNING name, args',
    ).get(upid);
    return row && { name: row[0], args: JSON.parse(row[1]) as UndoRecord['args'] };
  }

  /** Arguments of all undos of that name, of whatever task. */
  undosNamed(name: string): UndoRecord['args'][] {
    return this.sql<[string], [string]>('SELECT args FROM undos WHERE name = ?')
      .all(name)
      .map(([args]) => JSON.parse(args) as UndoRecord['args']);
  }

  clearUndos(upid: string): void {
    this.sql<[string]>('DELETE FROM undos WHERE upid = ?').run(upid);
  }

  /** Takes a lock; undefined when it is ours now, else its living holder. Locks of dead processes are taken over. */
  lock(name: string, owner: LockOwner): LockOwner | undefined {
    const livingHolder = () => {
      const holder = this.lockHolder(name);
      return holder && isAlive(holder.pid, holder.pstart) ? holder : undefined;
    };
    // Those who wait look often: only who may get it takes the database's write lock.
    const seen = livingHolder();
    if (seen) return seen;
    return this.db.transaction(() => {
      const holder = livingHolder();
      if (holder) return holder;
      this.sql<SqlValue[]>('INSERT OR REPLACE INTO locks (name, owner, pid, pstart) VALUES (?,?,?,?)').run(
        name,
        owner.owner,
        owner.pid,
        owner.pstart,
      );
      return undefined;
    });
  }

  unlock(name: string, owner: string): void {
    this.sql<[string, string]>('DELETE FROM locks WHERE name = ? AND owner = ?').run(name, owner);
  }

  unlockAll(owner: string): void {
    this.sql<[string]>('DELETE FROM locks WHERE owner = ?').run(owner);
  }

  lockHolder(name: string): LockOwner | undefined {
    const row = this.sql<[string], [string, number, number]>(
      'SELECT owner, pid, pstart FROM locks WHERE name = ?',
    ).get(name);
    return row && { owner: row[0], pid: row[1], pstart: row[2] };
  }

  /** A prepared statement, kept by its text. */
  private sql<Parameters extends readonly SqlValue[], Row extends readonly SqlValue[] = []>(
    text: string,
  ): SqliteStatement<Parameters, Row> {
    const kept = this.statements.get(text) as SqliteStatement<Parameters, Row> | undefined;
    if (kept) return kept;
    const made = this.db.prepare<Parameters, Row>(text);
    this.statements.set(text, made);
    return made;
  }

  close(): void {
    this.db.close();
  }
}

/** A user or one of the user's tokens; the user stands for each of the three places. */
const isOwner = "(user = ? OR substr(user, 1, length(?) + 1) = ? || '!')";

function conditions(filter: TaskFilter): { sql: string; values: SqlValue[] } {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const add = (sql: string, ...more: SqlValue[]) => {
    parts.push(sql);
    values.push(...more);
  };
  const source = filter.source ?? 'archive';
  if (source !== 'all') add(source === 'active' ? 'endtime IS NULL' : 'endtime IS NOT NULL');
  if (filter.vmid !== undefined) add('id = ?', String(filter.vmid));
  if (filter.user !== undefined) add('instr(lower(user), lower(?)) > 0', filter.user);
  if (filter.owner !== undefined) add(isOwner, filter.owner, filter.owner, filter.owner);
  if (filter.typefilter !== undefined) add('type = ?', filter.typefilter);
  if (filter.since !== undefined) add('starttime >= ?', filter.since);
  if (filter.until !== undefined) add('starttime <= ?', filter.until);
  if (filter.errors) add("status IS NOT NULL AND status <> 'OK' AND status NOT LIKE 'WARNINGS:%'");
  if (filter.statusfilter && filter.statusfilter.length > 0) {
    const sql = filter.statusfilter.map((one) => statusConditions[one] ?? '0').join(' OR ');
    add(`(${sql})`);
  }
  return { sql: parts.length > 0 ? `WHERE ${parts.join(' AND ')}` : '', values };
}

const statusConditions: Readonly<Record<string, string>> = {
  ok: "status = 'OK'",
  warning: "status LIKE 'WARNINGS:%'",
  error: "(status <> 'OK' AND status NOT LIKE 'WARNINGS:%' AND status <> 'unexpected status')",
  unknown: "(status IS NULL OR status = 'unexpected status')",
};

function toTask(row: Row): TaskRow {
  const [upid, node, pid, pstart, starttime, endtime, type, id, user, status] = row;
  const end = endtime === null ? {} : { endtime, status: status ?? 'unexpected status' };
  return { upid, node, pid, pstart, starttime, type, id, user, ...end };
}
