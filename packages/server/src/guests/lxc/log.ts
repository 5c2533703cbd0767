/** The file that LXC writes a container's messages into. */
import { renameSync, statSync } from 'node:fs';

/** Beyond this size (bytes) the next start begins a new one; the old one stays as `.1`. */
const longestLog = 1024 * 1024;

export function logSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

export function rotateLog(path: string): void {
  if (logSize(path) > longestLog) renameSync(path, `${path}.1`);
}
