/** Values and results as text: JSON, YAML, tables, `key: value` lines. */
import type { CommonOption } from './command.ts';
import { UsageError } from './errors.ts';
import type { ResultField, ResultShape } from './manifest.ts';
import { type Column, table } from './table.ts';
import { printable } from './width.ts';

export type OutputFormat = 'text' | 'json' | 'json-pretty' | 'yaml';

export interface OutputOptions {
  readonly format: OutputFormat;
  readonly border: boolean;
  readonly header: boolean;
  readonly human: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Rows of a list at most. */
  readonly limit?: number;
  readonly unicode: boolean;
  /** Columns of the terminal; undefined when output is no terminal. */
  readonly width?: number;
}

const formats: readonly string[] = ['text', 'json', 'json-pretty', 'yaml'];

/** Reads the common options; `borderByDefault` says whether this command's tables have lines. */
export function outputOptions(
  given: Partial<Record<CommonOption, string>>,
  terminal: { readonly unicode: boolean; readonly columns: number | undefined },
  borderByDefault: boolean,
): OutputOptions {
  const format = given['output-format'] ?? 'text';
  if (!formats.includes(format)) {
    throw new UsageError(`--output-format must be one of ${formats.join(', ')}, not '${format}'`);
  }
  if (given.limit !== undefined && !/^\d+$/.test(given.limit)) {
    throw new UsageError(`--limit must be a number of rows, not '${given.limit}'`);
  }
  return {
    format: format as OutputFormat,
    border: given.noborder === undefined ? borderByDefault : given.noborder !== '1',
    header: given.noheader !== '1',
    human: given['human-readable'] !== '0',
    quiet: given.quiet === '1',
    verbose: given.verbose === '1',
    ...(given.limit === undefined ? {} : { limit: Number(given.limit) }),
    unicode: terminal.unicode,
    ...(terminal.columns === undefined ? {} : { width: terminal.columns }),
  };
}

/** Fields whose name alone says how people want to read them, everywhere in the API. */
const wellKnown: Readonly<Record<string, string>> = {
  uptime: 'duration',
  starttime: 'timestamp',
  endtime: 'timestamp',
  ctime: 'timestamp',
  cpu: 'fraction',
  size: 'bytes',
};

/** One value for a cell. Lists and objects become JSON on one line. */
export function cell(value: unknown, field: ResultField | undefined, human: boolean): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (human && typeof value === 'number')
    return number(value, field?.renderer ?? wellKnown[field?.name ?? '']);
  return String(value);
}

function number(value: number, renderer: string | undefined): string {
  switch (renderer) {
    case 'bytes':
      return bytes(value);
    case 'timestamp':
      return value === 0 ? '' : timestamp(value);
    case 'duration':
      return duration(value);
    case 'fraction':
      return `${(value * 100).toFixed(2)}%`;
    default:
      return String(value);
  }
}

/** `1.50 GiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  let scaled = value;
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${scaled.toFixed(2)} ${units[unit]}`;
}

/** Seconds since the epoch as local time, `2026-01-31 09:05:00`. */
export function timestamp(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `3d 4h 5m 6s`, without leading parts that are zero. */
export function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return (first < 0 ? parts.slice(-1) : parts.slice(first))
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(' ');
}

/** A result in one of the machine formats; undefined for text. */
export async function machineText(
  data: unknown,
  format: OutputFormat,
  loadYaml: () => Promise<(value: unknown) => string>,
): Promise<string | undefined> {
  if (format === 'json') return `${JSON.stringify(data ?? null)}\n`;
  if (format === 'json-pretty') return `${JSON.stringify(data ?? null, null, 2)}\n`;
  if (format === 'yaml') return (await loadYaml())(data ?? null);
  return undefined;
}

/** Any result as text, by its shape. `columns` limits and orders a list's columns. */
export function resultText(
  data: unknown,
  shape: ResultShape,
  columns: readonly string[] | undefined,
  options: OutputOptions,
): string {
  if (data === null || data === undefined) return '';
  if (Array.isArray(data)) return listText(data, shape, columns, options);
  if (typeof data === 'object') return objectText(data as Record<string, unknown>, shape, options);
  const text = String(data);
  return text.endsWith('\n') ? printable(text) : `${printable(text)}\n`;
}

function listText(
  rows: readonly unknown[],
  shape: ResultShape,
  wanted: readonly string[] | undefined,
  options: OutputOptions,
): string {
  if (rows.length === 0) return '';
  if (!rows.every(isRecord))
    return rows.map((row) => `${printable(cell(row, undefined, options.human))}\n`).join('');
  const names = columnNames(rows, shape, wanted);
  const fields = names.map((name) => fieldOf(shape, name));
  const columns: Column[] = fields.map((field) => ({
    title: field.name,
    align: rows.some((row) => typeof row[field.name] === 'number') ? 'right' : 'left',
  }));
  const cells = rows.map((row) => fields.map((field) => cell(row[field.name], field, options.human)));
  return table(columns, cells, tableStyle(options));
}

export const tableStyle = (options: OutputOptions) => ({
  border: options.border,
  header: options.header,
  unicode: options.unicode,
  width: options.width,
});

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldOf = (shape: ResultShape, name: string): ResultField =>
  shape.fields?.find((field) => field.name === name) ?? { name };

/** Declared columns that at least one row has, then what rows have beyond. */
function columnNames(
  rows: readonly Record<string, unknown>[],
  shape: ResultShape,
  wanted: readonly string[] | undefined,
): string[] {
  if (wanted) return [...wanted];
  const present = new Set(rows.flatMap((row) => Object.keys(row)));
  const declared = (shape.fields ?? []).map((field) => field.name).filter((name) => present.has(name));
  const others = [...present].filter((name) => !declared.includes(name)).sort();
  return [...declared, ...others];
}

/** With lines: a table of keys and values; plain: `key: value`. */
function objectText(data: Record<string, unknown>, shape: ResultShape, options: OutputOptions): string {
  const names = Object.keys(data).sort();
  const rows = names.map((name) => [name, cell(data[name], fieldOf(shape, name), options.human)] as const);
  if (!options.border) return keyValueLines(rows);
  return table([{ title: 'key' }, { title: 'value' }], rows, tableStyle(options));
}

/** `key: value` lines; a value of several lines is one line with %0A between, as in configuration files. */
export function keyValueLines(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([key, value]) => `${key}: ${printable(value.replaceAll('\n', '%0A'))}\n`).join('');
}
