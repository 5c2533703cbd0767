/** The daemon's own log: one JSON line an event (pino). Never put secrets, tickets or request bodies into it. */
import { type Logger, pino } from 'pino';

export type { Logger };

export function createLogger(name: string, level = process.env.RYOKAN_LOG_LEVEL ?? 'info'): Logger {
  return pino({
    name,
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['password', 'ticket', '*.password', '*.ticket', 'cookie', '*.cookie'],
  });
}
