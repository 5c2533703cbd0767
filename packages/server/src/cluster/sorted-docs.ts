/**
 * Documents in memory, found by path and listed by prefix.
 */
import { compareBytes } from './byte-order.ts';
import type { Doc } from './store.ts';

export class SortedDocs {
  readonly #docs = new Map<string, Doc>();
  /** All paths in byte order. */
  #paths: string[] = [];

  get size(): number {
    return this.#docs.size;
  }

  get(path: string): Doc | undefined {
    return this.#docs.get(path);
  }

  set(doc: Doc): void {
    if (!this.#docs.has(doc.path)) this.#paths.splice(this.#position(doc.path), 0, doc.path);
    this.#docs.set(doc.path, doc);
  }

  delete(path: string): void {
    if (this.#docs.delete(path)) this.#paths.splice(this.#position(path), 1);
  }

  /** Those whose path starts with `prefix`, in byte order. */
  list(prefix: string): Doc[] {
    const found: Doc[] = [];
    for (let i = this.#position(prefix); i < this.#paths.length; i++) {
      const path = this.#paths[i];
      if (path === undefined || !path.startsWith(prefix)) break;
      const doc = this.#docs.get(path);
      if (doc) found.push(doc);
    }
    return found;
  }

  /** Index of the first path that is not before `path`. */
  #position(path: string): number {
    let low = 0;
    let high = this.#paths.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.#paths[middle] ?? '', path) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
