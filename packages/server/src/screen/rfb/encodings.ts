/** Rectangles of pixels as Raw and ZRLE (RFC 6143, 7.7.1 and 7.7.6), and the pseudo-encodings of this server. */
import { constants, createDeflate } from 'node:zlib';
import type { Area, Framebuffer } from '../framebuffer.ts';
import { type PixelFormat, PixelWriter } from './pixel-format.ts';

export const encoding = { raw: 0, zrle: 16, cursor: -239, extendedDesktopSize: -308 } as const;

/** Header of a rectangle in an update. */
export function rectangleHeader({ x, y, width, height }: Area, type: number): Buffer {
  const bytes = Buffer.alloc(12);
  [x, y, width, height].forEach((value, index) => {
    bytes.writeUInt16BE(value, 2 * index);
  });
  bytes.writeInt32BE(type, 8);
  return bytes;
}

export function rawRectangle(picture: Framebuffer, area: Area, format: PixelFormat): Buffer {
  const pixels = pixelsOf(picture, area, new PixelWriter(format, false));
  return Buffer.concat([rectangleHeader(area, encoding.raw), pixels]);
}

const tileSize = 64;
/** Colours of a tile that is sent as a palette and packed indices. */
const largestPalette = 16;

/** ZRLE: tiles of 64 x 64 pixels, all in one zlib stream as long as the connection lasts. */
export class ZrleEncoder {
  readonly #deflate = createDeflate({ level: 6 });
  #output: Buffer[] = [];

  constructor() {
    this.#deflate.on('data', (chunk: Buffer) => this.#output.push(chunk));
  }

  /** One call at a time. */
  async rectangle(picture: Framebuffer, area: Area, format: PixelFormat): Promise<Buffer> {
    const data = await this.#compressed(tilesOf(picture, area, new PixelWriter(format, true)));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([rectangleHeader(area, encoding.zrle), length, data]);
  }

  close(): void {
    this.#deflate.destroy();
  }

  #compressed(data: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#deflate.once('error', reject);
      this.#deflate.write(data);
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => {
        this.#deflate.off('error', reject);
        const whole = Buffer.concat(this.#output);
        this.#output = [];
        resolve(whole);
      });
    });
  }
}

function tilesOf(picture: Framebuffer, area: Area, writer: PixelWriter): Buffer {
  const tiles: Buffer[] = [];
  for (let y = 0; y < area.height; y += tileSize) {
    for (let x = 0; x < area.width; x += tileSize) {
      const width = Math.min(tileSize, area.width - x);
      const height = Math.min(tileSize, area.height - y);
      tiles.push(tileOf(picture, { x: area.x + x, y: area.y + y, width, height }, writer));
    }
  }
  return Buffer.concat(tiles);
}

/** Text has few colours: one, or a palette with packed indices; only what has more is sent pixel by pixel. */
function tileOf(picture: Framebuffer, tile: Area, writer: PixelWriter): Buffer {
  const indexed = indexedTile(picture, tile);
  if (!indexed) return Buffer.concat([Buffer.of(0), pixelsOf(picture, tile, writer)]);
  const { palette, indices } = indexed;
  const colours = palette.map((colour) => writer.bytesOf(colour));
  const head = Buffer.concat([Buffer.of(palette.length), ...colours]);
  if (palette.length === 1) return head;
  const bits = palette.length <= 2 ? 1 : palette.length <= 4 ? 2 : 4;
  return Buffer.concat([head, packed(indices, tile, bits)]);
}

/** A number for each pixel of a tile, and the colours that they stand for; undefined when those are too many. */
function indexedTile(
  { pixels, width }: Framebuffer,
  tile: Area,
): { readonly palette: readonly number[]; readonly indices: Uint8Array } | undefined {
  const palette: number[] = [];
  const indices = new Uint8Array(tile.width * tile.height);
  let at = 0;
  let last = -1;
  let index = 0;
  for (let y = tile.y; y < tile.y + tile.height; y++) {
    const row = y * width + tile.x;
    for (let place = row; place < row + tile.width; place++) {
      const colour = pixels[place] as number;
      if (colour !== last) {
        last = colour;
        index = palette.indexOf(colour);
        if (index < 0) index = palette.push(colour) - 1;
        if (index >= largestPalette) return undefined;
      }
      indices[at++] = index;
    }
  }
  return { palette, indices };
}

/** Indices of 1, 2 or 4 bits, the first in the highest bits; each row begins with a byte of its own. */
function packed(indices: Uint8Array, tile: Area, bits: number): Buffer {
  const rowLength = Math.ceil((tile.width * bits) / 8);
  const bytes = Buffer.alloc(rowLength * tile.height);
  let at = 0;
  for (let y = 0; y < tile.height; y++) {
    for (let x = 0; x < tile.width; x++) {
      const bit = x * bits;
      const place = y * rowLength + (bit >> 3);
      bytes[place] = (bytes[place] as number) | ((indices[at++] as number) << (8 - bits - (bit & 7)));
    }
  }
  return bytes;
}

function pixelsOf({ pixels, width }: Framebuffer, area: Area, writer: PixelWriter): Buffer {
  const bytes = Buffer.alloc(area.width * area.height * writer.size);
  let at = 0;
  for (let y = area.y; y < area.y + area.height; y++) {
    for (let x = area.x; x < area.x + area.width; x++) {
      bytes.set(writer.bytesOf(pixels[y * width + x] as number), at);
      at += writer.size;
    }
  }
  return bytes;
}

/** The size of the picture. `reason` 1: a client asked for it; `status` 0 when it was granted. */
export function desktopSizeRectangle(
  { width, height }: { readonly width: number; readonly height: number },
  reason: number,
  status: number,
): Buffer {
  const screen = Buffer.alloc(4 + 16);
  screen.writeUInt8(1, 0);
  screen.writeUInt16BE(width, 12);
  screen.writeUInt16BE(height, 14);
  const head = rectangleHeader({ x: reason, y: status, width, height }, encoding.extendedDesktopSize);
  return Buffer.concat([head, screen]);
}

/** The pointer over text: a black bar with serifs and a white seam, drawn by the client. */
const pointerShape = [
  'wwwwwww',
  'wbbwbbw',
  'wwwbwww',
  ...Array<string>(9).fill('..wbw..'),
  'wwwbwww',
  'wbbwbbw',
  'wwwwwww',
];

export function cursorRectangle(format: PixelFormat): Buffer {
  const writer = new PixelWriter(format, false);
  const [width, height] = [7, pointerShape.length];
  const pixels = pointerShape.flatMap((row) =>
    [...row].map((letter) => writer.bytesOf(letter === 'w' ? 0xffffff : 0)),
  );
  const mask = pointerShape.map((row) =>
    [...row].reduce((bits, letter, x) => (letter === '.' ? bits : bits | (0x80 >> x)), 0),
  );
  const head = rectangleHeader({ x: 3, y: Math.floor(height / 2), width, height }, encoding.cursor);
  return Buffer.concat([head, ...pixels, Buffer.from(mask)]);
}
