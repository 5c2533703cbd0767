/** Starting a program that serves a guest's QEMU over a socket; how it ends: helper-process.ts. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import { claimPidFile } from '../../host/pidfile.ts';
import { isAlive } from '../../host/procfs.ts';
import { type HelperFiles, lifeFile } from './helper-process.ts';
import { lastWords, logSize } from './process.ts';
import { qemuRunPaths } from './run-paths.ts';
import type { GuestStart } from './start-host.ts';

/** How long one may take until it listens (ms). */
const listenPatience = 5000;

export interface HelperProgram extends HelperFiles {
  readonly program: string;
  readonly args: readonly string[];
  /** Whom it runs as; root without this. */
  readonly account?: { readonly uid: number; readonly gid: number };
  /** What went wrong as the error that the caller wants. */
  readonly failure: (problem: string) => RyokanError;
}

/** Starts it, with its output in the guest's log, and waits until it listens. */
export async function startHelper(
  { services, vmid, context }: Pick<GuestStart, 'services' | 'vmid' | 'context'>,
  { program, args, socket, pidFile, account, failure }: HelperProgram,
): Promise<void> {
  const { log } = qemuRunPaths(services.paths, vmid);
  mkdirSync(dirname(log), { recursive: true });
  const logStart = logSize(services.paths, vmid);
  const life = lifeFile(socket);
  rmSync(life, { force: true });
  await run('mkfifo', ['-m', '600', life]);
  const output = openSync(log, 'a', 0o640);
  // For reading too: to open it for writing alone would wait for a reader.
  const held = openSync(life, 'r+');
  const child = spawn(program, args, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', output, output, held],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    ...account,
  });
  closeSync(output);
  closeSync(held);
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => resolve()).once('error', () => resolve()),
  );
  if (child.pid !== undefined && isAlive(child.pid)) claimPidFile(pidFile, child.pid);
  const listens = await untilListening(socket, ended, context.signal);
  child.unref();
  if (listens) return;
  const words = lastWords(services.paths, vmid, logStart);
  throw failure(`${program.split('/').at(-1)} did not start${words ? `: ${words}` : ''}`);
}

/** False when it ended, or did not listen in time. */
async function untilListening(socket: string, ended: Promise<void>, signal: AbortSignal): Promise<boolean> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const deadline = Date.now() + listenPatience;
  while (!existsSync(socket)) {
    if (over || Date.now() > deadline) return false;
    await sleep(10, undefined, { signal });
  }
  return !over;
}
