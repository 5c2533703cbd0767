/**
 * Watches of a store's process: who wants to hear of changes under which prefix, and the delivery.
 */
import type { Change } from './store.ts';

interface Watch {
  readonly prefix: string;
  readonly onChange: (changes: readonly Change[]) => void;
  /** Transactions up to this one were published before the watch began. */
  readonly after: number;
}

export class ChangeFeed {
  readonly #watches = new Set<Watch>();
  readonly #queue: { readonly number: number; readonly changes: readonly Change[] }[] = [];
  #published = 0;
  #delivering = false;

  get watched(): boolean {
    return this.#watches.size > 0;
  }

  /** Adds a watch for what is published from now on; returns the function that ends it. */
  watch(prefix: string, onChange: (changes: readonly Change[]) => void): () => void {
    const watch: Watch = { prefix, onChange, after: this.#published };
    this.#watches.add(watch);
    return () => {
      this.#watches.delete(watch);
    };
  }

  /**
   * Delivers transactions, oldest first, before it returns. Called from inside a callback it only queues them, and they
   * are delivered right after those that are being delivered: everybody sees the same order.
   */
  publish(transactions: readonly (readonly Change[])[]): void {
    for (const changes of transactions) this.#queue.push({ number: ++this.#published, changes });
    if (this.#delivering) return;
    this.#delivering = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift())
      this.#deliver(next.number, next.changes);
    this.#delivering = false;
  }

  /** Ends all watches. */
  clear(): void {
    this.#watches.clear();
  }

  #deliver(number: number, changes: readonly Change[]): void {
    for (const watch of [...this.#watches]) {
      // An earlier callback may have ended this watch.
      if (watch.after >= number || !this.#watches.has(watch)) continue;
      const seen = changes.filter((change) => change.path.startsWith(watch.prefix));
      if (seen.length > 0) callBack(watch, seen);
    }
  }
}

/** A callback that throws is a programming error: it becomes an uncaught exception, and the other watches go on. */
function callBack(watch: Watch, changes: readonly Change[]): void {
  try {
    watch.onChange(changes);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
