/**
 * Runs programs: argument arrays only, never a shell. Output is collected up to a limit, or passed on line by line.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readTextIfPresent } from './files.ts';

export interface RunOptions {
  readonly input?: string;
  /** An open file that the program reads as its standard input; it stays open here. */
  readonly stdin?: number;
  /** An open file that takes the program's standard output, which is not collected then; it stays open here. */
  readonly stdout?: number;
  /** Open files that the program has beside its standard ones, as 3 and on. */
  readonly files?: readonly number[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Milliseconds; the program is killed then and the call rejects. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /**
   * An abort rejects when nothing of what the program started is left, not at once: for programs whose processes all
   * end with them and whose files somebody wants to unmount.
   */
  readonly untilGone?: boolean;
  /** Called for each line on stdout and stderr as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Exit codes that count as success; default only 0. */
  readonly okCodes?: readonly number[];
  readonly uid?: number;
  readonly gid?: number;
  /** Instead of that of this process. */
  readonly umask?: number;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program ended with a code that is not a success, by a signal, or could not be started (code -1). */
export class ExecError extends Error {
  readonly program: string;
  readonly code: number;
  readonly stderr: string;
  constructor(program: string, code: number, stderr: string, reason: string) {
    const detail = stderr.trim().split('\n').slice(-3).join(' | ');
    super(`${program} ${reason}${detail ? `: ${detail}` : ''}`);
    this.name = 'ExecError';
    this.program = program;
    this.code = code;
    this.stderr = stderr;
  }
}

/** Most of an output that is kept: what a person would read of it, not a data channel. */
const keptOutput = 8 * 1024 * 1024;

/** Longer lines are passed on cut: what a program says may be made by a stranger's file. */
const longestLine = 64 * 1024;

/** Runs `program` to its end. Rejects with ExecError. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    if (options.untilGone) options.signal?.throwIfAborted();
    let child: ChildProcess | undefined;
    // Registered before Node.js registers its own: what this looks for is not to be found behind the child's end.
    const onAbort = () => endChildren(child?.pid);
    if (options.untilGone) options.signal?.addEventListener('abort', onAbort);
    const spawnOptions: SpawnOptions = {
      stdio: [
        options.stdin ?? (options.input === undefined ? 'ignore' : 'pipe'),
        options.stdout ?? 'pipe',
        'pipe',
        ...(options.files ?? []),
      ],
      cwd: options.cwd,
      env: options.env ?? { ...process.env, LC_ALL: 'C.UTF-8' },
      signal: options.signal,
      timeout: options.timeout,
      killSignal: 'SIGKILL',
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    };
    child = withUmask(options.umask, () => spawn(program, args, spawnOptions));
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = child[name];
      if (stream) collect(stream, name, output, options.onLine);
    }
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    let failure: ExecError | undefined;
    child.on('error', (cause) => {
      failure = new ExecError(program, -1, output.stderr, `could not run (${cause.message})`);
      if (!options.untilGone || child?.pid === undefined) reject(failure);
    });
    child.on('close', (code, signal) => {
      options.signal?.removeEventListener('abort', onAbort);
      if (failure) reject(failure);
      else if (code !== null && (options.okCodes ?? [0]).includes(code)) resolve({ code, ...output });
      else
        reject(
          new ExecError(
            program,
            code ?? -1,
            output.stderr,
            code === null ? `ended by ${signal}` : `failed with exit code ${code}`,
          ),
        );
    });
  });
}

/**
 * A program that takes its children along asks the kernel for that in the children, a moment after it has made them:
 * bubblewrap killed in that moment would leave one that waits for ever. Stopped, it makes no more of them.
 */
function endChildren(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGSTOP');
    const children = readTextIfPresent(`/proc/${pid}/task/${pid}/children`) ?? '';
    for (const one of children.split(' ').filter(Boolean)) process.kill(Number(one), 'SIGKILL');
  } catch {
    // It ended in between.
  }
}

/** Node.js has no such option: a program has the mask that this process has in the moment of its start. */
function withUmask<T>(umask: number | undefined, start: () => T): T {
  if (umask === undefined) return start();
  const before = process.umask(umask);
  try {
    return start();
  } finally {
    process.umask(before);
  }
}

function collect(
  stream: NodeJS.ReadableStream,
  name: 'stdout' | 'stderr',
  output: { stdout: string; stderr: string },
  onLine: RunOptions['onLine'],
): void {
  stream.setEncoding('utf8');
  let rest = '';
  stream.on('data', (text: string) => {
    if (output[name].length < keptOutput) output[name] += text;
    if (!onLine) return;
    // Progress meters end their lines with a carriage return.
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) onLine(line, name);
  });
  stream.on('end', () => {
    if (onLine && rest) onLine(rest, name);
  });
}
