/** The QEMU process of a guest: is it there, how it ends, and what it leaves behind. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { guestCgroup } from '../../host/cgroup.ts';
import type { DataPaths } from '../../host/paths.ts';
import { type ProcessId, readPidFile } from '../../host/pidfile.ts';
import { isAlive } from '../../host/procfs.ts';
import { removeTap } from '../../network/tap.ts';
import { qemuRunPaths } from './run-paths.ts';

/** The living QEMU process of a guest on this node. */
export function guestProcess(paths: DataPaths, vmid: number): ProcessId | undefined {
  return readPidFile(qemuRunPaths(paths, vmid).pid);
}

export function isRunning(paths: DataPaths, vmid: number): boolean {
  return guestProcess(paths, vmid) !== undefined;
}

/** VMIDs with a living QEMU process, found by their pid files. */
export function runningGuests(paths: DataPaths): number[] {
  let names: string[];
  try {
    names = readdirSync(paths.qemuRun);
  } catch {
    return [];
  }
  return names
    .map((name) => /^(\d+)\.pid$/.exec(name)?.[1])
    .filter((vmid) => vmid !== undefined)
    .map(Number)
    .filter((vmid) => isRunning(paths, vmid));
}

/**
 * Waits until the process has ended; false after `timeout` ms. Node.js has no pidfd, so this reads /proc (state Z
 * counts as ended) in growing steps; callers that can wait for the end of a QMP connection do that first.
 */
export async function waitForExit(
  process: ProcessId,
  timeout: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + timeout;
  // Short at first: most ends take a few milliseconds.
  for (let pause = 2; isAlive(process.pid, process.startTime); pause = Math.min(pause * 1.5, 200)) {
    if (Date.now() >= deadline) return false;
    await sleep(Math.min(pause, Math.max(1, deadline - Date.now())), undefined, signal ? { signal } : {});
  }
  return true;
}

/** Removes what a dead QEMU leaves: sockets, pid file, taps, control group. Safe to repeat. */
export async function cleanUpAfter(paths: DataPaths, node: string, vmid: number): Promise<void> {
  const run = qemuRunPaths(paths, vmid);
  const taps = new RegExp(`^tap${vmid}i\\d+$`);
  for (const name of readdirSync('/sys/class/net')) if (taps.test(name)) await removeTap(name);
  guestCgroup(vmid, node).remove();
  for (const path of [
    run.qmp,
    run.event,
    run.vnc,
    run.qga,
    run.efiVars,
    ...[0, 1, 2, 3].map((n) => run.serial(n)),
    run.pid,
  ]) {
    rmSync(path, { force: true });
  }
}

/** The last lines that QEMU wrote, for an error. */
export function lastWords(paths: DataPaths, vmid: number, from: number): string {
  try {
    const text = readFileSync(qemuRunPaths(paths, vmid).log, 'utf8').slice(from);
    const lines = text.trim().split('\n').slice(-5);
    return lines.map(withoutArgument).join('; ');
  } catch {
    return '';
  }
}

/** `qemu-system-x86_64: -blockdev {…}: Could not open …` without what stands in the task's own terms anyway. */
function withoutArgument(line: string): string {
  return line.replace(/^qemu-system-\w+: /, '').replace(/^-[\w-]+ (?:\{.*\}|\S+): /, '');
}

/** Size of the log now: what comes after belongs to the next start. */
export function logSize(paths: DataPaths, vmid: number): number {
  return statSync(qemuRunPaths(paths, vmid).log, { throwIfNoEntry: false })?.size ?? 0;
}
