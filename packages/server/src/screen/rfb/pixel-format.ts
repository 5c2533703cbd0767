/** Pixel formats (RFC 6143, 7.4): how a colour becomes the bytes that a client has asked for. */
import { RfbError } from './rfb-error.ts';

export interface PixelFormat {
  readonly bitsPerPixel: 8 | 16 | 32;
  readonly depth: number;
  readonly bigEndian: boolean;
  readonly redMax: number;
  readonly greenMax: number;
  readonly blueMax: number;
  readonly redShift: number;
  readonly greenShift: number;
  readonly blueShift: number;
}

/** Bytes of a pixel format on the wire. */
export const pixelFormatLength = 16;

/** What the server offers: 0x00RRGGBB, little-endian. */
export const ownFormat: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  redMax: 255,
  greenMax: 255,
  blueMax: 255,
  redShift: 16,
  greenShift: 8,
  blueShift: 0,
};

/** Throws RfbError for formats that are impossible or have a palette. */
export function readPixelFormat(bytes: Buffer): PixelFormat {
  const bitsPerPixel = bytes.readUInt8(0);
  if (bitsPerPixel !== 8 && bitsPerPixel !== 16 && bitsPerPixel !== 32) {
    throw new RfbError(`${bitsPerPixel} bits a pixel are impossible`);
  }
  if (bytes.readUInt8(3) === 0) throw new RfbError('colour maps are not spoken here, only true colour');
  const format: PixelFormat = {
    bitsPerPixel,
    depth: bytes.readUInt8(1),
    bigEndian: bytes.readUInt8(2) !== 0,
    redMax: bytes.readUInt16BE(4),
    greenMax: bytes.readUInt16BE(6),
    blueMax: bytes.readUInt16BE(8),
    redShift: bytes.readUInt8(10),
    greenShift: bytes.readUInt8(11),
    blueShift: bytes.readUInt8(12),
  };
  for (const shift of [format.redShift, format.greenShift, format.blueShift]) {
    if (shift >= bitsPerPixel) throw new RfbError(`a shift of ${shift} is beyond the pixel`);
  }
  return format;
}

export function writePixelFormat(format: PixelFormat): Buffer {
  const bytes = Buffer.alloc(pixelFormatLength);
  bytes.set([format.bitsPerPixel, format.depth, format.bigEndian ? 1 : 0, 1]);
  bytes.writeUInt16BE(format.redMax, 4);
  bytes.writeUInt16BE(format.greenMax, 6);
  bytes.writeUInt16BE(format.blueMax, 8);
  bytes.set([format.redShift, format.greenShift, format.blueShift], 10);
  return bytes;
}

/** Where the three bytes of a ZRLE pixel stand in a pixel of four; undefined when all four are sent (RFC 6143, 7.7.6). */
function compactOffset(format: PixelFormat): number | undefined {
  if (format.bitsPerPixel !== 32 || format.depth > 24) return undefined;
  const all = pixelValue(format, 0xffffff) >>> 0;
  if ((all & 0xff000000) === 0) return format.bigEndian ? 1 : 0;
  if ((all & 0xff) === 0) return format.bigEndian ? 0 : 1;
  return undefined;
}

function pixelValue(format: PixelFormat, colour: number): number {
  const scale = (shift: number, max: number) => Math.round((((colour >> shift) & 0xff) * max) / 255);
  return (
    (scale(16, format.redMax) << format.redShift) |
    (scale(8, format.greenMax) << format.greenShift) |
    (scale(0, format.blueMax) << format.blueShift)
  );
}

/** Turns colours (0xRRGGBB) into bytes. A text has few colours, so each is worked out once. */
export class PixelWriter {
  /** Bytes of a pixel. */
  readonly size: number;
  readonly #format: PixelFormat;
  readonly #offset: number;
  readonly #known = new Map<number, Buffer>();

  /** `compact`: as ZRLE sends pixels. */
  constructor(format: PixelFormat, compact: boolean) {
    const offset = compact ? compactOffset(format) : undefined;
    this.#format = format;
    this.#offset = offset ?? 0;
    this.size = offset === undefined ? format.bitsPerPixel / 8 : 3;
  }

  bytesOf(colour: number): Buffer {
    const known = this.#known.get(colour);
    if (known) return known;
    const { bitsPerPixel, bigEndian } = this.#format;
    const length = bitsPerPixel / 8;
    const whole = Buffer.alloc(length);
    // Values of the client's choice may reach beyond the pixel.
    const value = (pixelValue(this.#format, colour) >>> 0) % 2 ** bitsPerPixel;
    if (bigEndian) whole.writeUIntBE(value, 0, length);
    else whole.writeUIntLE(value, 0, length);
    const bytes = whole.subarray(this.#offset, this.#offset + this.size);
    if (this.#known.size > 4096) this.#known.clear();
    this.#known.set(colour, bytes);
    return bytes;
  }
}
