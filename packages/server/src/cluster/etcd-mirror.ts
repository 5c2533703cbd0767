/**
 * A node's copy of all documents in etcd, kept up to date by a watch. Reads need nothing else, so they go on when etcd
 * or its quorum is gone; the copy catches up by itself once they are back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ChangeFeed } from './change-feed.ts';
import { type EtcdClient, EtcdError } from './etcd-client.ts';
import {
  decode,
  grpcCode,
  type KeyValue,
  keysUnder,
  type RangeRequest,
  type RangeResponse,
  toNumber,
  type WatchResponse,
} from './etcd-wire.ts';
import { SortedDocs } from './sorted-docs.ts';
import type { Change, Doc } from './store.ts';
import { closedError } from './transaction.ts';

/** Documents in one answer while everything is read; fewer when they turn out to be large. */
const pageSize = 1000;

/** Milliseconds between checks that the watched member is still there, and that it gets to answer. */
const pingInterval = 3000;

/** Milliseconds before the watch is opened again: at first, and at most. */
const retryDelay = { first: 50, most: 2000 };

interface Snapshot {
  readonly docs: SortedDocs;
  readonly revision: number;
  readonly cluster: string;
}

type Events = NonNullable<WatchResponse['events']>;

export class EtcdMirror {
  readonly feed = new ChangeFeed();
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #timeout: number;
  readonly #end = new AbortController();
  readonly #waiting = new Set<() => void>();
  #docs = new SortedDocs();
  /** All changes up to this one are in the copy. */
  #revision = 0;
  #cluster = '';
  /** The server has forgotten changes that the copy lacks. */
  #stale = false;
  #following: Promise<void> = Promise.resolve();

  /** `prefix`: what stands before a document's path in its key. `timeout`: milliseconds for one exchange with etcd. */
  constructor(client: EtcdClient, prefix: string, timeout: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.#timeout = timeout;
  }

