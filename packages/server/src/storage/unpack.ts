/** Unpacks a compressed file, with a limit to what may come out of it. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../host/exec.ts';
import { readableSize } from './image-names.ts';

export type Compression = 'gz' | 'bz2' | 'lzo' | 'zst';

export interface UnpackOptions {
  /** Bytes that may come out. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** Writes what is in `source` to the new file `target`. Rejects with 'no-space' or 'failed'. */
export async function unpack(
  compression: Compression,
  source: string,
  target: string,
  options: UnpackOptions,
): Promise<void> {
  const { signal } = options;
  try {
    if (compression === 'gz') {
      const output = (await open(target, 'wx', 0o600)).createWriteStream();
      const steps = [createReadStream(source), createGunzip(), new Limit(options.maxBytes), output] as const;
      await pipeline(...steps, signal ? { signal } : {});
    } else await unpackWithTool(compression, source, target, options);
  } catch (error) {
    if (error instanceof RyokanError || signal?.aborted) throw error;
    throw new RyokanError('failed', `cannot unpack the file as ${compression}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

class Limit extends Transform {
  private done = 0;
  constructor(private readonly most: number) {
    super();
  }
  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.done += chunk.length;
    if (this.done > this.most) callback(tooMuch(this.most));
    else callback(null, chunk);
  }
}

const tools = { bz2: 'bzip2', lzo: 'lzop', zst: 'zstd' } as const;

/** The kernel ends a program that writes past its file size limit (SIGXFSZ). */
async function unpackWithTool(
  compression: keyof typeof tools,
  source: string,
  target: string,
  { maxBytes, signal }: UnpackOptions,
): Promise<void> {
  const tool = tools[compression];
  // bzip2 has no option for the target: it drops the ending of the source.
  const args = compression === 'bz2' ? ['-dk', source] : ['-d', '-q', '-o', target, source];
  if (compression === 'bz2' && source !== `${target}.bz2`)
    throw new Error('source must be the target with .bz2');
  try {
    await run('prlimit', [`--fsize=${maxBytes}`, '--core=0', tool, ...args], signal ? { signal } : {});
  } catch (error) {
    if (!(error instanceof ExecError)) throw error;
    if (/ended by SIGXFSZ|file too large/i.test(`${error.message} ${error.stderr}`)) throw tooMuch(maxBytes);
    if (/failed to execute/.test(error.stderr)) {
      throw new RyokanError('unsupported', `the program '${tool}' is missing on this node`, { cause: error });
    }
    throw error;
  }
}

const tooMuch = (most: number) =>
  new RyokanError('no-space', `the unpacked file has more than the ${readableSize(most)} that are free`);
