/**
 * A Unix socket that carries one JSON document a line, as QMP and the guest agent do.
 * Finding the socket of a QEMU that is just starting is here too: it watches the folder instead of polling.
 */
import { type FSWatcher, watch } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { RyokanError } from '@ryokan/api/errors.ts';

export interface ConnectOptions {
  /** Milliseconds for the connection, waiting for the socket included. */
  readonly timeout: number;
  /** Wait until the socket file exists and somebody listens on it; otherwise a missing socket is an error at once. */
  readonly waitForSocket?: boolean;
  readonly signal?: AbortSignal;
}

/** Errors of connect(2) that mean "not yet" while a program is starting: no file, or bound but not listening. */
const notYet = new Set(['ENOENT', 'ECONNREFUSED']);

/** QEMU and the agent serve one client and let very few wait in the socket's queue; this says that it is full. */
const queueFull = 'EAGAIN';

/**
 * How long to wait without a file system event before another try, in ms. Between bind and listen, and over a stale
 * socket file, no event comes; QEMU is between the two for microseconds, so the first tries are close together.
 */
const retryDelays = [1, 2, 5, 10, 25, 50, 100];

/** Connects to a Unix socket. Rejects with RyokanError 'unavailable' (nobody there) or 'failed' (no rights, aborted). */
export async function connectUnix(path: string, options: ConnectOptions): Promise<Socket> {
  const deadline = Date.now() + options.timeout;
  const change = watchFile(path, options.waitForSocket ?? false);
  try {
    for (let attempt = 0; ; attempt++) {
      if (options.signal?.aborted) {
        throw new RyokanError('failed', `connecting to '${path}': aborted`, { cause: options.signal.reason });
      }
      try {
        return await connectOnce(path);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? '';
        const left = deadline - Date.now();
        const retry = code === queueFull || (options.waitForSocket && notYet.has(code));
        if (!retry || left <= 0) throw connectError(path, code, error, options);
        await change.next(Math.min(left, retryDelays[attempt] ?? 100), options.signal);
      }
    }
  } finally {
    change.close();
  }
}

function connectError(path: string, code: string, cause: unknown, options: ConnectOptions): RyokanError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'nobody listens there',
    ECONNREFUSED: 'nobody listens there',
    [queueFull]: 'others are using it',
  };
  const waited = options.waitForSocket || code === queueFull ? ` (waited ${options.timeout} ms)` : '';
  const reason = reasons[code] ?? (cause as Error).message;
  return new RyokanError(
    notYet.has(code) ? 'unavailable' : 'failed',
    `cannot connect to '${path}': ${reason}${waited}`,
    { context: { path }, cause },
  );
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Waits; with `watching` it wakes up early when an entry called like `path` appears or changes in its folder. */
function watchFile(
  path: string,
  watching: boolean,
): { next(ms: number, signal?: AbortSignal): Promise<void>; close(): void } {
  let wake: (() => void) | undefined;
  // Something happened while nobody waited: the next wait is over at once.
  let missed = false;
  let watcher: FSWatcher | undefined;
  try {
    if (watching) {
      watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
        if (name !== null && name !== basename(path)) return;
        missed = wake === undefined;
        wake?.();
      });
    }
    // Out of inotify watches, or the folder went away: the timer alone goes on.
    watcher?.on('error', () => watcher?.close());
  } catch {
    // The same: without a watch the retry delays still find the socket.
  }
  return {
    next: (ms, signal) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(done, missed ? 0 : ms);
        missed = false;
        signal?.addEventListener('abort', done, { once: true });
        wake = done;
        function done(): void {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          wake = undefined;
          resolve();
        }
      }),
    close: () => watcher?.close(),
  };
}

/** A line longer than this is no answer of QEMU but a runaway peer: 64 MiB (guest-file-read returns up to 48 MiB). */
const longestLine = 64 * 1024 * 1024;

/**
 * Calls `onLine` for each line that arrives on the socket. Bytes of a line are joined once, at its end: a large answer
 * arrives in many pieces.
 */
export function readLines(socket: Readable, onLine: (line: string) => void): void {
  let pieces: Buffer[] = [];
  let length = 0;
  socket.on('data', (data: Buffer) => {
    let start = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
      pieces.push(data.subarray(start, end));
      const line = Buffer.concat(pieces).toString('utf8');
      pieces = [];
      length = 0;
      start = end + 1;
      onLine(line);
    }
    if (start === data.length) return;
    pieces.push(data.subarray(start));
    length += data.length - start;
    if (length > longestLine) socket.destroy(new Error(`a line of more than ${longestLine} bytes`));
  });
}
