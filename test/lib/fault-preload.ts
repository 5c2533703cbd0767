/**
 * Loaded into the processes of a test node before their own code (see faults.ts), so that a task can be broken at each
 * of its steps. It acts in worker processes only, and there from the moment in which a job comes and while there is a
 * plan. A step is what leaves the process: a QMP command, a program, a change of an image's file, a commit to the
 * configuration. The same step again, as in a loop that waits, counts once.
 */
import childProcess, { type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net, { type Socket } from 'node:net';
import { basename, join } from 'node:path';
import type { FaultAction, FaultPlan } from './faults.ts';

const folder = process.env.RYOKAN_TEST_FAULTS ?? '';
const { readFileSync, appendFileSync } = fs;

let hasJob = false;
let planned = '';
let count = 0;
let last = '';
let broken = false;
const seen = new Map<string, number>();

/** Counts a step; says what shall go wrong with it. */
function faultAt(name: string): FaultAction | undefined {
  if (!hasJob) return undefined;
  let plan: FaultPlan;
  try {
    plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as FaultPlan;
  } catch {
    return undefined;
  }
  if (plan.id !== planned) {
    [planned, count, last, broken] = [plan.id, 0, '', false];
    seen.clear();
  }
  if (name === last) return undefined;
  last = name;
  count++;
  const times = (seen.get(name) ?? 0) + 1;
  seen.set(name, times);
  const unique = times === 1 ? name : `${name} (${times})`;
  const action = !broken && (plan.step === count || plan.step === unique) ? plan.action : undefined;
  broken ||= action !== undefined;
  appendFileSync(join(folder, 'steps'), `${plan.id} ${count}${action ? ` ${action}` : ''} ${unique}\n`);
  return action;
}

/** Milliseconds. */
const stallTime = 1000;

const die = () => process.kill(process.pid, 'SIGKILL');
/** As when somebody stops the task. */
const cancel = () => process.kill(process.pid, 'SIGTERM');
const injected = (name: string) => Object.assign(new Error(`injected at ${name}`), { code: 'EIO' });

function watchQmp(socket: Socket): void {
  const write = socket.write.bind(socket) as (text: string) => boolean;
  socket.write = ((text: string) => {
    const { execute, id } = JSON.parse(text) as { execute: string; id: number };
    const action = execute === 'qmp_capabilities' ? undefined : faultAt(`qmp ${execute}`);
    const answer = (error: object) =>
      setImmediate(() => socket.emit('data', Buffer.from(`${JSON.stringify({ id, error })}\n`)));
    if (action === 'kill') die();
    else if (action === 'fail') answer({ class: 'GenericError', desc: 'injected' });
    else if (action === 'cut') socket.destroy();
    else if (action === 'stall') {
      cancel();
      setTimeout(write, stallTime, text);
    } else {
      if (action === 'cancel') cancel();
      if (action === 'kill-after') {
        socket.prependListener('data', (data: Buffer) => {
          if (data.includes(`"id": ${id}`)) die();
        });
      }
      write(text);
    }
    return true;
  }) as typeof socket.write;
}

const { connect } = net;
/** Workers connect by path alone. */
net.connect = ((path: string) => {
  const socket = connect(path);
  if (path.endsWith('.qmp')) watchQmp(socket);
  if (path.endsWith('worker.sock')) {
    socket.on('data', (data: Buffer) => {
      if (data.includes('"type":"job"')) hasJob = true;
    });
  }
  return socket;
}) as typeof net.connect;

const { spawn } = childProcess;
childProcess.spawn = ((program: string, args: string[], options: object): ChildProcess => {
  const name = basename(program);
  const action = faultAt(`run ${[name, ...args].slice(0, name === 'qemu-img' ? 3 : 1).join(' ')}`);
  if (action === 'kill') die();
  if (action === 'cancel' || action === 'stall') cancel();
  if (action === 'halt') process.kill(process.pid, 'SIGSTOP');
  if (action === 'fail' || action === 'cut') return spawn('/bin/false', args, options);
  const child = spawn(program, args, options);
  if (action === 'kill-after') {
    if (name.startsWith('qemu-system')) die();
    child.prependListener('close', die);
  }
  return child;
}) as typeof childProcess.spawn;

type FileFunction = (path: string, ...rest: unknown[]) => Promise<unknown>;
/** Changes of images and of the socket through which memory goes. */
const watched = /\/images\/|\.state$/;
const files = fs.promises as unknown as Record<string, FileFunction>;
for (const name of ['link', 'mkdir', 'open', 'rename', 'rm', 'rmdir', 'unlink', 'chown', 'chmod']) {
  const real = files[name] as FileFunction;
  files[name] = async (path, ...rest) => {
    const reads = name === 'open' && (rest[0] === undefined || rest[0] === 'r');
    if (typeof path !== 'string' || !watched.test(path) || reads) return real(path, ...rest);
    const action = faultAt(`${name} ${basename(path).replace(/[0-9a-f]{16}/, 'RANDOM')}`);
    if (action === 'kill') die();
    if (action === 'cancel' || action === 'stall') cancel();
    if (action === 'fail' || action === 'cut') throw injected(name);
    const result = await real(path, ...rest);
    if (action === 'kill-after') die();
    return result;
  };
}

interface Database {
  exec(sql: string): void;
  location(): string | null;
}

function watchCommits(database: Database): void {
  const exec = database.exec.bind(database);
  const watched = (sql: string) => {
    const isCommit = sql === 'COMMIT' && database.location()?.endsWith('config.db');
    const action = isCommit ? faultAt('commit') : undefined;
    if (action === 'kill') die();
    if (action === 'cancel' || action === 'stall') cancel();
    if (action === 'fail' || action === 'cut') {
      throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR' });
    }
    exec(sql);
    if (action === 'kill-after') die();
  };
  Object.defineProperty(database, 'exec', { value: watched });
}

const { construct } = Reflect;

/** The methods of SQLite's class are fixed, but its package makes every database by this function. */
function constructWatched(
  target: new (...args: never[]) => object,
  args: ArrayLike<unknown>,
  ...rest: [] | [new () => object]
): object {
  const made = construct(target, args, ...(rest as [])) as object;
  if (target.name === 'DatabaseSync') watchCommits(made as Database);
  return made;
}

if (basename(process.argv[1] ?? '') === 'worker.js' && folder !== '') {
  Reflect.construct = constructWatched as typeof Reflect.construct;
  syncBuiltinESMExports();
}
