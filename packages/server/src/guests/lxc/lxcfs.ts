/**
 * lxcfs: the /proc files of containers that show their own memory, CPUs and age. Where systemd runs the node, it runs
 * lxcfs too; elsewhere the first start of a container does. It outlives the daemon, since running containers have its
 * files mounted, and serves all of them.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import { readTextIfPresent } from '../../host/files.ts';
import type { GuestServices } from '../guest-services.ts';
import { lxcfsRoot } from './host-input.ts';

const program = '/usr/bin/lxcfs';
/** How long it may take to mount its files (ms), and how often that is looked at. */
const patience = 5_000;
const every = 20;

/** False when there is none, and none could be started: containers start without. */
export async function ensureLxcfs({ locks, paths, log }: GuestServices): Promise<boolean> {
  if (answers()) return true;
  if (existsSync('/run/systemd/system') || !existsSync(program)) return false;
  try {
    return await locks.with('lxcfs', async () => answers() || (await start(join(paths.run, 'lxcfs.pid'))));
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'lxcfs could not be started');
    return false;
  }
}

async function start(pidFile: string): Promise<boolean> {
  // What one that was killed has left answers every question with an error.
  if (isMounted()) await run('umount', ['--lazy', lxcfsRoot]);
  mkdirSync(lxcfsRoot, { recursive: true });
  const child = spawn(program, ['--pidfile', pidFile, lxcfsRoot], {
    ...{ detached: true, cwd: '/', stdio: 'ignore' },
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.on('error', () => {});
  child.unref();
  for (const end = Date.now() + patience; Date.now() < end && child.exitCode === null; await sleep(every))
    if (answers()) return true;
  return false;
}

/** Asked of the mount itself: a mount point whose program has died is still there. */
function answers(): boolean {
  try {
    return isMounted() && readFileSync(join(lxcfsRoot, 'proc/uptime'), 'utf8') !== '';
  } catch {
    return false;
  }
}

const isMounted = (): boolean =>
  (readTextIfPresent('/proc/self/mountinfo') ?? '')
    .split('\n')
    .some((line) => line.split(' ')[4] === lxcfsRoot && line.includes(' - fuse.lxcfs '));
