/**
 * Reads PNG files as far as QEMU's screendump and Chromium's screenshots go: 8 bits a channel, RGB or RGBA, no
 * interlacing. https://www.w3.org/TR/png-3/
 */
import { inflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel (red, green, blue), row by row. */
  readonly pixels: Uint8Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export function decodePng(file: Buffer): Picture {
  if (!file.subarray(0, 8).equals(signature)) throw new Error('not a PNG file');
  const chunks = [...chunksOf(file)];
  const header = chunks.find((chunk) => chunk.type === 'IHDR')?.data;
  if (!header) throw new Error('PNG without IHDR');
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const [depth, colour, , , interlace] = header.subarray(8);
  const channels = colour === 2 ? 3 : colour === 6 ? 4 : 0;
  if (depth !== 8 || channels === 0 || interlace !== 0) {
    throw new Error(
      `PNG of a kind not read here: depth ${depth}, colour type ${colour}, interlace ${interlace}`,
    );
  }
  const data = Buffer.concat(chunks.filter((chunk) => chunk.type === 'IDAT').map((chunk) => chunk.data));
  const raw = unfilter(inflateSync(data), width * channels, height, channels);
  return { width, height, pixels: withoutAlpha(raw, width * height, channels) };
}

function* chunksOf(file: Buffer): Generator<{ type: string; data: Buffer }> {
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    yield { type: file.toString('latin1', at + 4, at + 8), data: file.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

/** Takes back the filter of each row (byte 0 of it): every byte was stored as the difference to a prediction. */
function unfilter(data: Buffer, stride: number, height: number, channels: number): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let row = 0; row < height; row++) {
    const filter = data[row * (stride + 1)] ?? 0;
    const source = row * (stride + 1) + 1;
    const target = row * stride;
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? (out[target + x - channels] ?? 0) : 0;
      const up = row > 0 ? (out[target + x - stride] ?? 0) : 0;
      const upLeft = row > 0 && x >= channels ? (out[target + x - stride - channels] ?? 0) : 0;
      out[target + x] = (data[source + x] ?? 0) + prediction(filter, left, up, upLeft);
    }
  }
  return out;
}

function prediction(filter: number, left: number, up: number, upLeft: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) throw new Error(`PNG filter ${filter}`);
  const estimate = left + up - upLeft;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toUpLeft = Math.abs(estimate - upLeft);
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}

function withoutAlpha(raw: Uint8Array, count: number, channels: number): Uint8Array {
  if (channels === 3) return raw;
  const pixels = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) pixels.set(raw.subarray(i * 4, i * 4 + 3), i * 3);
  return pixels;
}

/** Part of a picture; in pixels from its top left corner. */
export function crop(
  picture: Picture,
  box: { x: number; y: number; width: number; height: number },
): Picture {
  const pixels = new Uint8Array(box.width * box.height * 3);
  for (let row = 0; row < box.height; row++) {
    const start = ((box.y + row) * picture.width + box.x) * 3;
    pixels.set(picture.pixels.subarray(start, start + box.width * 3), row * box.width * 3);
  }
  return { width: box.width, height: box.height, pixels };
}

/** The picture at another size; each new pixel is the mean of the old ones that it covers, or the nearest one. */
export function resize(picture: Picture, width: number, height: number): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const rows = covered(y, height, picture.height);
    for (let x = 0; x < width; x++) {
      const columns = covered(x, width, picture.width);
      for (let channel = 0; channel < 3; channel++) {
        pixels[(y * width + x) * 3 + channel] = meanOf(picture, rows, columns, channel);
      }
    }
  }
  return { width, height, pixels };
}

type Range = readonly [from: number, to: number];

/** Old pixels [from, to) below new pixel `index`, at least one. */
function covered(index: number, newSize: number, oldSize: number): Range {
  const from = Math.floor((index * oldSize) / newSize);
  return [from, Math.max(from + 1, Math.floor(((index + 1) * oldSize) / newSize))];
}

function meanOf(picture: Picture, rows: Range, columns: Range, channel: number): number {
  let sum = 0;
  for (let y = rows[0]; y < rows[1]; y++) {
    for (let x = columns[0]; x < columns[1]; x++)
      sum += picture.pixels[(y * picture.width + x) * 3 + channel] ?? 0;
  }
  return Math.round(sum / ((rows[1] - rows[0]) * (columns[1] - columns[0])));
}

export interface Likeness {
  /** Share of pixels (0..1) whose three channels all differ by at most `tolerance`. */
  readonly equal: number;
  /**
   * The same for the pixels that are not of the first picture's most common colour. A text screen is nearly all
   * background: a blank canvas would be 95 % equal to it, but its writing is not there.
   */
  readonly equalContent: number;
}

/** Compares two pictures; the second one is brought to the size of the first. */
export function likeness(expected: Picture, actual: Picture, tolerance = 32): Likeness {
  const other = resize(actual, expected.width, expected.height);
  const background = commonColour(expected);
  let equal = 0;
  let content = 0;
  let equalContent = 0;
  const count = expected.width * expected.height;
  for (let i = 0; i < count; i++) {
    const same = distance(expected.pixels, other.pixels, i) <= tolerance;
    if (same) equal++;
    if (colourAt(expected, i) === background) continue;
    content++;
    if (same) equalContent++;
  }
  return { equal: equal / count, equalContent: content === 0 ? 1 : equalContent / content };
}

/** Number of different colours; a screen on which nothing was drawn has one. */
export function colourCount(picture: Picture): number {
  const colours = new Set<number>();
  for (let i = 0; i < picture.width * picture.height; i++) colours.add(colourAt(picture, i));
  return colours.size;
}

/** Share of pixels (0..1) that have exactly this colour, 0xRRGGBB. */
export function colourShare(picture: Picture, colour: number): number {
  const count = picture.width * picture.height;
  let found = 0;
  for (let i = 0; i < count; i++) if (colourAt(picture, i) === colour) found++;
  return found / count;
}

/** Largest difference of a channel at pixel `index` of two pictures of one size. */
function distance(a: Uint8Array, b: Uint8Array, index: number): number {
  let largest = 0;
  for (let at = index * 3; at < index * 3 + 3; at++)
    largest = Math.max(largest, Math.abs((a[at] ?? 0) - (b[at] ?? 0)));
  return largest;
}

function colourAt(picture: Picture, index: number): number {
  const [red = 0, green = 0, blue = 0] = picture.pixels.subarray(index * 3, index * 3 + 3);
  return (red << 16) | (green << 8) | blue;
}

function commonColour(picture: Picture): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < picture.width * picture.height; i++) {
    const colour = colourAt(picture, i);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best), [0, 0])[0];
}
