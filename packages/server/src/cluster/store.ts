/**
 * The configuration store: text documents by path (`nodes/pve1/qemu-server/100.conf`, `storage.cfg`) with
 * compare-and-set transactions, watches and history. SQLite on one node, etcd in a cluster, memory in tests;
 * store-conformance.ts holds what all of them must do.
 *
 * Reads are synchronous and local (a copy of the last known state); only writes wait for the engine.
 */

import { Turns } from './turns.ts';

/** One document as of one revision. */
export interface Doc {
  readonly path: string;
  readonly text: string;
  /** Store revision of the last change to this document; grows with every transaction, never reused. */
  readonly revision: number;
}

/** What a transaction may rest on: the document has this revision, or with 0 does not exist. */
export interface Condition {
  readonly path: string;
  readonly revision: number;
}

/** Sets a document's text, or removes it with null. Removing what is not there is no error. */
export interface Write {
  readonly path: string;
  readonly text: string | null;
}

export interface Change {
  readonly path: string;
  /** The document after the change; undefined when it was removed. */
  readonly doc: Doc | undefined;
  readonly revision: number;
}

/** An earlier state of a document. */
export interface HistoryEntry {
  readonly revision: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Who wrote it, as given to `commit`. */
  readonly author: string;
  /** Null: the document was removed in this revision. */
  readonly text: string | null;
}

export interface CommitOptions {
  /** Kept in the history: a user id, or the part of the system that wrote. */
  readonly author?: string;
}

export interface ConfigStore {
  get(path: string): Doc | undefined;
  /** All documents whose path starts with `prefix`, ordered by path (byte order). */
  list(prefix: string): Doc[];
  /**
   * Writes all or nothing. Resolves to the new revision once the change is durable, and from then on this
   * process reads it. Rejects with ConflictError when a condition does not hold, with RyokanError
   * 'unavailable' when the engine cannot be reached or has no quorum, 'no-space' when the disk is full, 'parameter' when
   * the engine cannot store it: a path twice, NUL characters, too large. A transaction that changes nothing (only
   * conditions, only removals of what is not there) leaves no trace and resolves to the present revision.
   */
  commit(
    conditions: readonly Condition[],
    writes: readonly Write[],
    options?: CommitOptions,
  ): Promise<number>;
  /**
   * Calls back for each change under `prefix` made after this call by any process, in order of revision, once each.
   * Several documents of one transaction arrive in one call. This process's own changes arrive before their `commit`
   * resolves. Only after a long break (connection lost, process stopped) may a document's changes be merged into the
   * last one. Returns the function that ends the watch.
   */
  watch(prefix: string, onChange: (changes: readonly Change[]) => void): () => void;
  /** Newest first, at most `limit` (default 20). Kept for at least the last 100 changes of a document. */
  history(path: string, limit?: number): Promise<HistoryEntry[]>;
  close(): Promise<void>;
}

/** A condition did not hold: somebody else changed the document in between. */
export class ConflictError extends Error {
  readonly path: string;
  constructor(path: string) {
    super(`'${path}' was changed by somebody else in the meantime`);
    this.name = 'ConflictError';
    this.path = path;
  }
}

/** Updates under way, by store and path. */
const updates = new WeakMap<ConfigStore, Turns>();

/**
 * Reads, changes and writes one document, again from the start when somebody else was faster (at most 20 times).
 * Updates of one document through the same handle wait for each other, so they take none of these tries from each other.
 * `edit` gets the present text (undefined when there is none) and returns the new one, or null to remove it.
 */
export function update(
  store: ConfigStore,
  path: string,
  edit: (text: string | undefined) => string | null,
  options?: CommitOptions,
): Promise<number> {
  const turns = updates.get(store) ?? new Turns();
  updates.set(store, turns);
  return turns.run([path], () => tryUpdate(store, path, edit, options));
}

async function tryUpdate(
  store: ConfigStore,
  path: string,
  edit: (text: string | undefined) => string | null,
  options?: CommitOptions,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const doc = store.get(path);
    const text = edit(doc?.text);
    if (text === (doc?.text ?? null)) return doc?.revision ?? 0;
    try {
      return await store.commit([{ path, revision: doc?.revision ?? 0 }], [{ path, text }], options);
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= 20) throw error;
    }
  }
}
