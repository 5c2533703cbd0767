/**
 * The configuration store of a cluster: documents in etcd, and a copy of them in each node's memory.
 *
 * Keys: `<prefix>/doc/<path>` with the plain text, `<prefix>/history/<path>\0<slot>` with JSON (etcd-history.ts).
 * A document's revision is etcd's `mod_revision`.
 */
import { randomBytes } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { EtcdClient, EtcdError, type EtcdTls } from './etcd-client.ts';
import { decodeEntry, HistoryRings, type RingEnd } from './etcd-history.ts';
import { EtcdMirror } from './etcd-mirror.ts';
import {
  defaultLimits,
  type EtcdLimits,
  effectiveWrites,
  type Failure,
  type Outcome,
  type Plan,
  TransactionFormat,
  tooLarge,
} from './etcd-transaction.ts';
import { grpcCode, type RangeResponse, type TransactionResponse } from './etcd-wire.ts';
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
import { checkTransaction, closedError, defaultHistoryLimit } from './transaction.ts';
import { Turns } from './turns.ts';

export interface EtcdStoreOptions {
  /** URLs of the members, the nearest first. */
  readonly endpoints: readonly string[];
  /** Starts all keys, for example `/ryokan`. */
  readonly prefix: string;
  readonly tls?: EtcdTls;
  /** Milliseconds after which a commit without an answer rejects with 'unavailable'. Default 5000. */
  readonly timeout?: number;
  /** As etcd was started with, when that is not its default. */
  readonly limits?: EtcdLimits;
}

