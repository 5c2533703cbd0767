/**
 * Tables of `config.db`, and the check that a file is one this version can use.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { SqliteDatabase } from '../host/sqlite.ts';

/** Raised when older versions can no longer use the file. */
export const schemaVersion = 1;

/**
 * Texts compare by bytes (SQLite's BINARY), so the primary key gives the order of paths. The newest row of a document
 * stays in `history` for ever: its largest revision is the store's, and removals are found there.
 */
const tables = `
  CREATE TABLE IF NOT EXISTS documents (
    path TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    revision INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS history (
    revision INTEGER NOT NULL,
    path TEXT NOT NULL,
    time INTEGER NOT NULL,
    author TEXT NOT NULL,
    text TEXT,
    PRIMARY KEY (revision, path)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS history_of_path ON history (path, revision);
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  INSERT OR IGNORE INTO meta VALUES ('schema', '${schemaVersion}');
`;

/** Makes the tables in an empty database; throws RyokanError when the file holds something else or something newer. */
export function prepareSchema(database: SqliteDatabase): void {
  const names = database.prepare<[], [string]>("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  // Two processes may open a new file at once, hence IF NOT EXISTS.
  if (names.length === 0) database.transaction(() => database.exec(tables));
  else if (!names.some(([name]) => name === 'meta')) throw foreignDatabase(database.file);
  const found = database.prepare<[], [string]>("SELECT value FROM meta WHERE key = 'schema'").get();
  const version = Number(found?.[0]);
  if (!Number.isInteger(version)) throw foreignDatabase(database.file);
  if (version > schemaVersion)
    throw new RyokanError(
      'unsupported',
      `'${database.file}' was written by a newer version of Ryokan (format ${version}, this version knows up to ${schemaVersion}). Install that version again`,
      { context: { file: database.file, version } },
    );
}

function foreignDatabase(file: string): RyokanError {
  return new RyokanError(
    'failed',
    `'${file}' is a SQLite database, but not a configuration store. Put back the right file, or move this one away`,
    { context: { file } },
  );
}
