/**
 * How the last changes of a document are kept in etcd: a ring of keys for each document, one key a change, written in
 * the transaction of the change itself. A ring needs no removal of old entries, and etcd's own revision of a key puts
 * its entries in order, so nothing but the place of the newest one has to be known to write the next.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { decode, encode, type KeyValue, keysUnder, type RangeRequest, toNumber } from './etcd-wire.ts';
import type { HistoryEntry } from './store.ts';
import { keptChanges } from './transaction.ts';

/** Value of a ring's key, as JSON. */
interface StoredEntry {
  /** Of the transaction, so that one whose answer was lost knows its own work again. */
  readonly id: string;
  readonly time: number;
  readonly author: string;
  readonly text: string | null;
}

/** Newest entry of a document's ring. */
export interface RingEnd {
  /** Place in the ring. */
  readonly slot: number;
  /** Revision of the change; 0 when the ring is empty. */
  readonly revision: number;
}

/** Before the first change. */
const emptyRing: RingEnd = { slot: -1, revision: 0 };

export class HistoryRings {
  readonly #prefix: string;

  /** `prefix`: what stands before a document's path in the keys. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Paths have no NUL, so it ends the path. */
  #ring(path: string): string {
    return `${this.#prefix}${path}\0`;
  }

  key(path: string, slot: number): string {
    return encode(`${this.#ring(path)}${slot}`);
  }

  next({ slot }: RingEnd): number {
    return (slot + 1) % keptChanges;
  }

  /** Asks for the last `limit` entries, newest first. */
  newest(path: string, limit: number): RangeRequest {
    return { ...keysUnder(this.#ring(path)), limit: `${limit}`, sort_target: 'MOD', sort_order: 'DESCEND' };
  }

  /** From the answer to `newest(path, 1)`. */
  end(path: string, newest: KeyValue | undefined): RingEnd {
    if (!newest) return emptyRing;
    return {
      slot: Number(decode(newest.key).slice(this.#ring(path).length)),
      revision: toNumber(newest.mod_revision),
    };
  }
}

export function encodeEntry(entry: StoredEntry): string {
  return encode(JSON.stringify(entry));
}

export function decodeEntry(kv: KeyValue): HistoryEntry & { readonly id: string } {
  const { id, time, author, text } = parseEntry(decode(kv.value));
  return { id, time, author, text, revision: toNumber(kv.mod_revision) };
}

function parseEntry(text: string): StoredEntry {
  try {
    return JSON.parse(text) as StoredEntry;
  } catch (cause) {
    throw new RyokanError('failed', `A history entry in etcd cannot be read: ${text.slice(0, 80)}`, {
      cause,
    });
  }
}
