/**
 * The configuration store without an engine: for tests, and as the plainest statement of what the others do.
 * Handles that `share` the documents stand for processes.
 */
import { ChangeFeed } from './change-feed.ts';
import { SortedDocs } from './sorted-docs.ts';
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

/** What all handles see. */
interface Shared {
  readonly docs: SortedDocs;
  /** By path, oldest first. */
  readonly history: Map<string, HistoryEntry[]>;
  readonly feeds: Set<ChangeFeed>;
  revision: number;
}

export class MemoryStore implements ConfigStore {
  readonly #shared: Shared;
  readonly #feed = new ChangeFeed();
  #closed = false;

  /** `sharing`: another handle, whose documents this one shows as well. */
  constructor(sharing?: MemoryStore) {
    this.#shared = sharing
      ? sharing.#shared
      : { docs: new SortedDocs(), history: new Map(), feeds: new Set(), revision: 0 };
    this.#shared.feeds.add(this.#feed);
  }

  get(path: string): Doc | undefined {
    this.#check();
    return this.#shared.docs.get(path);
  }

  list(prefix: string): Doc[] {
    this.#check();
    return this.#shared.docs.list(prefix);
  }

  async commit(
    conditions: readonly Condition[],
    writes: readonly Write[],
    options: CommitOptions = {},
  ): Promise<number> {
    this.#check();
    checkTransaction(conditions, writes);
    const { docs, feeds } = this.#shared;
    for (const { path, revision } of conditions) {
      if ((docs.get(path)?.revision ?? 0) !== revision) throw new ConflictError(path);
    }
    const effective = writes.filter(({ path, text }) => text !== null || docs.get(path) !== undefined);
    if (effective.length === 0) return this.#shared.revision;
    const revision = ++this.#shared.revision;
    const time = Date.now();
    const changes = effective.map((write) => this.#write(write, revision, time, options.author ?? ''));
    for (const feed of feeds) feed.publish([changes]);
    return revision;
  }

  watch(prefix: string, onChange: (changes: readonly Change[]) => void): () => void {
    this.#check();
    return this.#feed.watch(prefix, onChange);
  }

  async history(path: string, limit = defaultHistoryLimit): Promise<HistoryEntry[]> {
    this.#check();
    return (this.#shared.history.get(path) ?? []).toReversed().slice(0, limit);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#feed.clear();
    this.#shared.feeds.delete(this.#feed);
  }

  #write({ path, text }: Write, revision: number, time: number, author: string): Change {
    const { docs, history } = this.#shared;
    const entries = history.get(path) ?? [];
    history.set(path, [...entries.slice(1 - keptChanges), { revision, time, author, text }]);
    if (text === null) {
      docs.delete(path);
      return { path, doc: undefined, revision };
    }
    const doc: Doc = { path, text, revision };
    docs.set(doc);
    return { path, doc, revision };
  }

  #check(): void {
    if (this.#closed) throw closedError();
  }
}
