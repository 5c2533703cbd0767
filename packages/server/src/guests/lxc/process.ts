/** The processes of a container: is it there, who is its init, how it ends, what it leaves behind. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readTextIfPresent } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import { type ProcessId, readPidFile, removePidFile } from '../../host/pidfile.ts';
import { signalProcess, waitForExit } from '../../host/process-end.ts';
import { commandLine, processStat } from '../../host/procfs.ts';
import { forgetGuest } from '../../network/firewall/guard.ts';
import { removeTap } from '../../network/tap.ts';
import { containerCgroup } from './cgroup.ts';
import { lxcRunPaths } from './run-paths.ts';

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

/** Ends a monitor that no pid file names: whoever started it was killed before writing that. */
export async function endStrayMonitor(paths: DataPaths, vmid: number): Promise<void> {
  if (isRunning(paths, vmid)) return;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !isMonitorOf(pid, paths, vmid)) continue;
    const startTime = processStat(pid)?.startTime;
    if (startTime === undefined) continue;
    // Its init goes with it: LXC asks the kernel for that.
    signalProcess({ pid, startTime }, 'SIGKILL');
    await waitForExit({ pid, startTime }, 5000);
  }
}

/** LXC calls its monitors `[lxc monitor] <folder> <name>`, and is `lxc-start … -P <folder>` until then. */
function isMonitorOf(pid: number, paths: DataPaths, vmid: number): boolean {
  const [program = '', ...rest] = commandLine(pid);
  if (program.startsWith(`[lxc monitor] ${paths.lxcRun} ${vmid}`)) return program.endsWith(` ${vmid}`);
  return /(^|\/)lxc-start$/.test(program) && rest.includes(paths.lxcRun) && rest.includes(String(vmid));
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
