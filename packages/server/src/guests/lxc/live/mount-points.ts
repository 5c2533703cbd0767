/**
 * Mount points of a running container: mounted on its stage as at a start, then given into its own mount namespace. Taken
 * out the same way back, where no process in it has something open there.
 */
import { mkdirSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../../host/exec.ts';
import { readTextIfPresent } from '../../../host/files.ts';
import type { GuestServices } from '../../guest-services.ts';
import { type Outcome, orBack, waits } from '../../live-outcome.ts';
import { stage } from '../host-input.ts';
import { makeReadOnly, mountInNamespace } from '../mount-namespace.ts';
import { initProcess, monitorProcess } from '../process.ts';
import { parseVolume, type VolumeValue } from '../volume-value.ts';
import { mountArguments } from '../volumes.ts';
import { betweenStates, type LiveChange } from './apply.ts';
import { moveIntoNamespace, unmountInNamespace } from './move-mount.ts';

interface Processes {
  /** Its mounts are those of the node and the stage. */
  readonly monitor: number;
  /** Its mounts are the container's. */
  readonly init: number;
}

export async function changeMountPoint(change: LiveChange): Promise<Outcome> {
  const { services, vmid, key, before, after } = change;
  const monitor = monitorProcess(services.paths, vmid)?.pid;
  const init = initProcess(services.paths, vmid)?.pid;
  if (monitor === undefined || init === undefined) return waits(betweenStates);
  const processes = { monitor, init };
  const [old, next] = [before, after].map((text) =>
    text === undefined ? undefined : parseVolume(key, text),
  );
  if (old && next && sameMount(old, next)) return 'done';
  if (old) await takeOut(processes, key, old);
  if (next) {
    await orBack(
      () => bringIn(services, processes, key, next),
      async () => old && bringIn(services, processes, key, old),
    );
  }
  return 'done';
}

/** Some options say nothing to a container that runs: the size is a note, the others are for backup and replication. */
function sameMount(a: VolumeValue, b: VolumeValue): boolean {
  const { size: _a, backup: _b, replicate: _c, shared: _d, ...one } = a;
  const { size: _e, backup: _f, replicate: _g, shared: _h, ...other } = b;
  return JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
}

async function bringIn(
  services: GuestServices,
  { monitor, init }: Processes,
  key: string,
  value: VolumeValue,
): Promise<void> {
  const target = value.mp ?? '/';
  if (mountedAt(init, target)) {
    throw new RyokanError('state', `something is mounted at '${target}' in the container already`);
  }
  const source = `${stage}/${key}`;
  await leaveStage(monitor, source);
  mkdirSync(`/proc/${monitor}/root${source}`, { recursive: true, mode: 0o755 });
  await mountInNamespace(monitor, await mountArguments({ services }, key, value, source));
  try {
    if (value.ro) await makeReadOnly(monitor, source);
    await moveIntoNamespace({ from: monitor, source, to: init, target });
  } catch (error) {
    await leaveStage(monitor, source);
    throw error;
  }
}

async function takeOut({ monitor, init }: Processes, key: string, value: VolumeValue): Promise<void> {
  const source = `${stage}/${key}`;
  const ours = mountedAt(monitor, source);
  const there = mountsOf(init).filter(({ what }) => what === ours);
  // Links in the tree may have led the mount elsewhere; somebody inside may have unmounted it already.
  const mounted = there.find(({ path }) => path === value.mp) ?? there.at(-1);
  if (mounted && !(await unmountInNamespace(init, mounted.path))) {
    throw new RyokanError(
      'state',
      `'${mounted.path}' is in use in the container: end what works there, or restart the container`,
    );
  }
  await leaveStage(monitor, source);
}

async function leaveStage(monitor: number, source: string): Promise<void> {
  if (!mountedAt(monitor, source)) return;
  await run('umount', ['--namespace', String(monitor), source], { timeout: 30_000 });
}

interface Mounted {
  readonly path: string;
  /** Device, and the folder in it. */
  readonly what: string;
}

/** What a process sees mounted, in the order in which it was; proc(5). */
function mountsOf(pid: number): Mounted[] {
  const lines = (readTextIfPresent(`/proc/${pid}/mountinfo`) ?? '').split('\n').filter(Boolean);
  return lines.map((line) => {
    const [, , device, folder, path = ''] = line.split(' ');
    const readable = path.replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    return { path: readable, what: `${device} ${folder}` };
  });
}

/** What is mounted at a path, the topmost; undefined: nothing. */
const mountedAt = (pid: number, path: string): string | undefined =>
  mountsOf(pid).findLast((one) => one.path === path)?.what;
