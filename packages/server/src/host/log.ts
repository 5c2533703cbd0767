/**
 * The daemon's own log: one JSON line an event (pino), on a terminal one line to read. Never put secrets, tickets or
 * request bodies into it.
 */
import { type Logger, pino } from 'pino';

export type { Logger };

export function createLogger(name: string, level = process.env.RYOKAN_LOG_LEVEL ?? 'info'): Logger {
  const options = {
    name,
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['password', 'ticket', '*.password', '*.ticket', 'cookie', '*.cookie'],
  };
  if (!process.stdout.isTTY) return pino(options);
  return pino(options, { write: (line) => void process.stdout.write(readableLine(line)) });
}

/** Words of pino's levels; ordinary events need none. */
const levelWords: Readonly<Record<number, string>> = { 40: 'warning: ', 50: 'error: ', 60: 'error: ' };

/** `{"time":"2026-01-02T10:11:12.000Z","msg":"no","vmid":1}` as `2026-01-02 10:11:12Z no (vmid=1)`. */
export function readableLine(line: string): string {
  const { level, time, name: _name, msg, reason, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const parts = [msg, reason, messageOf(err)].filter((part) => part !== undefined);
  const text = parts.map(wordOf).join(': ');
  const details = Object.entries(rest).map(([key, value]) => `${key}=${wordOf(value)}`);
  const stack = stackOf(err);
  return [
    `${String(time).slice(0, 19).replace('T', ' ')}Z ${levelWords[Number(level)] ?? ''}${text}`,
    details.length > 0 ? ` (${details.join(', ')})` : '',
    stack === undefined ? '' : `\n${stack}`,
    '\n',
  ].join('');
}

/** One line, and nothing that would command the terminal: some texts come from callers. */
const wordOf = (value: unknown) =>
  (typeof value === 'string' ? value : JSON.stringify(value)).replace(/\p{Cc}+/gu, ' ');

/** pino writes errors as objects with `message` and `stack`. */
function messageOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
}

function stackOf(error: unknown): string | undefined {
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? error.stack : undefined;
  // The first line is the message again.
  return typeof stack === 'string' ? stack.split('\n').slice(1).join('\n') || undefined : undefined;
}
