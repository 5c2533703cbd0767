/** Text tables: with lines, or plain columns set apart by blanks. */
import { chunks, pad, printable, textWidth } from './width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

export interface TableStyle {
  /** Lines around cells. */
  readonly border: boolean;
  readonly header: boolean;
  /** Line-drawing characters instead of `+-|`. */
  readonly unicode: boolean;
  /** Columns of the terminal: cells are wrapped to fit. Undefined: as wide as it gets. */
  readonly width?: number | undefined;
}

interface Lines {
  readonly horizontal: string;
  readonly vertical: string;
  readonly top: readonly [string, string, string];
  readonly middle: readonly [string, string, string];
  readonly bottom: readonly [string, string, string];
  /** Under the header. */
  readonly head: readonly [string, string, string];
  readonly headLine: string;
}

const unicodeLines: Lines = {
  horizontal: '─',
  vertical: '│',
  top: ['┌', '┬', '┐'],
  middle: ['├', '┼', '┤'],
  bottom: ['└', '┴', '┘'],
  head: ['╞', '╪', '╡'],
  headLine: '═',
};

const asciiLines: Lines = {
  horizontal: '-',
  vertical: '|',
  top: ['+', '+', '+'],
  middle: ['+', '+', '+'],
  bottom: ['+', '+', '+'],
  head: ['+', '+', '+'],
  headLine: '=',
};

const narrowest = 8;

/** The table as text, a line end after each line. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: TableStyle,
): string {
  const cells = rows.map((row) => columns.map((_, i) => cellLines(row[i] ?? '')));
  const titles = columns.map((column) => column.title);
  const widths = columns.map((_, i) =>
    Math.max(
      style.header ? textWidth(titles[i] as string) : 1,
      1,
      ...cells.map((row) => widest(row[i] ?? [])),
    ),
  );
  if (style.width !== undefined) shrink(widths, style.width, style.border);
  return style.border ? bordered(columns, cells, widths, style) : plain(columns, cells, widths, style);
}

const cellLines = (text: string): string[] => printable(text).split('\n');
const widest = (lines: readonly string[]): number => Math.max(0, ...lines.map(textWidth));

/** Takes from the widest columns until the table fits; never below `narrowest`. */
function shrink(widths: number[], limit: number, border: boolean): void {
  const between = border ? 3 * widths.length + 1 : 2 * (widths.length - 1);
  let excess = widths.reduce((sum, width) => sum + width, between) - limit;
  while (excess > 0) {
    const most = Math.max(...widths);
    if (most <= narrowest) return;
    widths[widths.indexOf(most)] = most - 1;
    excess--;
  }
}

/** A row of cells as lines of the terminal, each cell cut to its column. */
function rowLines(
  columns: readonly Column[],
  row: readonly (readonly string[])[],
  widths: readonly number[],
): string[][] {
  const wrapped = row.map((lines, i) => lines.flatMap((line) => chunks(line, widths[i] as number)));
  const height = Math.max(1, ...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, y) =>
    wrapped.map((lines, i) => pad(lines[y] ?? '', widths[i] as number, columns[i]?.align)),
  );
}

function bordered(
  columns: readonly Column[],
  cells: readonly (readonly (readonly string[])[])[],
  widths: readonly number[],
  style: TableStyle,
): string {
  const lines = style.unicode ? unicodeLines : asciiLines;
  const rule = ([left, cross, right]: readonly [string, string, string], line: string) =>
    `${left}${widths.map((width) => line.repeat(width + 2)).join(cross)}${right}\n`;
  const drawn = (row: readonly (readonly string[])[]) =>
    rowLines(columns, row, widths)
      .map((parts) => `${lines.vertical} ${parts.join(` ${lines.vertical} `)} ${lines.vertical}\n`)
      .join('');
  let text = rule(lines.top, lines.horizontal);
  if (style.header) {
    text += drawn(columns.map((column) => [column.title])) + rule(lines.head, lines.headLine);
  }
  text += cells.map(drawn).join(rule(lines.middle, lines.horizontal));
  return text + rule(lines.bottom, lines.horizontal);
}

function plain(
  columns: readonly Column[],
  cells: readonly (readonly (readonly string[])[])[],
  widths: readonly number[],
  style: TableStyle,
): string {
  const drawn = (row: readonly (readonly string[])[]) =>
    rowLines(columns, row, widths)
      .map((parts) => `${parts.join('  ').trimEnd()}\n`)
      .join('');
  const header = style.header ? drawn(columns.map((column) => [column.title])) : '';
  return header + cells.map(drawn).join('');
}
