/**
 * Hook scripts: a snippet that root runs at four moments in the life of a guest, with the arguments `<vmid> <phase>`.
 * What it prints goes into the log of the task; a failing pre-start stops the start, the other phases only warn.
 */
import { spawn } from 'node:child_process';
import { chmodSync, realpathSync, statSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { readTextIfPresent } from '../host/files.ts';
import type { GuestServices } from './guest-services.ts';
import { guestOwner, salvageGuest } from './guest-store.ts';
import { lxcRunPaths } from './lxc/run-paths.ts';
import { qemuRunPaths } from './qemu/run-paths.ts';

export type HookPhase = 'pre-start' | 'post-start' | 'pre-stop' | 'post-stop';

/** Who hears what the script prints. */
export interface HookLog {
  log(line: string): void;
  warn(line: string): void;
  readonly signal?: AbortSignal;
}

/** How long a script may run (ms); what should go on has to put itself into the background. */
const hookPatience = 300_000;
/** How long output is waited for that comes behind the script's end (ms): a process in the background may hold it open. */
const outputPatience = 200;

/** Refuses a value of `hookscript` that could not be run. */
export async function checkHookscript(services: GuestServices, volid: string): Promise<void> {
  await scriptPath(services, volid);
}

/** Guests that have the file at `path` as their hook script, now or in a snapshot. Root runs it, on whichever node. */
export async function guestsHookedBy(services: GuestServices, path: string): Promise<number[]> {
  const found: number[] = [];
  for (const { path: document, text } of services.store.list('nodes/')) {
    const vmid = /\/(?:qemu-server|lxc)\/(\d+)\.conf$/.exec(document)?.[1];
    const volids = [...text.matchAll(/^hookscript:\s*(\S+)/gm)].map((match) => match[1] ?? '');
    for (const volid of vmid === undefined ? [] : new Set(volids)) {
      // A storage that is gone has no path; nobody runs what is on it.
      const script = await services.storage.path(volid).catch(() => undefined);
      if (script !== undefined && realPath(script) === realPath(path)) found.push(Number(vmid));
    }
  }
  return [...new Set(found)];
}

/** Two storages may have the same folder by different names. The file itself need not be there yet. */
function realPath(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

/** Before the start; rejects with 'failed' when the script fails. */
export async function preStart(services: GuestServices, vmid: number, log: HookLog): Promise<void> {
  const volid = hookscriptOf(services, vmid);
  if (volid !== undefined) await runHook(services, vmid, volid, 'pre-start', log);
}

/** The guest runs from now on, so that a post-stop is owed, whoever sees it end. */
export async function oweStopHook(services: GuestServices, vmid: number): Promise<void> {
  const volid = hookscriptOf(services, vmid);
  if (volid !== undefined) await writeFile(owedFile(services, vmid), volid, { mode: 0o600 });
}

export function postStart(services: GuestServices, vmid: number, log: HookLog): Promise<void> {
  return tryHook(services, vmid, hookscriptOf(services, vmid), 'post-start', log);
}

export function preStop(services: GuestServices, vmid: number, log: HookLog): Promise<void> {
  return tryHook(services, vmid, hookscriptOf(services, vmid), 'pre-stop', log);
}

/** Once for each time that the guest has run. The caller holds the guest's lock. */
export async function postStop(services: GuestServices, vmid: number, log: HookLog): Promise<void> {
  const hook = owedFile(services, vmid);
  const volid = await readFile(hook, 'utf8').catch(() => undefined);
  if (volid === undefined) return;
  await rm(hook, { force: true });
  // Also for a task that somebody has stopped: the guest has ended all the same.
  await tryHook(services, vmid, volid, 'post-stop', {
    log: (line) => log.log(line),
    warn: (line) => log.warn(line),
  });
}

function hookscriptOf(services: GuestServices, vmid: number): string | undefined {
  // A guest whose configuration is damaged can be stopped all the same.
  const type = typeOf(services, vmid);
  return salvageGuest(services.store, type, services.settings.node, vmid).file.properties.hookscript;
}

const typeOf = ({ store }: GuestServices, vmid: number) => guestOwner(store, vmid)?.type ?? 'qemu';

/** Names the script that waits for the end of the guest. */
function owedFile(services: GuestServices, vmid: number): string {
  const paths = typeOf(services, vmid) === 'lxc' ? lxcRunPaths : qemuRunPaths;
  return paths(services.paths, vmid).hook;
}

async function tryHook(
  services: GuestServices,
  vmid: number,
  volid: string | undefined,
  phase: HookPhase,
  log: HookLog,
): Promise<void> {
  if (volid === undefined) return;
  try {
    await runHook(services, vmid, volid, phase, log);
  } catch (error) {
    log.warn(messageOf(error));
  }
}

async function runHook(
  services: GuestServices,
  vmid: number,
  volid: string,
  phase: HookPhase,
  log: HookLog,
): Promise<void> {
  const path = await scriptPath(services, volid);
  const problem = await runScript(path, [String(vmid), phase], log);
  if (problem !== undefined) {
    throw new RyokanError('failed', `hookscript '${volid}' ${problem} in phase ${phase} of guest ${vmid}`, {
      context: { vmid, volid },
    });
  }
}

/** The script's path; the file is made executable, which an upload cannot do. Rejects with 'parameter'. */
async function scriptPath(services: GuestServices, volid: string): Promise<string> {
  const wrong = (problem: string) =>
    new RyokanError('parameter', `hookscript: '${volid}' ${problem}`, { context: { key: 'hookscript' } });
  const volume = await services.storage.info(volid);
  if (volume.content !== 'snippets')
    throw wrong(`is of content type '${volume.content}'; put it into snippets`);
  const path = await services.storage.path(volid);
  const text = readTextIfPresent(path) ?? '';
  if (!text.startsWith('#!') && !text.startsWith('\x7fELF'))
    throw wrong('does not begin with the line that names its interpreter, such as #!/bin/sh');
  const { mode } = statSync(path);
  if ((mode & 0o100) === 0) chmodSync(path, (mode & 0o777) | 0o100);
  return path;
}

/** Undefined when it ended well, else what went wrong. */
function runScript(path: string, args: readonly string[], log: HookLog): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(path, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) eachLine(stream, (line) => log.log(line));
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, hookPatience);
    const stop = () => child.kill('SIGTERM');
    log.signal?.addEventListener('abort', stop, { once: true });
    const end = (problem: string | undefined) => {
      clearTimeout(timer);
      log.signal?.removeEventListener('abort', stop);
      const done = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve(problem);
      }, outputPatience);
      child.once('close', () => {
        clearTimeout(done);
        resolve(problem);
      });
    };
    child.once('error', (error) => end(`could not be run (${error.message})`));
    child.once('exit', (code, signal) => {
      if (late) end(`did not end within ${hookPatience / 1000} s and was killed`);
      else if (code === 0) end(undefined);
      else end(code === null ? `was ended by ${signal}` : `failed with exit code ${code}`);
    });
  });
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  stream.setEncoding('utf8');
  let rest = '';
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}
