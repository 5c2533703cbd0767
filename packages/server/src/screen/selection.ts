/** Text of a terminal that somebody marks with the mouse: from one cell to another, in the order of reading. */
import type { Terminal } from '@xterm/headless';
import type { CellPlace } from './painter.ts';

/** Rows count from the first line of the buffer, the part that has been scrolled away included. */
export class Selection {
  #anchor: CellPlace | undefined;
  #end: CellPlace | undefined;

  constructor(private readonly terminal: Terminal) {}

  clear(): void {
    this.#anchor = undefined;
    this.#end = undefined;
  }

  /** Nothing is marked until the pointer moves to another cell. */
  begin(place: CellPlace): void {
    this.#anchor = place;
    this.#end = undefined;
  }

  extend(place: CellPlace): void {
    const anchor = this.#anchor;
    if (!anchor) return;
    const moved = anchor.column !== place.column || anchor.row !== place.row;
    if (moved || this.#end) this.#end = place;
  }

  has({ column, row }: CellPlace): boolean {
    const range = this.#range();
    if (!range) return false;
    const { first, last } = range;
    const behindStart = row > first.row || (row === first.row && column >= first.column);
    const beforeEnd = row < last.row || (row === last.row && column <= last.column);
    return behindStart && beforeEnd;
  }

  /** Lines that only the terminal's width has broken are joined. */
  text(): string {
    const range = this.#range();
    if (!range) return '';
    const { first, last } = range;
    const buffer = this.terminal.buffer.active;
    let text = '';
    for (let row = first.row; row <= last.row; row++) {
      const line = buffer.getLine(row);
      const from = row === first.row ? first.column : 0;
      const to = row === last.row ? last.column + 1 : this.terminal.cols;
      if (row > first.row && !line?.isWrapped) text += '\n';
      text += line?.translateToString(true, from, to) ?? '';
    }
    return text;
  }

  #range(): { first: CellPlace; last: CellPlace } | undefined {
    const [one, other] = [this.#anchor, this.#end];
    if (!one || !other) return undefined;
    const inOrder = one.row < other.row || (one.row === other.row && one.column <= other.column);
    return inOrder ? { first: one, last: other } : { first: other, last: one };
  }
}
