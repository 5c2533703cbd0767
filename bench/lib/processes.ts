/** The processes of a running node, what they hold in memory and what they compute. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { commandLine, processStat, ticksPerSecond } from '@ryokan/server/host/procfs.ts';

/** Daemon, gateway and workers; not the guests, which are no part of the cost of Ryokan itself. */
export function nodeProcesses(daemon: number): number[] {
  const children = readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && processStat(pid)?.parent === daemon)
    .filter((pid) => !basename(commandLine(pid)[0] ?? '').startsWith('qemu-'));
  return [daemon, ...children];
}

export interface Memory {
  /** Sum of what is resident in each process: a page that three processes share counts three times. */
  readonly resident: number;
  /** Sum of the proportional shares: a page that three processes share counts once. */
  readonly proportional: number;
}

/** In bytes. */
export function memoryOf(pids: readonly number[]): Memory {
  const sum = (file: string, field: string) =>
    pids.reduce((total, pid) => total + kibibytes(`/proc/${pid}/${file}`, field) * 1024, 0);
  return { resident: sum('status', 'VmRSS'), proportional: sum('smaps_rollup', 'Pss') };
}

function kibibytes(file: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(file, 'utf8'));
  if (!match) throw new Error(`${file} has no ${field}`);
  return Number(match[1]);
}

/** Seconds of CPU time that the processes have used so far. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids
    .map((pid) => processStat(pid))
    .reduce((sum, one) => sum + (one ? one.utime + one.stime : 0), 0);
  return ticks / ticksPerSecond;
}
