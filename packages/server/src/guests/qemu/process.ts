/** The QEMU process of a guest: is it there, how it ends, and what it leaves behind. */
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { qemuVirtiofsKeys } from '@ryokan/api/schema/qemu-config.ts';
import { guestCgroup } from '../../host/cgroup.ts';
import type { DataPaths } from '../../host/paths.ts';
import { removeMediated } from '../../host/pci-binding.ts';
import { type ProcessId, readPidFile, removePidFile } from '../../host/pidfile.ts';
import { signalProcess, waitForExit } from '../../host/process-end.ts';
import { commandLine, processStat } from '../../host/procfs.ts';
import { forgetGuest } from '../../network/firewall/guard.ts';
import { removeTap } from '../../network/tap.ts';
import { releaseHugepages } from './hugepages.ts';
import { releasePci } from './pci-reservation.ts';
import { qemuProgram } from './qemu-facts.ts';
import { qemuRunPaths } from './run-paths.ts';
import { endTpm, swtpmProgram } from './tpm-process.ts';
import { endVirtiofs, olderVirtiofsdProgram, virtiofsdProgram } from './virtiofs-process.ts';

export { signalProcess, waitForExit } from '../../host/process-end.ts';

/** The living QEMU process of a guest on this node. */
export function guestProcess(paths: DataPaths, vmid: number): ProcessId | undefined {
  return readPidFile(qemuRunPaths(paths, vmid).pid);
}

export function isRunning(paths: DataPaths, vmid: number): boolean {
  return guestProcess(paths, vmid) !== undefined;
}

/** VMIDs with a living QEMU process, found by their pid files. */
export function runningGuests(paths: DataPaths): number[] {
  return leftovers(paths).filter((vmid) => isRunning(paths, vmid));
}

/** VMIDs with a pid file, whether its process lives or not. */
export function leftovers(paths: DataPaths): number[] {
  let names: string[];
  try {
    names = readdirSync(paths.qemuRun);
  } catch {
    return [];
  }
  return names
    .map((name) => /^(\d+)\.pid$/.exec(name)?.[1])
    .filter((vmid) => vmid !== undefined)
    .map(Number);
}

/** Removes what a dead QEMU leaves: sockets, pid file, taps, firewall, control group, TPM, shared directories. Safe to repeat. */
export async function cleanUpAfter(paths: DataPaths, node: string, vmid: number): Promise<void> {
  const run = qemuRunPaths(paths, vmid);
  const taps = new RegExp(`^tap${vmid}i\\d+$`);
  for (const name of readdirSync('/sys/class/net')) if (taps.test(name)) await removeTap(name, paths.root);
  forgetGuest(paths, vmid);
  guestCgroup(vmid, node).remove();
  await endTpm(paths, vmid);
  await endVirtiofs(paths, vmid);
  releaseHugepages(paths, vmid);
  releasePci(paths, vmid);
  removeMediated(vmid);
  for (const path of [
    run.qmp,
    run.event,
    run.vnc,
    run.spice,
    run.qga,
    run.state,
    run.efiVars,
    run.waiting,
    ...[0, 1, 2, 3].map((n) => run.serial(n)),
  ]) {
    rmSync(path, { force: true });
  }
  removePidFile(run.pid);
}

/**
 * Ends processes of a guest that no pid file names: whoever started them was killed before writing it. They are known
 * by the path of their socket.
 */
export async function endStrays(paths: DataPaths, vmid: number): Promise<void> {
  const known = guestProcess(paths, vmid)?.pid;
  const { qmp, tpm, virtiofs } = qemuRunPaths(paths, vmid);
  const shares = qemuVirtiofsKeys.map(virtiofs);
  // A TPM or a shared directory is a stray only when nothing uses it.
  const socketsOf = new Map<string, readonly string[]>([
    [qemuProgram, [qmp]],
    ...(known === undefined
      ? ([
          [swtpmProgram, [tpm]],
          [virtiofsdProgram, shares],
          [olderVirtiofsdProgram, shares],
        ] as const)
      : []),
  ]);
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === known) continue;
    const args = commandLine(pid);
    // It may be behind prlimit and setpriv, which are about to become it.
    const sockets = args.flatMap((word) => socketsOf.get(word) ?? []);
    if (!sockets.some((socket) => args.some((one) => namesSocket(one, socket)))) continue;
    const startTime = processStat(pid)?.startTime;
    if (startTime === undefined) continue;
    signalProcess({ pid, startTime }, 'SIGKILL');
    await waitForExit({ pid, startTime }, 5000);
  }
}

/**
 * `socket,id=qmp,path=/…/100.qmp,server=on`, `unix:/…/100.qmp,server=on` or `--socket-path=/…/100.vfs0`, never
 * another folder with the same ending.
 */
const namesSocket = (argument: string, socket: string): boolean =>
  argument.includes(`=${socket},`) || argument.includes(`:${socket},`) || argument.endsWith(`=${socket}`);

/** The last lines that QEMU wrote behind byte `from` of its log, for an error. */
export function lastWords(paths: DataPaths, vmid: number, from: number): string {
  try {
    const text = readFileSync(qemuRunPaths(paths, vmid).log).toString('utf8', from);
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

/** Bytes of a guest's log from which on a start begins a new one and keeps this as the one before. */
const longLog = 1024 * 1024;

/** A guest that complains all the time must not fill the disk over the years. */
export function rotateLog(paths: DataPaths, vmid: number): void {
  if (logSize(paths, vmid) < longLog) return;
  const { log } = qemuRunPaths(paths, vmid);
  renameSync(log, `${log}.1`);
}
