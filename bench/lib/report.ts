/** The table on the terminal and the same figures as JSON. */
import type { Figure, Spread } from './figure.ts';

/** A bench that gave no figures, and why. */
export interface Absent {
  readonly bench: string;
  readonly reason: string;
  /** It should have worked. */
  readonly failed: boolean;
}

const titles = ['', 'Ryokan', 'raw tool', 'compared', 'target', ''] as const;

/** Lines of the table: benches as headings, one row a figure. */
export function tableOf(figures: readonly Figure[]): string[] {
  const rows = figures.map(rowOf);
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => [...(row[i] ?? '')].length)),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd();
  const lines = [line(titles)];
  figures.forEach((figure, i) => {
    if (figure.bench !== figures[i - 1]?.bench) lines.push(figure.bench);
    lines.push(line(rows[i] ?? []));
  });
  return lines;
}

function rowOf({ name, unit, ours, raw, comparison, target }: Figure): string[] {
  return [
    name,
    spreadText(ours, unit),
    raw ? spreadText(raw, unit) : '',
    comparison ?? '',
    target?.text ?? '',
    target ? (target.met ? 'ok' : 'missed') : '',
  ];
}

/** `31 (28–44) ms`; without the ends when there is only one measurement. */
function spreadText({ median, min, max, count }: Spread, unit: string): string {
  const ends = count > 1 ? ` (${numberText(min)}–${numberText(max)})` : '';
  return `${numberText(median)}${ends} ${unit}`;
}

/** Three digits that count. */
function numberText(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
