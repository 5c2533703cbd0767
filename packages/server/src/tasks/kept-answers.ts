/** Answers to calls that carried an Idempotency-Key, in node.db: who called with which key, and what came of it. */
import type { SqliteDatabase } from '../host/sqlite.ts';

export interface KeptAnswer {
  /** Of the call, so that another one with the same key is noticed. */
  readonly fingerprint: string;
  /** The answer's body; undefined when the call never ended, or its answer was not for keeping. */
  readonly body: string | undefined;
  readonly state: 'begun' | 'answered';
}

/** Keys that one user may have at a time; the oldest go first. */
const keysPerUser = 1000;

export class KeptAnswers {
  constructor(private readonly db: SqliteDatabase) {
    db.exec(`CREATE TABLE IF NOT EXISTS answers (user TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
      time INTEGER NOT NULL, state TEXT NOT NULL, body TEXT, PRIMARY KEY (user, key)) STRICT`);
  }

  /** Not older than `oldest`, in seconds. */
  find(user: string, key: string, oldest: number): KeptAnswer | undefined {
    const row = this.db
      .prepare<[string, string, number], [string, string | null, KeptAnswer['state']]>(
        'SELECT fingerprint, body, state FROM answers WHERE user = ? AND key = ? AND time >= ?',
      )
      .get(user, key, oldest);
    return row && { fingerprint: row[0], body: row[1] ?? undefined, state: row[2] };
  }

  /** Notes that a call begins; `time` in seconds. Forgets what is older than `oldest`, and keys beyond the limit. */
  begin(user: string, key: string, fingerprint: string, time: number, oldest: number): void {
    this.db.transaction(() => {
      this.db.prepare<[number]>('DELETE FROM answers WHERE time < ?').run(oldest);
      this.db
        .prepare<[string, number]>(
          `DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE user = ? ORDER BY time DESC LIMIT -1 OFFSET ?)`,
        )
        .run(user, keysPerUser - 1);
      this.db
        .prepare<[string, string, string, number]>(
          `INSERT OR REPLACE INTO answers (user, key, fingerprint, time, state) VALUES (?,?,?,?,'begun')`,
        )
        .run(user, key, fingerprint, time);
    });
  }

  /** `body`: what to answer from now on, also after a restart; undefined for what must not be written down. */
  answered(user: string, key: string, body: string | undefined): void {
    this.db
      .prepare<[string | null, string, string]>(
        `UPDATE answers SET state = 'answered', body = ? WHERE user = ? AND key = ?`,
      )
      .run(body ?? null, user, key);
  }

  forget(user: string, key: string): void {
    this.db.prepare<[string, string]>('DELETE FROM answers WHERE user = ? AND key = ?').run(user, key);
  }
}