/**
 * Connects and reads all documents. Rejects with RyokanError 'unavailable' when no member answers; without a quorum it
 * opens with what the member at hand has.
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<ConfigStore> {
  const client = new EtcdClient(options.endpoints, options.tls);
  const timeout = options.timeout ?? 5000;
  const mirror = new EtcdMirror(client, `${options.prefix}/doc/`, timeout);
  try {
    await mirror.start();
  } catch (error) {
    client.close();
    throw storeError(error, options.limits ?? defaultLimits);
  }
  return new EtcdStore(client, mirror, options);
}

class EtcdStore implements ConfigStore {
  readonly #client: EtcdClient;
  readonly #mirror: EtcdMirror;
  readonly #rings: HistoryRings;
  readonly #format: TransactionFormat;
  readonly #limits: EtcdLimits;
  readonly #timeout: number;
  /** Ends of rings by path, as this process's last writes left them. */
  readonly #ends = new Map<string, RingEnd>();
  readonly #turns = new Turns();
  #closing: Promise<void> | undefined;

  constructor(client: EtcdClient, mirror: EtcdMirror, options: EtcdStoreOptions) {
    this.#client = client;
    this.#mirror = mirror;
    this.#timeout = options.timeout ?? 5000;
    this.#limits = options.limits ?? defaultLimits;
    this.#rings = new HistoryRings(`${options.prefix}/history/`);
    this.#format = new TransactionFormat(`${options.prefix}/doc/`, this.#rings, this.#limits);
  }

  get(path: string): Doc | undefined {
    this.#check();
    return this.#mirror.docs.get(path);
  }

  list(prefix: string): Doc[] {
    this.#check();
    return this.#mirror.docs.list(prefix);
  }

  async commit(
    conditions: readonly Condition[],
    writes: readonly Write[],
    options: CommitOptions = {},
  ): Promise<number> {
    this.#check();
    checkTransaction(conditions, writes);
    const deadline = Date.now() + this.#timeout;
    // Two of this process at one document would only make each other try again.
    const paths = writes.map(({ path }) => path);
    return this.#turns.run(paths, () => this.#commit(conditions, writes, options.author ?? '', deadline));
  }

  watch(prefix: string, onChange: (changes: readonly Change[]) => void): () => void {
    this.#check();
    return this.#mirror.feed.watch(prefix, onChange);
  }

  async history(path: string, limit = defaultHistoryLimit): Promise<HistoryEntry[]> {
    this.#check();
    const request = this.#rings.newest(path, limit);
    try {
      const answer = await this.#client.request<RangeResponse>(
        '/v3/kv/range',
        request,
        Date.now() + this.#timeout,
      );
      return (answer.kvs ?? [])
        .map(decodeEntry)
        .map(({ revision, time, author, text }) => ({ revision, time, author, text }));
    } catch (error) {
      throw this.#closing ? closedError() : storeError(error, this.#limits);
    }
  }

  close(): Promise<void> {
    this.#client.close();
    this.#closing ??= this.#mirror.close();
    return this.#closing;
  }

  async #commit(
    conditions: readonly Condition[],
    writes: readonly Write[],
    author: string,
    deadline: number,
  ): Promise<number> {
    const id = randomBytes(9).toString('base64url');
    try {
      for (;;) {
        const plan = await this.#plan({ id, author, time: Date.now(), conditions }, writes, deadline);
        const outcome = await this.#transact(plan, deadline);
        if (outcome.kind === 'done') return await this.#done(plan, outcome.revision, deadline);
        await this.#caughtUp(outcome, deadline);
        if (outcome.conflict !== undefined) throw new ConflictError(outcome.conflict);
      }
    } catch (error) {
      throw this.#closing ? closedError() : storeError(error, this.#limits);
    }
  }

  /** Finds out what the transaction rests on besides its conditions. */
  async #plan(base: Omit<Plan, 'writes'>, writes: readonly Write[], deadline: number): Promise<Plan> {
    const conditioned = new Map(base.conditions.map(({ path, revision }) => [path, revision]));
    const known = writes.map(
      ({ path }) => conditioned.get(path) ?? this.#mirror.docs.get(path)?.revision ?? 0,
    );
    const ends = await this.#ringEnds(writes, known, deadline);
    const planned = writes.map((write, index) => ({
      ...write,
      known: known[index] ?? 0,
      ring: ends.get(write.path) ?? this.#rings.end(write.path, undefined),
    }));
    return { ...base, writes: planned };
  }

  /** The ends of the written documents' rings; asks etcd for those that this process was not the last to write. */
  async #ringEnds(
    writes: readonly Write[],
    known: readonly number[],
    deadline: number,
  ): Promise<Map<string, RingEnd>> {
    const ends = new Map<string, RingEnd>();
    const unknown: string[] = [];
    for (const [index, { path, text }] of writes.entries()) {
      const end = this.#ends.get(path);
      if (end && end.revision === known[index]) ends.set(path, end);
      else if (known[index] !== 0 || text !== null) unknown.push(path);
    }
    if (unknown.length === 0 || unknown.length > this.#limits.operations) return ends;
    const ranges = unknown.map((path) => ({
      request_range: { ...this.#rings.newest(path, 1), keys_only: true },
    }));
    const answer = await this.#client.request<TransactionResponse>(
      '/v3/kv/txn',
      { compare: [], success: ranges, failure: [] },
      deadline,
    );
    for (const [index, path] of unknown.entries())
      ends.set(path, this.#rings.end(path, answer.responses?.[index]?.response_range?.kvs?.[0]));
    return ends;
  }

  async #transact(plan: Plan, deadline: number): Promise<Outcome> {
    const request = this.#format.request(plan);
    const answer = await this.#client.request<TransactionResponse>('/v3/kv/txn', request, deadline);
    return this.#format.outcome(plan, answer);
  }

  /** Waits until this process reads what it wrote. */
  async #done(plan: Plan, revision: number, deadline: number): Promise<number> {
    const effective = effectiveWrites(plan);
    if (effective.length === 0) return revision;
    for (const { path, ring } of effective) this.#ends.set(path, { slot: this.#rings.next(ring), revision });
    if (await this.#mirror.until(() => this.#mirror.revision >= revision, deadline)) return revision;
    throw new RyokanError(
      'unavailable',
      `The change is stored (revision ${revision}), but has not reached this node within ${this.#timeout} ms: it shows the state before until its connection to etcd works again`,
      { context: { revision } },
    );
  }

  /** Waits until the copy shows what the transaction failed on: the next try would fail on the same again. */
  async #caughtUp({ found, at }: Failure, deadline: number): Promise<void> {
    const shown = ([path, revision]: [string, number]): boolean => {
      if (revision > 0) return this.#mirror.revision >= revision;
      const here = this.#mirror.docs.get(path);
      return here === undefined || here.revision > at;
    };
    await this.#mirror.until(() => [...found].every(shown), deadline);
  }

  #check(): void {
    if (this.#closing) throw closedError();
  }
}

function storeError(error: unknown, limits: EtcdLimits): unknown {
  if (!(error instanceof EtcdError)) return error;
  if (error.code === grpcCode.invalidArgument && /too large/.test(error.message))
    return tooLarge(undefined, limits.bytes);
  const full = /space exceeded/.test(error.message);
  return new RyokanError(full ? 'no-space' : 'failed', `etcd refused: ${error.message}`, { cause: error });
}
