/** Reads a stream in pieces of known length, and no faster than they are asked for. */
import type { Readable } from 'node:stream';

/** The peer has closed the stream. */
export class EndOfStream extends Error {
  constructor() {
    super('the stream has ended');
  }
}

export class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#source = stream[Symbol.asyncIterator]();
  }

  /** The next `length` bytes. Rejects with EndOfStream when fewer come. */
  async read(length: number): Promise<Buffer> {
    const parts = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const chunk = await this.#next();
      parts.push(chunk);
      have += chunk.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts, have);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }

  /** Passes over `length` bytes without keeping them. */
  async skip(length: number): Promise<void> {
    let left = length - this.#rest.length;
    if (left <= 0) {
      this.#rest = this.#rest.subarray(length);
      return;
    }
    for (;;) {
      const chunk = await this.#next();
      if (chunk.length >= left) {
        this.#rest = chunk.subarray(left);
        return;
      }
      left -= chunk.length;
    }
  }

  /** Whatever comes next, as it comes. */
  async readSome(): Promise<Buffer> {
    const chunk = this.#rest.length > 0 ? this.#rest : await this.#next();
    this.#rest = Buffer.alloc(0);
    return chunk;
  }

  async #next(): Promise<Buffer> {
    const { done, value } = await this.#source.next();
    if (done) throw new EndOfStream();
    return value;
  }
}
