/** A VNC client for tests: it keeps the picture that it is sent, as RFC 6143 has it. */
import { Duplex } from 'node:stream';
import { constants, createInflate, type Inflate } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { vncResponse } from './handshake.ts';

/** Two ends of a connection. */
export function connection(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        other().push(chunk);
        done();
      },
      destroy(error, done) {
        if (!other().readableEnded) other().push(null);
        done(error);
      },
    });
  const one: Duplex = make(() => two);
  const two: Duplex = make(() => one);
  return [one, two];
}

export interface Update {
  readonly encoding: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels are read as the server offers them: 32 bits, little-endian, 0x00RRGGBB. */
export class TestClient {
  readonly reader: ByteReader;
  width = 0;
  height = 0;
  pixels = new Uint32Array();
  readonly #inflate: Inflate = createInflate();

  constructor(readonly stream: Duplex) {
    this.reader = new ByteReader(stream);
  }

  /** Resolves with the title; rejects with the server's reason when the password is wrong. */
  async logIn(password: string, version = 'RFB 003.008\n'): Promise<string> {
    const { reader, stream } = this;
    await reader.read(12);
    stream.write(version);
    if (version.includes('003.003')) await reader.read(4);
    else {
      await reader.read(2);
      stream.write(Buffer.of(2));
    }
    stream.write(vncResponse(password, await reader.read(16)));
    const result = (await reader.read(4)).readUInt32BE();
    if (result !== 0) throw new Error(await this.#text());
    stream.write(Buffer.of(1));
    const size = await reader.read(4);
    this.#resize(size.readUInt16BE(0), size.readUInt16BE(2));
    await reader.read(16);
    return this.#text();
  }

  setEncodings(...encodings: number[]): void {
    const bytes = Buffer.alloc(4 + 4 * encodings.length);
    bytes.writeUInt8(2);
    bytes.writeUInt16BE(encodings.length, 2);
    encodings.forEach((encoding, index) => {
      bytes.writeInt32BE(encoding, 4 + 4 * index);
    });
    this.stream.write(bytes);
  }

  request(incremental: boolean): void {
    const bytes = Buffer.alloc(10);
    bytes.set([3, incremental ? 1 : 0]);
    bytes.writeUInt16BE(this.width, 6);
    bytes.writeUInt16BE(this.height, 8);
    this.stream.write(bytes);
  }

  /** The rectangles of the next update, which are in the picture then. */
  async update(): Promise<Update[]> {
    const head = await this.reader.read(4);
    if (head[0] !== 0) throw new Error(`message ${head[0]} is no update`);
    const updates: Update[] = [];
    for (let left = head.readUInt16BE(2); left > 0; left--) {
      const bytes = await this.reader.read(12);
      const [x, y, width, height] = [0, 2, 4, 6].map((at) => bytes.readUInt16BE(at)) as [
        number,
        number,
        number,
        number,
      ];
      const update = { encoding: bytes.readInt32BE(8), x, y, width, height };
      await this.#take(update);
      updates.push(update);
    }
    return updates;
  }

  async #take(update: Update): Promise<void> {
    const { encoding, width, height } = update;
    if (encoding === 0) return this.#fill(update, await this.reader.read(width * height * 4));
    if (encoding === 16) return this.#fillTiles(update);
    if (encoding === -308) {
      await this.reader.read(4 + 16);
      return this.#resize(width, height);
    }
    if (encoding === -239) {
      await this.reader.read(width * height * 4 + Math.ceil(width / 8) * height);
      return;
    }
    throw new Error(`encoding ${encoding} was not asked for`);
  }

  #fill({ x, y, width, height }: Update, data: Buffer): void {
    for (let index = 0; index < width * height; index++) {
      this.#set(x + (index % width), y + Math.floor(index / width), data.readUInt32LE(4 * index));
    }
  }

  #set(x: number, y: number, colour: number): void {
    if (x >= this.width || y >= this.height) throw new Error(`${x},${y} is beyond the picture`);
    this.pixels[y * this.width + x] = colour;
  }

  async #fillTiles(update: Update): Promise<void> {
    const data = await this.reader.read((await this.reader.read(4)).readUInt32BE());
    const plain = await this.#inflated(data);
    let at = 0;
    const colour = () => {
      at += 3;
      return plain.readUIntLE(at - 3, 3);
    };
    for (let top = 0; top < update.height; top += 64) {
      for (let left = 0; left < update.width; left += 64) {
        const width = Math.min(64, update.width - left);
        const height = Math.min(64, update.height - top);
        const kind = plain.readUInt8(at++);
        if (kind > 16) throw new Error(`tiles of kind ${kind} are not made here`);
        const palette = Array.from({ length: kind }, colour);
        const bits = kind <= 1 ? 0 : kind === 2 ? 1 : kind <= 4 ? 2 : 4;
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const byte = bits > 0 ? plain.readUInt8(at + ((x * bits) >> 3)) : 0;
            const index = (byte >> (8 - bits - ((x * bits) & 7))) & (2 ** bits - 1);
            this.#set(
              update.x + left + x,
              update.y + top + y,
              kind === 0 ? colour() : (palette[index] as number),
            );
          }
          at += Math.ceil((width * bits) / 8);
        }
      }
    }
    if (at !== plain.length) throw new Error(`${plain.length - at} bytes are left behind the tiles`);
  }

  #inflated(data: Buffer): Promise<Buffer> {
    const parts: Buffer[] = [];
    const collect = (part: Buffer) => parts.push(part);
    this.#inflate.on('data', collect);
    return new Promise((resolve) => {
      this.#inflate.write(data);
      this.#inflate.flush(constants.Z_SYNC_FLUSH, () => {
        this.#inflate.off('data', collect);
        resolve(Buffer.concat(parts));
      });
    });
  }

  #resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height);
  }

  async #text(): Promise<string> {
    return (await this.reader.read((await this.reader.read(4)).readUInt32BE())).toString();
  }
}
