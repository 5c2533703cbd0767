/**
 * GNU Unifont as Debian's package `unifont` has it: 8x16 and 16x16 pixels a character, all of Unicode's basic plane, with
 * Japanese forms of the ideographs. One line a character: `<code point>:<rows, 2 or 4 hexadecimal digits each>`.
 */
import { readFileSync } from 'node:fs';

export const fontPath = '/usr/share/unifont/unifont_jp.hex';

export const cellWidth = 8;
export const cellHeight = 16;

export interface Glyph {
  readonly width: 8 | 16;
  /** 16 rows; the leftmost pixel is the highest of `width` bits. */
  readonly rows: readonly number[];
}

const basicPlane = 0x10000;
const newline = 10;
const replacement = 0xfffd;
const blank: Glyph = { width: 8, rows: Array<number>(cellHeight).fill(0) };

export class Font {
  readonly #text: Buffer;
  /** Where the line of a character begins, plus one; 0 for none. */
  readonly #lines = new Uint32Array(basicPlane);
  readonly #glyphs = new Map<number, Glyph>();

  constructor(text: Buffer) {
    this.#text = text;
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf(newline, at);
      const colon = text.indexOf(':', at);
      const code = Number.parseInt(text.toString('latin1', at, colon), 16);
      if (code < basicPlane) this.#lines[code] = at + 1;
      if (end < 0) break;
      at = end + 1;
    }
  }

  static read(): Font {
    return new Font(readFileSync(fontPath));
  }

  /** The replacement character's glyph for what the font does not have. */
  glyph(code: number): Glyph {
    const known = this.#glyphs.get(code);
    if (known) return known;
    const glyph = this.#read(code) ?? this.#read(replacement) ?? blank;
    this.#glyphs.set(code, glyph);
    return glyph;
  }

  #read(code: number): Glyph | undefined {
    const line = (this.#lines[code] ?? 0) - 1;
    if (line < 0) return undefined;
    const end = this.#text.indexOf(newline, line);
    const text = this.#text.toString('latin1', line, end < 0 ? this.#text.length : end);
    const digits = text.slice(text.indexOf(':') + 1).trim();
    const perRow = digits.length / cellHeight;
    if (perRow !== 2 && perRow !== 4) return undefined;
    const rows = Array.from({ length: cellHeight }, (_, row) =>
      Number.parseInt(digits.slice(row * perRow, (row + 1) * perRow), 16),
    );
    return { width: perRow === 2 ? 8 : 16, rows };
  }
}
