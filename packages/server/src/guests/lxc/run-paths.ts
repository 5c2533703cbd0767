/** Files of one container of this node while it runs. */
import { join } from 'node:path';
import type { DataPaths } from '../../host/paths.ts';

export interface LxcRunPaths {
  /** What LXC calls its folder of the container; `config` in it is made at each start. */
  readonly folder: string;
  readonly config: string;
  readonly seccomp: string;
  /** Process id of LXC's monitor, as LXC writes it. */
  readonly monitorPid: string;
  /** The same with the start time: the container runs as long as this names a living process. */
  readonly pid: string;
  /** Written by LXC when the container has ended: `stop`, or `reboot` when it wants to be started again. */
  readonly ended: string;
  /** Names the hook script that waits for the end of the container. */
  readonly hook: string;
  /** Why changes of the running container wait for its next start: waiting-reasons.ts. */
  readonly waiting: string;
  /** Where a volume is mounted while a task works on it. */
  readonly mount: string;
  /** What LXC writes. */
  readonly log: string;
}

export function lxcRunPaths(paths: DataPaths, vmid: number): LxcRunPaths {
  const folder = join(paths.lxcRun, String(vmid));
  return {
    folder,
    config: join(folder, 'config'),
    seccomp: join(folder, 'seccomp'),
    monitorPid: join(folder, 'monitor.pid'),
    pid: join(paths.lxcRun, `${vmid}.pid`),
    ended: join(paths.lxcRun, `${vmid}.ended`),
    hook: join(paths.lxcRun, `${vmid}.hookscript`),
    waiting: join(paths.lxcRun, `${vmid}.waiting`),
    mount: join(paths.lxcRun, `${vmid}.mount`),
    log: join(paths.log, 'lxc', `${vmid}.log`),
  };
}
