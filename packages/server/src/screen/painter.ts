/** Draws the cells of a terminal into a picture, and of those only the ones that differ from what stands there. */
import type { IBufferCell, Terminal } from '@xterm/headless';
import { cellHeight, cellWidth, type Font } from './font.ts';
import type { Framebuffer } from './framebuffer.ts';
import { defaultBackground, defaultForeground, mixed, paletteColour } from './palette.ts';

/** How a cell looks. */
interface Look {
  readonly chars: string;
  /** Cells that it takes: 2 for wide characters, 0 for the place behind one. */
  readonly width: number;
  readonly foreground: number;
  readonly background: number;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly overline: boolean;
}

export interface CellPlace {
  readonly column: number;
  readonly row: number;
}

interface PaintOptions {
  /** Undefined when the cursor is hidden. */
  readonly cursor: CellPlace | undefined;
  readonly isMarked: (column: number, row: number) => boolean;
}

/** Rows of a glyph's 16 that lines are drawn on. */
const lineRows = { overline: 0, strike: 8, underline: 15 } as const;

export class Painter {
  readonly #shown: Array<Look | undefined> = [];
  #columns = 0;

  constructor(
    private readonly font: Font,
    private readonly picture: Framebuffer,
  ) {}

  /** The picture has to be at least as large as the terminal. */
  paint(terminal: Terminal, { cursor, isMarked }: PaintOptions): void {
    if (terminal.cols !== this.#columns) this.#shown.length = 0;
    this.#columns = terminal.cols;
    const buffer = terminal.buffer.active;
    const cell = buffer.getNullCell();
    for (let row = 0; row < terminal.rows; row++) {
      const line = buffer.getLine(buffer.viewportY + row);
      for (let column = 0; column < terminal.cols; column++) {
        if (!line?.getCell(column, cell)) continue;
        // The cursor on the second half of a wide character is shown on the whole of it.
        const isCursor =
          row === cursor?.row && column <= cursor.column && cursor.column < column + (cell.getWidth() || 1);
        this.#show(column, row, lookOf(cell, isCursor !== isMarked(column, row)));
      }
    }
  }

  #show(column: number, row: number, look: Look): void {
    const index = row * this.#columns + column;
    const before = this.#shown[index];
    if (before && isSame(before, look)) return;
    this.#shown[index] = look;
    // The place behind a wide character is drawn with it; what it replaces must be drawn again when it goes.
    if (look.width === 0) return;
    const width = look.width * cellWidth;
    drawCell(this.picture, column * cellWidth, row * cellHeight, look, this.font);
    this.picture.damage({ x: column * cellWidth, y: row * cellHeight, width, height: cellHeight });
  }
}

function lookOf(cell: IBufferCell, reversed: boolean): Look {
  let foreground = foregroundOf(cell);
  let background = cell.isBgDefault() ? defaultBackground : colourOf(cell.isBgRGB(), cell.getBgColor());
  if (Boolean(cell.isInverse()) !== reversed) [foreground, background] = [background, foreground];
  if (cell.isDim()) foreground = mixed(foreground, background);
  if (cell.isInvisible()) foreground = background;
  return {
    chars: cell.getChars(),
    width: cell.getWidth(),
    foreground,
    background,
    underline: cell.isUnderline() !== 0,
    strike: cell.isStrikethrough() !== 0,
    overline: cell.isOverline() !== 0,
  };
}

/** Bold letters are bright ones: the font has one weight. */
function foregroundOf(cell: IBufferCell): number {
  const bold = cell.isBold() !== 0;
  if (cell.isFgDefault()) return bold ? paletteColour(15) : defaultForeground;
  const colour = cell.getFgColor();
  if (cell.isFgRGB()) return colour;
  return paletteColour(bold && colour < 8 ? colour + 8 : colour);
}

const colourOf = (isRgb: boolean, colour: number) => (isRgb ? colour : paletteColour(colour));

function isSame(one: Look, other: Look): boolean {
  return (
    one.chars === other.chars &&
    one.width === other.width &&
    one.foreground === other.foreground &&
    one.background === other.background &&
    one.underline === other.underline &&
    one.strike === other.strike &&
    one.overline === other.overline
  );
}

/** Draws a cell whose upper left pixel is at `left`, `top`. */
function drawCell(picture: Framebuffer, left: number, top: number, look: Look, font: Font): void {
  const width = Math.min(look.width * cellWidth, picture.width - left);
  const rows = cellRows(look, font);
  for (let y = 0; y < cellHeight; y++) {
    const at = (top + y) * picture.width + left;
    const bits = rows[y] as number;
    for (let x = 0; x < width; x++) {
      const isInk = bits & (1 << (look.width * cellWidth - 1 - x));
      picture.pixels[at + x] = isInk ? look.foreground : look.background;
    }
  }
}

/** 16 rows of bits, the leftmost pixel highest: the character, what combines with it, and lines. */
function cellRows(look: Look, font: Font): number[] {
  const width = look.width * cellWidth;
  const rows = Array<number>(cellHeight).fill(0);
  for (const char of look.chars) {
    const glyph = font.glyph(char.codePointAt(0) ?? 0);
    for (const [y, bits] of glyph.rows.entries())
      rows[y] = (rows[y] as number) | fitted(bits, glyph.width, width);
  }
  const full = 2 ** width - 1;
  if (look.underline) rows[lineRows.underline] = full;
  if (look.strike) rows[lineRows.strike] = full;
  if (look.overline) rows[lineRows.overline] = full;
  return rows;
}

/** Characters whose width the font and the terminal see differently: squeezed into one cell, or centred in two. */
function fitted(bits: number, from: number, to: number): number {
  if (from === to) return bits;
  if (from < to) return bits << ((to - from) / 2);
  let squeezed = 0;
  for (let x = 0; x < to; x++) if (bits & (3 << (2 * x))) squeezed |= 1 << x;
  return squeezed;
}