  get docs(): SortedDocs {
    return this.#docs;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Reads everything and goes on following. Without a quorum it starts with what the member at hand has. */
  async start(): Promise<void> {
    const snapshot = await this.#load(false).catch((error: unknown) => {
      if (error instanceof RyokanError && error.code === 'unavailable') return this.#load(true);
      throw error;
    });
    this.#docs = snapshot.docs;
    this.#revision = snapshot.revision;
    this.#cluster = snapshot.cluster;
    this.#following = this.#follow();
  }

  /** Resolves with true when `test` holds, which is tried after every change; with false at `deadline` or the end. */
  until(test: () => boolean, deadline: number): Promise<boolean> {
    if (test()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (result: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(result);
      };
      const check = (): void => {
        if (test()) settle(true);
        else if (this.#end.signal.aborted) settle(false);
      };
      const timer = setTimeout(() => settle(test()), Math.max(0, deadline - Date.now()));
      this.#waiting.add(check);
    });
  }

  async close(): Promise<void> {
    this.feed.clear();
    this.#end.abort();
    this.#wake();
    await this.#following;
  }

  async #follow(): Promise<void> {
    let delay = retryDelay.first;
    for (let first = true; !this.#end.signal.aborted; first = false) {
      try {
        if (!first) await this.#resume();
        await this.#watch(() => {
          delay = retryDelay.first;
        });
      } catch {
        // Whatever it was: the copy stays as it is, and commits tell their callers why nothing can be changed.
        this.#client.avoidMember();
      }
      await sleep(delay * (0.5 + Math.random()), undefined, { signal: this.#end.signal }).catch(() => {});
      delay = Math.min(delay * 2, retryDelay.most);
    }
  }

  /**
   * Before watching again: reads everything anew when the changes since then cannot be had any more, because etcd has
   * compacted them away or is another cluster, or the same one restored from a backup.
   */
  async #resume(): Promise<void> {
    const request: RangeRequest = { ...keysUnder(this.#prefix), count_only: true };
    const { header } = await this.#range(request);
    const reset = header?.cluster_id !== this.#cluster || toNumber(header?.revision) < this.#revision;
    if (reset || this.#stale) this.#replace(await this.#load(false));
    this.#stale = false;
  }

  /** Follows until the connection or this object ends. */
  async #watch(onAnswer: () => void): Promise<void> {
    const lost = new AbortController();
    const ping = setInterval(() => {
      const request: RangeRequest = { ...keysUnder(this.#prefix), count_only: true, serializable: true };
      this.#client.ping('/v3/kv/range', request, pingInterval).catch(() => lost.abort());
    }, pingInterval);
    let parts: Events = [];
    const onMessage = (message: WatchResponse): void => {
      onAnswer();
      if (message.canceled) {
        this.#stale = message.compact_revision !== undefined;
        throw new Error(message.cancel_reason ?? 'etcd ended the watch');
      }
      parts = [...parts, ...(message.events ?? [])];
      if (message.fragment) return;
      this.#apply(parts);
      // Without events it says that there was none up to this revision; except for the first answer, which says nothing.
      if (parts.length === 0 && !message.created)
        this.#revision = Math.max(this.#revision, toNumber(message.header?.revision));
      parts = [];
    };
    const create = {
      ...keysUnder(this.#prefix),
      start_revision: `${this.#revision + 1}`,
      progress_notify: true,
      fragment: true,
    } as const;
    try {
      const signal = AbortSignal.any([this.#end.signal, lost.signal]);
      await this.#client.watch({ create_request: create }, onMessage, signal);
      if (lost.signal.aborted) throw new Error('the member does not answer');
    } finally {
      clearInterval(ping);
    }
  }

  /** Takes over events, transaction by transaction, so that a callback reads just what it is told about. */
  #apply(events: Events): void {
    let changes: Change[] = [];
    const publish = (): void => {
      if (changes.length === 0) return;
      this.feed.publish([changes]);
      changes = [];
    };
    for (const { type, kv } of events) {
      const revision = toNumber(kv?.mod_revision);
      if (!kv || revision < this.#revision || (revision === this.#revision && changes.length === 0)) continue;
      if (revision !== this.#revision) publish();
      this.#revision = revision;
      const path = this.#path(kv);
      const doc = type === 'DELETE' ? undefined : this.#doc(kv);
      if (doc) this.#docs.set(doc);
      else this.#docs.delete(path);
      changes.push({ path, doc, revision });
    }
    publish();
    this.#wake();
  }

  /** Takes over a whole new copy and delivers the differences, in order of revision. */
  #replace({ docs, revision, cluster }: Snapshot): void {
    const before = this.#docs;
    this.#docs = docs;
    this.#revision = revision;
    this.#cluster = cluster;
    const byRevision = new Map<number, Change[]>();
    const add = (change: Change): void => {
      byRevision.set(change.revision, [...(byRevision.get(change.revision) ?? []), change]);
    };
    for (const doc of docs.list('')) {
      if (before.get(doc.path)?.revision !== doc.revision)
        add({ path: doc.path, doc, revision: doc.revision });
    }
    for (const { path } of before.list('')) {
      // When exactly it was removed is not known any more.
      if (!docs.get(path)) add({ path, doc: undefined, revision });
    }
    this.feed.publish([...byRevision].sort(([a], [b]) => a - b).map(([, changes]) => changes));
    this.#wake();
  }

  /** Everything as of one revision; `local`: as the member at hand has it. */
  async #load(local: boolean): Promise<Snapshot> {
    const docs = new SortedDocs();
    const { key, range_end } = keysUnder(this.#prefix);
    let next = key;
    let limit = pageSize;
    let first: RangeResponse['header'];
    for (;;) {
      const serializable = local ? { serializable: true } : {};
      const page = await this.#page({
        key: next,
        range_end,
        limit: `${limit}`,
        revision: first?.revision,
        ...serializable,
      });
      if (page === 'too large' && limit > 1) {
        limit = Math.ceil(limit / 8);
        continue;
      }
      // Somebody compacted the revision away that the first page was of.
      if (page === 'gone') return this.#load(local);
      if (page === 'too large') throw new RyokanError('failed', 'A document in etcd is too large to be read');
      first ??= page.header;
      for (const kv of page.kvs ?? []) docs.set(this.#doc(kv));
      const last = page.kvs?.at(-1);
      if (!page.more || !last)
        return { docs, revision: toNumber(first?.revision), cluster: first?.cluster_id ?? '' };
      // The key right behind the last one.
      next = Buffer.concat([Buffer.from(last.key, 'base64'), Buffer.from([0])]).toString('base64');
    }
  }

  async #page(request: RangeRequest): Promise<RangeResponse | 'too large' | 'gone'> {
    try {
      return await this.#range(request);
    } catch (error) {
      if (error instanceof EtcdError && error.code === grpcCode.resourceExhausted) return 'too large';
      if (error instanceof EtcdError && error.code === grpcCode.outOfRange) return 'gone';
      throw error;
    }
  }

  #range(request: RangeRequest): Promise<RangeResponse> {
    if (this.#end.signal.aborted) throw closedError();
    return this.#client.request<RangeResponse>('/v3/kv/range', request, Date.now() + this.#timeout);
  }

  #path(kv: KeyValue): string {
    return decode(kv.key).slice(this.#prefix.length);
  }

  #doc(kv: KeyValue): Doc {
    return { path: this.#path(kv), text: decode(kv.value), revision: toNumber(kv.mod_revision) };
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }
}
