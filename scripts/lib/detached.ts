/** Starts the daemon as a session of its own and waits until it serves. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync, statSync, watch } from 'node:fs';
import { basename, join } from 'node:path';
import type { DataPaths } from '@ryokan/server/host/paths.ts';
import { type Ready, readReady } from './node-settings.ts';
import { inProject, Problem } from './terminal.ts';

/** Milliseconds that a start may take: far more than a slow machine needs. */
const patience = 60_000;

/** Waits for a line before it becomes the program: until then the pid file is passed to it. */
const gate = 'read -r go && exec "$@" </dev/null';

/**
 * Resolves when DATA/run/ready names the new process. When the daemon ends before, or says nothing for a minute, it is
 * killed and the call rejects with the last lines of its log. `pass` gets the pid before the daemon runs.
 */
export async function startDetached(paths: DataPaths, pass: (pid: number) => void): Promise<Ready> {
  const logPath = join(paths.log, 'daemon.log');
  const log = openSync(logPath, 'a', 0o640);
  const logStart = statSync(logPath).size;
  const daemon = [process.execPath, inProject('dist', 'daemon.js'), '--data', paths.root];
  const child = spawn('/bin/sh', ['-c', gate, 'ryokan-daemon', ...daemon], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  const fail = (what: string) => new Problem(`${what}${tail(logPath, logStart)}`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => settle(fail(`the daemon was not ready after ${patience / 1000} s`)),
      patience,
    );
    const look = () => {
      const ready = child.pid === undefined ? undefined : readReady(paths, child.pid);
      if (ready) settle(ready);
    };
    const watcher = watch(paths.run, (_event, name) => {
      if (name === null || name === basename(paths.ready)) look();
    });
    const settle = (result: Ready | Error) => {
      clearTimeout(timer);
      watcher.close();
      child.removeAllListeners();
      child.stdin?.destroy();
      child.unref();
      if (!(result instanceof Error)) return resolve(result);
      // Whoever takes back what was made must not meet a process that still writes.
      const runs = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
      if (!runs) return reject(result);
      child.once('exit', () => reject(result)).kill('SIGKILL');
    };
    child.on('error', (error) => settle(fail(`the daemon could not be started: ${error.message}`)));
    child.on('exit', (code, signal) =>
      settle(
        fail(`the daemon ended ${signal ? `by ${signal}` : `with exit code ${code}`} instead of serving`),
      ),
    );
    try {
      if (child.pid === undefined) return;
      pass(child.pid);
      child.stdin?.end('go\n');
    } catch (error) {
      settle(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** What was added to the log since `start`, its last 15 lines. */
function tail(path: string, start: number): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(64 * 1024);
    const from = Math.max(start, statSync(path).size - buffer.length);
    const text = buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, from)).trimEnd();
    return text ? `; its last lines:\n${text.split('\n').slice(-15).join('\n')}` : '';
  } finally {
    closeSync(file);
  }
}
