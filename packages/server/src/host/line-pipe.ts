/**
 * Lines of a program that writes each one by itself, taken in portions: read as they come, every line would wake this
 * process, and that takes longer than what the program does for a line.
 */
import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { run } from './exec.ts';

export interface LinePipeOptions {
  /** A path at which nothing is yet; the pipe has it for a moment only. */
  readonly path: string;
  /** Milliseconds between two looks. The program waits when it has written more than 64 KiB meanwhile. */
  readonly every: number;
  readonly onLine: (line: string) => void;
}

/** Gives `work` an open file for the program to write to; all lines have been passed on when this resolves. */
export async function withLinePipe<T>(
  { path, every, onLine }: LinePipeOptions,
  work: (file: number) => Promise<T>,
): Promise<T> {
  await run('mkfifo', ['-m', '600', path]);
  const open: number[] = [];
  try {
    const from = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    open.push(from);
    const to = openSync(path, constants.O_WRONLY);
    open.push(to);
    const take = taker(from, onLine);
    const timer = setInterval(take, every);
    try {
      return await work(to);
    } finally {
      clearInterval(timer);
      take();
    }
  } finally {
    rmSync(path, { force: true });
    for (const file of open) closeSync(file);
  }
}

/** Reads what is there and passes on its whole lines; a line longer than the pipe comes in pieces. */
function taker(file: number, onLine: (line: string) => void): () => void {
  const buffer = Buffer.alloc(64 * 1024);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return () => {
    const lines = (rest + decoder.write(buffer.subarray(0, readPresent(file, buffer)))).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length >= buffer.length) {
      lines.push(rest);
      rest = '';
    }
    for (const line of lines) onLine(line);
  };
}

/** Bytes read; none when nothing is there. */
function readPresent(file: number, buffer: Buffer): number {
  try {
    return readSync(file, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}
