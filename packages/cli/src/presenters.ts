/**
 * Text output of commands whose form people and scripts know: columns, units and words as `qm`, `pct` and `pvesm` have had
 * them. Everything else is shown by its schema (render.ts).
 */
import { explanation, permissionTable } from './access-presenters.ts';
import type { ParamValues } from './arguments.ts';
import type { CliMethod } from './manifest.ts';
import { cell, isRecord, keyValueLines, resultText, tableStyle } from './render.ts';
import type { Session } from './session.ts';
import { type Column, table } from './table.ts';
import { printable } from './width.ts';

export interface Shown {
  readonly session: Session;
  readonly params: ParamValues;
  readonly method: CliMethod;
}

/** Undefined: show it in the general way. */
export type Presenter<S = Shown> = (data: unknown, shown: S) => string | undefined;

type Row = Readonly<Record<string, unknown>>;

interface ListColumn extends Column {
  readonly value: (row: Row) => string;
}

const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
const count = (value: unknown): number => (typeof value === 'number' ? value : Number(value ?? 0) || 0);
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

const plainList =
  (columns: readonly ListColumn[], sortBy: (row: Row) => number | string): Presenter =>
  (data, { session }) => {
    if (!Array.isArray(data)) return undefined;
    if (data.length === 0) return '';
    const rows = data.filter(isRecord).sort((a, b) => compare(sortBy(a), sortBy(b)));
    const cells = rows.map((row) => columns.map((column) => column.value(row)));
    // Never wrapped: these lines are cut apart by scripts.
    return table(columns, cells, { ...tableStyle(session.output), width: undefined });
  };

const compare = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0);

const guestColumns: readonly ListColumn[] = [
  { title: 'VMID', align: 'right', value: (row) => text(row.vmid) },
  { title: 'NAME', value: (row) => text(row.name) || '-' },
  { title: 'STATUS', value: (row) => text(row.status) },
  { title: 'MEM(MB)', align: 'right', value: (row) => String(Math.round(count(row.maxmem) / MiB)) },
  { title: 'BOOTDISK(GB)', align: 'right', value: (row) => (count(row.maxdisk) / GiB).toFixed(2) },
  { title: 'PID', align: 'right', value: (row) => text(row.pid ?? 0) },
];

const containerColumns: readonly ListColumn[] = [
  { title: 'VMID', value: (row) => text(row.vmid) },
  { title: 'Status', value: (row) => text(row.status) },
  { title: 'Lock', value: (row) => text(row.lock) },
  { title: 'Name', value: (row) => text(row.name) },
];

const kib = (value: unknown): string => String(Math.floor(count(value) / 1024));

const storageColumns: readonly ListColumn[] = [
  { title: 'Name', value: (row) => text(row.storage) },
  { title: 'Type', align: 'right', value: (row) => text(row.type) },
  { title: 'Status', align: 'right', value: storageState },
  { title: 'Total (KiB)', align: 'right', value: (row) => kib(row.total) },
  { title: 'Used (KiB)', align: 'right', value: (row) => kib(row.used) },
  { title: 'Available (KiB)', align: 'right', value: (row) => kib(row.avail) },
  {
    title: '%',
    align: 'right',
    value: (row) =>
      count(row.total) > 0 ? `${((count(row.used) * 100) / count(row.total)).toFixed(2)}%` : 'N/A',
  },
];

function storageState(row: Row): string {
  if (count(row.enabled ?? 1) === 0) return 'disabled';
  return count(row.active) === 1 ? 'active' : 'inactive';
}

const volumeColumns: readonly ListColumn[] = [
  { title: 'Volid', value: (row) => text(row.volid) },
  { title: 'Format', value: (row) => text(row.format) },
  { title: 'Type', value: (row) => text(row.content) },
  { title: 'Size', align: 'right', value: (row) => text(row.size) },
  { title: 'VMID', align: 'right', value: (row) => text(row.vmid) },
];

/** The configuration as `key: value`, sorted; the digest is for programs. */
const configLines: Presenter = (data) => {
  if (!isRecord(data)) return undefined;
  const names = Object.keys(data).filter((name) => name !== 'digest');
  return keyValueLines(names.sort().map((name) => [name, cell(data[name], undefined, false)] as const));
};

