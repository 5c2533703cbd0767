/** The processes of a container: is it there, who is its init, how it ends, what it leaves behind. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTextIfPresent } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import { type ProcessId, readPidFile, removePidFile } from '../../host/pidfile.ts';
import { signalProcess, waitForExit } from '../../host/process-end.ts';
import { commandLine, processStat } from '../../host/procfs.ts';
import { forgetGuest } from '../../network/firewall/guard.ts';
import { removeTap } from '../../network/tap.ts';
import { containerCgroup } from './cgroup.ts';
import { lxcRunPaths } from './run-paths.ts';

/** Between two looks for strays, and how long they may take to end (ms). */
const strayPause = 10;
const strayPatience = 15_000;

/** LXC's monitor of a running container: it lives as long as the container does. */
export function monitorProcess(paths: DataPaths, vmid: number): ProcessId | undefined {
  return readPidFile(lxcRunPaths(paths, vmid).pid);
}

export function isRunning(paths: DataPaths, vmid: number): boolean {
  return monitorProcess(paths, vmid) !== undefined;
}

/** The container's init: the only child of its monitor. */
export function initProcess(paths: DataPaths, vmid: number): ProcessId | undefined {
  const monitor = monitorProcess(paths, vmid);
  if (!monitor) return undefined;
  const children = readTextIfPresent(`/proc/${monitor.pid}/task/${monitor.pid}/children`) ?? '';
  const pid = Number(children.split(' ')[0]);
  const startTime = pid > 0 ? processStat(pid)?.startTime : undefined;
  return startTime === undefined ? undefined : { pid, startTime };
}

/** VMIDs of the containers that run; none where no node has ever been. */
export function runningContainers(paths: DataPaths): number[] {
  return existsSync(paths.lxcRun) ? leftovers(paths).filter((vmid) => isRunning(paths, vmid)) : [];
}

/** VMIDs with a pid file, whether the container lives or not. */
export function leftovers(paths: DataPaths): number[] {
  return readdirSync(paths.lxcRun)
    .map((name) => /^(\d+)\.pid$/.exec(name)?.[1])
    .filter((vmid) => vmid !== undefined)
    .map(Number);
}

/** How the container has ended: `reboot` when it wants to be started again. */
export function lastEnd(paths: DataPaths, vmid: number): 'stop' | 'reboot' | undefined {
  const text = readTextIfPresent(lxcRunPaths(paths, vmid).ended)?.trim();
  return text === undefined || text === '' ? undefined : text === 'reboot' ? 'reboot' : 'stop';
}

/** Has an earlier run left something? Its files are the last that a clean-up takes, so that nothing is there without them. */
export function hasLeftovers(paths: DataPaths, vmid: number): boolean {
  const { folder, ended, pid, hook } = lxcRunPaths(paths, vmid);
  return [folder, ended, pid, hook].some((path) => existsSync(path)) || cardsOf(vmid).length > 0;
}

const cardsOf = (vmid: number): string[] => {
  const card = new RegExp(`^veth${vmid}i\\d+$`);
  return readdirSync('/sys/class/net').filter((name) => card.test(name));
};

/** Removes what a dead container leaves: cards, firewall, control groups, LXC's files. Safe to repeat. */
export async function cleanUpAfter(paths: DataPaths, node: string, vmid: number): Promise<void> {
  const run = lxcRunPaths(paths, vmid);
  for (const name of cardsOf(vmid)) await removeTap(name, paths.root);
  forgetGuest(paths, vmid);
  await containerCgroup(vmid, node).remove();
  for (const path of [run.folder, run.ended, run.waiting]) rmSync(path, { recursive: true, force: true });
  removePidFile(run.pid);
}

/**
 * Ends a start that no pid file names: whoever began it was killed before writing that. LXC forks twice on its way, so
 * that a process may come behind a look at all of them: only the second look in vain counts.
 */
export async function endStrayMonitor(paths: DataPaths, vmid: number): Promise<void> {
  if (isRunning(paths, vmid)) return;
  const end = performance.now() + strayPatience;
  for (let inVain = 0; inVain < 2 && performance.now() < end; ) {
    const strays = strayMonitors(paths, vmid);
    // Its init goes with it: LXC asks the kernel for that.
    for (const stray of strays) signalProcess(stray, 'SIGKILL');
    for (const stray of strays) await waitForExit(stray, 5000);
    inVain = strays.length === 0 ? inVain + 1 : 0;
    await sleep(strayPause);
  }
}

function strayMonitors(paths: DataPaths, vmid: number): ProcessId[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !isMonitorOf(pid, paths, vmid)) return [];
    const startTime = processStat(pid)?.startTime;
    return startTime === undefined ? [] : [{ pid, startTime }];
  });
}

/**
 * LXC calls its monitors `[lxc monitor] <folder> <name>`. Until then it is `lxc-start --name <name> --lxcpath <folder>`,
 * and before that the shell that becomes it, with the same words behind its own (mount-namespace.ts).
 */
function isMonitorOf(pid: number, paths: DataPaths, vmid: number): boolean {
  const [program = '', ...rest] = commandLine(pid);
  if (program.startsWith(`[lxc monitor] ${paths.lxcRun} ${vmid}`)) return program.endsWith(` ${vmid}`);
  const words = [program, ...rest];
  return (
    words.includes('lxc-start') &&
    words[words.indexOf('--name') + 1] === String(vmid) &&
    words[words.indexOf('--lxcpath') + 1] === paths.lxcRun
  );
}

/** The errors that LXC wrote behind byte `from` of its log, for an error; without what follows from the first. */
export function lastWords(paths: DataPaths, vmid: number, from: number): string {
  try {
    const text = readFileSync(lxcRunPaths(paths, vmid).log).toString('utf8', from);
    const errors = text.split('\n').filter((line) => / ERROR /.test(line));
    return errors
      .map((line) => line.replace(/^.* ERROR\s+\S+ - \S+ - /, ''))
      .slice(0, 3)
      .join('; ');
  } catch {
    return '';
  }
}
