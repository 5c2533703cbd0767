/**
 * Runs programs: argument arrays only, never a shell. Output is collected up to a limit, or passed on line by line.
 */
import { type SpawnOptions, spawn } from 'node:child_process';

export interface RunOptions {
  readonly input?: string;
  /** An open file that the program reads as its standard input; it stays open here. */
  readonly stdin?: number;
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
    const spawnOptions: SpawnOptions = {
      stdio: [
        options.stdin ?? (options.input === undefined ? 'ignore' : 'pipe'),
        'pipe',
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
    const child = withUmask(options.umask, () => spawn(program, args, spawnOptions));
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) collect(child[name]!, name, output, options.onLine);
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    let failure: ExecError | undefined;
    child.on('error', (cause) => {
      failure = new ExecError(program, -1, output.stderr, `could not run (${cause.message})`);
      if (!options.untilGone || child.pid === undefined) reject(failure);
    });
    child.on('close', (code, signal) => {
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