/** `cur`, `new` and `del` lines; a value that is replaced has both. `why` says what keeps the running guest from taking it. */
const pendingLines: Presenter = (data) => {
  if (!Array.isArray(data)) return undefined;
  const lines: string[] = [];
  for (const row of data.filter(isRecord)) {
    const key = text(row.key);
    const line = (kind: string, value: unknown) =>
      lines.push(`${kind} ${key}: ${printable(text(value).replaceAll('\n', '%0A'))}\n`);
    if (row.value !== undefined) line('cur', row.value);
    if (row.pending !== undefined) line('new', row.pending);
    if (count(row.delete) > 0) lines.push(`del ${key}${count(row.delete) === 2 ? ' (force)' : ''}\n`);
    if (row.reason !== undefined) line('why', row.reason);
  }
  return lines.join('');
};

const guestStatus: Presenter = (data, { session, method }) => {
  if (!isRecord(data)) return undefined;
  if (session.output.verbose)
    return resultText(data, method.result, undefined, { ...session.output, border: false });
  return `status: ${text(data.status)}\n`;
};

/** Snapshots below the one that they go on from, the oldest first; `current` is where the guest stands. */
const snapshotTree: Presenter = (data) => {
  if (!Array.isArray(data)) return undefined;
  const rows = data.filter(isRecord);
  const names = new Set(rows.map((row) => row.name));
  const lines: string[] = [];
  const walk = (parent: unknown, indent: string) => {
    const children = rows.filter((row) => (names.has(row.parent) ? row.parent : undefined) === parent);
    for (const row of children.sort((a, b) => snapshotAge(a) - snapshotAge(b))) {
      const prefix = `${indent}\`-> `;
      const name = text(row.name).padEnd(Math.max(0, 30 - prefix.length));
      const [description] = (text(row.description) || 'no-description').split('\n');
      lines.push(`${prefix}${name} ${localTime(row.snaptime).padEnd(23)} ${printable(description ?? '')}\n`);
      walk(row.name, `${indent} `);
    }
  };
  walk(undefined, '');
  return lines.join('');
};

const snapshotAge = (row: Row): number =>
  row.snaptime === undefined ? Number.MAX_VALUE : count(row.snaptime);

/** `2026-11-22 05:11:00` in the time of this machine; empty for the present state, which has none. */
function localTime(seconds: unknown): string {
  // Swedish writes dates and times in the form of ISO 8601.
  return seconds === undefined ? '' : new Date(count(seconds) * 1000).toLocaleString('sv-SE');
}

const logLines: Presenter = (data) =>
  Array.isArray(data)
    ? data
        .filter(isRecord)
        .map((row) => `${printable(text(row.t))}\n`)
        .join('')
    : undefined;

/** Answers of the guest agent: what stands in `result`, as the agent gave it; nothing where there is nothing to say. */
const agentAnswer: Presenter = (data) => {
  if (!isRecord(data) || !('result' in data)) return undefined;
  const { result } = data;
  const isEmpty = result === null || (isRecord(result) && Object.keys(result).length === 0);
  return isEmpty ? '' : `${JSON.stringify(result, null, 3)}\n`;
};

const asJson: Presenter = (data) => `${JSON.stringify(data, null, 3)}\n`;

const known: Readonly<Record<string, Presenter>> = {
  'qm list': plainList(guestColumns, (row) => count(row.vmid)),
  'qm config': configLines,
  'qm pending': pendingLines,
  'qm status': guestStatus,
  'qm listsnapshot': snapshotTree,
  'qm guest exec-status': asJson,
  'qm guest passwd': agentAnswer,
  'pct list': plainList(containerColumns, (row) => count(row.vmid)),
  'pct config': configLines,
  'pct pending': pendingLines,
  'pct status': guestStatus,
  'pct listsnapshot': snapshotTree,
  'pvesm status': plainList(storageColumns, (row) => text(row.storage)),
  'pvesm list': plainList(volumeColumns, (row) => text(row.volid)),
  'pvesm alloc': (data) => (typeof data === 'string' ? `successfully created '${data}'\n` : undefined),
  'pvenode task log': logLines,
  'pveum user permissions': permissionTable,
  'pveum why': explanation,
};

/** The form of a command's result; the commands of the guest agent share one. */
export function presenterOf(command: string): Presenter | undefined {
  if (Object.hasOwn(known, command)) return known[command];
  return command.startsWith('qm agent ') ? agentAnswer : undefined;
}
