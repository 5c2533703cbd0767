/**
 * Pid files that name a process for ever: `<pid> <start time in ticks>\n`. A pid alone is used again by the kernel;
 * with its start time it is not. The first word alone is what other tools read.
 */
import { linkSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode, readTextIfPresent } from './files.ts';
import { isAlive, processStat } from './procfs.ts';

export interface ProcessId {
  readonly pid: number;
  /** Ticks after boot, see procfs.ts. */
  readonly startTime: number;
}

/** The living process that a pid file names; undefined when there is no file or that process ended. */
export function readPidFile(path: string): ProcessId | undefined {
  const match = /^(\d+) (\d+)\n?$/.exec(readTextIfPresent(path) ?? '');
  if (!match) return undefined;
  const id = { pid: Number(match[1]), startTime: Number(match[2]) };
  return isAlive(id.pid, id.startTime) ? id : undefined;
}

/**
 * Takes the pid file for a process (this one by default), as a lock: exactly one of several callers at the same moment
 * gets it. Returns undefined then, or the living process that has it. A file left by an ended process is replaced.
 */
export function claimPidFile(path: string, pid: number = process.pid): ProcessId | undefined {
  const temporary = writeTemporary(path, pid);
  try {
    for (;;) {
      try {
        // A link is made complete or not at all, and fails when the name is taken.
        linkSync(temporary, path);
        return undefined;
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
      const holder = readPidFile(path) ?? setStaleAside(path);
      if (holder) return holder.pid === pid ? undefined : holder;
    }
  } finally {
    unlinkSync(temporary);
  }
}

/** Gives a pid file that the caller has to another process, without a moment in which nobody has it. */
export function passPidFile(path: string, toPid: number): void {
  const temporary = writeTemporary(path, toPid);
  renameSync(temporary, path);
}

/** Removes a pid file, but only when it names the given process or an ended one. */
export function releasePidFile(path: string, pid: number = process.pid): void {
  const holder = readPidFile(path);
  if (!holder || holder.pid === pid) removeStale(path);
}

/**
 * Removes a pid file whatever it names, and what a writer that was killed left beside it. Only for who knows that
 * nobody else writes it now.
 */
export function removePidFile(path: string): void {
  const beside = `${basename(path)}.`;
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(beside) && /^\d+\.(?:tmp|old)$/.test(name.slice(beside.length)))
      removeStale(join(dirname(path), name));
  }
  removeStale(path);
}

/** Writes the content beside the pid file; returns the path. */
function writeTemporary(path: string, pid: number): string {
  const startTime = processStat(pid)?.startTime;
  if (startTime === undefined) throw new Error(`there is no process ${pid}`);
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${pid} ${startTime}\n`, { mode: 0o644 });
  return temporary;
}

/**
 * Takes a pid file of an ended process away. Another caller may have replaced it since it was read, so it is moved
 * first, read again, and put back when its process lives: that one is returned.
 */
function setStaleAside(path: string): ProcessId | undefined {
  const aside = `${path}.${process.pid}.old`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const holder = readPidFile(aside);
  if (holder) linkSync(aside, path);
  unlinkSync(aside);
  return holder;
}

function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
