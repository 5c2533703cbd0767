/**
 * The sessions of this node, for people to look at: who has logged in from where, and when they were last here. A file of
 * its own, which nothing depends on: whether a ticket holds is said by its signature and by `priv/sessions.cfg`.
 */
import { openSqlite, type SqliteDatabase, type SqlValue } from '../../host/sqlite.ts';

/** Times are seconds since the epoch. */
export interface Session {
  readonly id: string;
  /** `user@realm`. */
  readonly user: string;
  /** As in its tickets. */
  readonly generation: number;
  /** Address of the client at the login or the last renewal. */
  readonly remote: string;
  /** What the client calls itself (User-Agent), at most `maxAgent` characters. */
  readonly agent: string;
  /** Kind of the second factor that was used; empty without one. */
  readonly factor: string;
  readonly created: number;
  /** When its present ticket was given out. */
  readonly renewed: number;
  /** When a ticket of it was last used here. */
  readonly seen: number;
}

/** Sessions that are remembered: programs that log in for each call make many. */
const maxSessions = 5000;
const maxAgent = 200;

type Row = [string, string, number, string, string, string, number, number];
const columns = 'id, user, generation, remote, agent, factor, created, renewed';

export class SessionBook {
  private readonly db: SqliteDatabase;
  private readonly sessions = new Map<string, { -readonly [K in keyof Session]: Session[K] }>();

  /** `file` is made when there is none. `life`: seconds after which a ticket that was not renewed has run out. */
  constructor(
    file: string,
    private readonly life: number,
  ) {
    this.db = openSqlite(file, { cacheKiB: 64 });
    // Losing the last moments in a power cut is no harm: the list is for people.
    this.db.exec(`PRAGMA synchronous = OFF;
      CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, user TEXT NOT NULL, generation INTEGER NOT NULL,
        remote TEXT NOT NULL, agent TEXT NOT NULL, factor TEXT NOT NULL, created INTEGER NOT NULL, renewed INTEGER NOT NULL) STRICT;`);
    const rows = this.db.prepare<[], Row>(`SELECT ${columns} FROM sessions ORDER BY renewed`).all();
    for (const [id, user, generation, remote, agent, factor, created, renewed] of rows)
      this.sessions.set(id, { id, user, generation, remote, agent, factor, created, renewed, seen: renewed });
  }

  begin(session: Omit<Session, 'created' | 'renewed' | 'seen'>, now: number): void {
    const agent = oneLine(session.agent).slice(0, maxAgent);
    const entry = { ...session, agent, created: now, renewed: now, seen: now };
    this.makeRoom(now);
    this.sessions.set(session.id, entry);
    this.db
      .prepare<SqlValue[]>(`INSERT OR REPLACE INTO sessions (${columns}) VALUES (?,?,?,?,?,?,?,?)`)
      .run(entry.id, entry.user, entry.generation, entry.remote, entry.agent, entry.factor, now, now);
  }

  /** A ticket of the session was renewed. One that is not known here (its list was lost) begins anew. */
  renew(one: Omit<Session, 'created' | 'renewed' | 'seen'>, now: number): void {
    const { id, remote } = one;
    const session = this.sessions.get(id);
    if (!session) return this.begin(one, now);
    Object.assign(session, { remote, renewed: now, seen: now });
    this.db
      .prepare<SqlValue[]>('UPDATE sessions SET remote = ?, renewed = ? WHERE id = ?')
      .run(remote, now, id);
  }

  /** Called for every request: no more than a look-up. */
  touch(id: string, now: number): void {
    const session = this.sessions.get(id);
    if (session) session.seen = now;
  }

  get(id: string): Session | undefined {
    return this.sessions.get(id);
  }

  forget(id: string): void {
    if (this.sessions.delete(id)) this.db.prepare<[string]>('DELETE FROM sessions WHERE id = ?').run(id);
  }

  /** Those whose tickets may still hold, newest first. */
  list(now: number): Session[] {
    this.dropPast(now);
    return [...this.sessions.values()].sort((a, b) => b.created - a.created);
  }

  close(): void {
    this.db.close();
  }

  private makeRoom(now: number): void {
    if (this.sessions.size < maxSessions) return;
    this.dropPast(now);
    for (const id of this.sessions.keys()) {
      if (this.sessions.size < maxSessions) return;
      this.forget(id);
    }
  }

  private dropPast(now: number): void {
    for (const { id, renewed } of [...this.sessions.values()])
      if (renewed + this.life <= now) this.forget(id);
  }
}

/** The text comes from the client: nothing in it may command a terminal or break a line. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').trim();
