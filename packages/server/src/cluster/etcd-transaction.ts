/**
 * A store transaction as an etcd transaction, and what etcd's answer means.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { decodeEntry, encodeEntry, type HistoryRings, type RingEnd } from './etcd-history.ts';
import {
  type Compare,
  encode,
  type RequestOperation,
  type TransactionRequest,
  type TransactionResponse,
  toNumber,
} from './etcd-wire.ts';
import type { Condition, Write } from './store.ts';

/** etcd's limits for one transaction (its options --max-txn-ops and --max-request-bytes). */
export interface EtcdLimits {
  readonly operations: number;
  readonly bytes: number;
}

export const defaultLimits: EtcdLimits = { operations: 128, bytes: 1.5 * 1024 * 1024 };

/** A write together with what it rests on. */
export interface PlannedWrite extends Write {
  /** Revision of the document that is overwritten; 0 when there is none. */
  readonly known: number;
  readonly ring: RingEnd;
}

export interface Plan {
  readonly id: string;
  readonly author: string;
  readonly time: number;
  readonly conditions: readonly Condition[];
  readonly writes: readonly PlannedWrite[];
}

/** What became of a transaction. */
export type Outcome = { readonly kind: 'done'; readonly revision: number } | Failure;

export interface Failure {
  readonly kind: 'failed';
  /** Path of a condition that does not hold; undefined when only a document that is overwritten without condition has
   * changed since it was looked at, so that another try may succeed. */
  readonly conflict: string | undefined;
  /** Revisions that the documents have instead, 0 for those that are not there. */
  readonly found: ReadonlyMap<string, number>;
  /** Revision of the whole key space then. */
  readonly at: number;
}

export class TransactionFormat {
  readonly #documents: string;
  readonly #rings: HistoryRings;
  readonly #limits: EtcdLimits;

  constructor(documents: string, rings: HistoryRings, limits: EtcdLimits) {
    this.#documents = documents;
    this.#rings = rings;
    this.#limits = limits;
  }

  /** Throws RyokanError 'parameter' when it is more than etcd takes. */
  request(plan: Plan): TransactionRequest {
    const effective = effectiveWrites(plan);
    const known = revisions(plan);
    const compare = [...known].map(([path, revision]) => unchanged(this.#document(path), revision));
    const success: RequestOperation[] = [];
    for (const write of effective) {
      const slot = this.#rings.key(write.path, this.#rings.next(write.ring));
      if (write.known === 0) compare.push(notNewer(slot, write.ring.revision));
      success.push(this.#operation(write), { request_put: { key: slot, value: entryOf(plan, write) } });
    }
    const failure: RequestOperation[] = [...known.keys()].map((path) => ({
      request_range: { key: this.#document(path), keys_only: true },
    }));
    const first = effective[0];
    if (first)
      failure.push({ request_range: { key: this.#rings.key(first.path, this.#rings.next(first.ring)) } });
    const request = { compare, success, failure };
    this.#check(request, plan.writes.length);
    return request;
  }

  outcome(plan: Plan, answer: TransactionResponse): Outcome {
    if (answer.succeeded) return { kind: 'done', revision: toNumber(answer.header?.revision) };
    const ranges = (answer.responses ?? []).map((response) => response.response_range?.kvs?.[0]);
    const paths = [...revisions(plan).keys()];
    const marker = ranges[paths.length];
    const earlier = marker && decodeEntry(marker);
    // An attempt before this one did it, but its answer was lost.
    if (earlier?.id === plan.id) return { kind: 'done', revision: earlier.revision };
    const found = new Map(paths.map((path, index) => [path, toNumber(ranges[index]?.mod_revision)]));
    const broken = plan.conditions.find(({ path, revision }) => found.get(path) !== revision);
    return { kind: 'failed', conflict: broken?.path, found, at: toNumber(answer.header?.revision) };
  }

  #document(path: string): string {
    return encode(this.#documents + path);
  }

  #operation({ path, text }: Write): RequestOperation {
    const key = this.#document(path);
    return text === null ? { request_delete_range: { key } } : { request_put: { key, value: encode(text) } };
  }

  #check({ compare, success, failure }: TransactionRequest, documents: number): void {
    const operations = Math.max(compare.length, success.length, failure.length);
    if (operations > this.#limits.operations)
      throw new RyokanError(
        'parameter',
        `One transaction with ${documents} documents needs ${operations} etcd operations, more than the ${this.#limits.operations} that etcd takes`,
      );
    const bytes = [...compare, ...success, ...failure].reduce((sum, operation) => sum + sizeOf(operation), 0);
    if (bytes > this.#limits.bytes) throw tooLarge(bytes, this.#limits.bytes);
  }
}

/** What a removal of nothing, and with it the whole list, comes down to. */
export function effectiveWrites(plan: Plan): PlannedWrite[] {
  return plan.writes.filter(({ known, text }) => known !== 0 || text !== null);
}

/** `bytes`: as counted here; undefined when etcd said so. */
export function tooLarge(bytes: number | undefined, most: number): RyokanError {
  const mebibytes = (value: number): string => `${(value / 1024 / 1024).toFixed(1)} MiB`;
  const size =
    bytes === undefined ? 'The change' : `The change takes ${mebibytes(bytes)} with its history entry, which`;
  return new RyokanError(
    'parameter',
    `${size} is more than the ${mebibytes(most)} that etcd takes at once. Make the text shorter`,
  );
}

/** Revisions that the transaction rests on, the caller's and those of the documents that it overwrites. */
function revisions(plan: Plan): Map<string, number> {
  return new Map([
    ...plan.writes.map(({ path, known }) => [path, known] as const),
    ...plan.conditions.map(({ path, revision }) => [path, revision] as const),
  ]);
}

function unchanged(key: string, revision: number): Compare {
  return revision === 0
    ? { key, target: 'CREATE', result: 'EQUAL', create_revision: '0' }
    : { key, target: 'MOD', result: 'EQUAL', mod_revision: `${revision}` };
}

/**
 * For a document that is created, the ring of an earlier one of this path may have grown since it was looked at: then
 * the next slot is newer than what was its end.
 */
function notNewer(slot: string, end: number): Compare {
  return { key: slot, target: 'MOD', result: 'LESS', mod_revision: `${end + 1}` };
}

function entryOf({ id, time, author }: Plan, { text }: Write): string {
  return encodeEntry({ id, time, author, text });
}

/** Bytes of an operation in etcd's own encoding, a little more rather than less. */
function sizeOf(operation: Compare | RequestOperation): number {
  return Math.ceil((JSON.stringify(operation).length * 3) / 4);
}
