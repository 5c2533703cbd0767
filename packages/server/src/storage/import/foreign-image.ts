/**
 * Disk images that people bring along, in any format that QEMU reads. Only a sandboxed QEMU program takes them apart:
 * `qemu-img` to say what they are, `qemu-nbd` to hand out their bytes over a Unix socket. What runs with rights sees a
 * raw disk there, wherever the copy goes. An image inside an OVA is read where it stands.
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { ImportableFormat } from '@ryokan/api/schema/volume-id.ts';
import { ExecError, type RunResult, run } from '../../host/exec.ts';
import { type Sandbox, sandboxed } from '../../host/sandbox.ts';
import type { ImageSource } from '../driver.ts';
import { readDetails } from '../qemu-img.ts';
import { type ByteRange, demandSelfContained } from '../untrusted-image.ts';

export interface ForeignImage {
  /** How the caller knows it, for messages. */
  readonly name: string;
  /** Path of the file on this node. */
  readonly path: string;
  readonly format: ImportableFormat;
  /** Where it stands in an archive. */
  readonly range?: ByteRange;
}

export interface ForeignImageSize {
  /** What the guest sees, bytes. */
  readonly virtual: number;
  /** About what a copy without its holes takes, bytes. */
  readonly data: number;
}

/** An image's headers take a moment; one that takes longer or more was made to. */
const inspection = { memory: 1024 ** 3, cpu: 60 };
/** The whole image: block maps of large images are large. */
const serving = { memory: 2 * 1024 ** 3 };

/**
 * Makes sure that this is an image of its format which needs no other file, and gives its size. Rejects with
 * 'unsupported' and what is wrong with it.
 */
export async function inspectImage(image: ForeignImage, signal?: AbortSignal): Promise<ForeignImageSize> {
  await demandSelfContained(image.path, image.format, image.range);
  const options = optionsOf(image);
  const details = readDetails(
    await qemuImg(image, ['info', '--output=json', '--image-opts', options], signal),
  );
  const problem = details.backingFile
    ? 'it needs a backing file'
    : details.dataFile || details.extents.length > 1
      ? 'its data stands in other files'
      : details.encrypted
        ? 'it is encrypted'
        : details.virtualSize <= 0
          ? 'it is empty'
          : undefined;
  if (problem) throw unusable(image, problem);
  const measured = await qemuImg(
    image,
    ['measure', '--output=json', '-O', 'qcow2', '--image-opts', options],
    signal,
  );
  const { required } = JSON.parse(measured) as { required?: number };
  return { virtual: details.virtualSize, data: Math.min(required ?? Infinity, details.virtualSize) };
}

async function qemuImg(image: ForeignImage, args: readonly string[], signal?: AbortSignal): Promise<string> {
  try {
    const { stdout } = await runSandboxed(image, inspection, '/usr/bin/qemu-img', args, signal);
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecError) || signal?.aborted) throw error;
    throw unusable(image, reasonOf(error), error);
  }
}

function runSandboxed(
  image: ForeignImage,
  limits: Pick<Sandbox, 'memory' | 'cpu'>,
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
  write?: Sandbox['write'],
): Promise<RunResult> {
  const sandbox = { ...limits, read: { '/image': image.path }, ...(write ? { write } : {}) };
  return sandboxed(sandbox, program, args).then((command) =>
    run(command.program, command.args, signal ? { signal, untilGone: true } : {}),
  );
}

/** The image as QEMU's programs open it inside the sandbox. */
function optionsOf({ format, range }: ForeignImage): string {
  if (!range) return `driver=${format},file.driver=file,file.filename=/image`;
  const place = `file.driver=raw,file.offset=${range.offset},file.size=${range.size}`;
  return `driver=${format},${place},file.file.driver=file,file.file.filename=/image`;
}

function unusable(image: ForeignImage, problem: string, cause?: unknown): RyokanError {
  return new RyokanError('unsupported', `'${image.name}' cannot be imported as ${image.format}: ${problem}`, {
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The last thing that QEMU said, without the names by which it knows the file. */
function reasonOf(error: ExecError): string {
  const line = error.stderr.trim().split('\n').at(-1) ?? '';
  if (/contains a log that needs to be replayed/.test(line)) {
    return 'it was not closed cleanly; start and stop its machine once where it comes from, or run Repair-VHD';
  }
  return line.replace(/^qemu-(?:img|nbd): /, '').replace(/^Could not open '[^']*': /, '') || error.message;
}

/** Longest time (ms) that qemu-nbd takes to open an image. */
const openLimit = 60_000;

/**
 * Serves the image to `work` as a raw disk, until that is done. `folder` is a new one for the socket, named so that its
 * undo may remove it. Inspect the image before.
 */
export async function withImageServer<T>(
  image: ForeignImage,
  folder: string,
  signal: AbortSignal,
  work: (source: ImageSource) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { mode: 0o700 });
  const done = new AbortController();
  const args = ['--read-only', '--persistent', '--socket=/socket/nbd', '--image-opts', optionsOf(image)];
  const server = runSandboxed(
    image,
    serving,
    '/usr/bin/qemu-nbd',
    args,
    AbortSignal.any([signal, done.signal]),
    { '/socket': folder },
  );
  // Its end is looked at below, together with the copy's.
  const ended = server.then(
    () => undefined,
    (error: unknown) => error,
  );
  const socket = join(folder, 'nbd');
  try {
    await untilServed(socket, ended, signal);
    const source = { driver: 'nbd', 'server.type': 'unix', 'server.path': socket } as const;
    return await work({ source, format: 'raw' });
  } catch (error) {
    if (signal.aborted || error instanceof RyokanError) throw error;
    done.abort();
    const cause = await ended;
    const reason = cause instanceof ExecError && cause.stderr !== '' ? reasonOf(cause) : messageOf(error);
    throw unusable(image, `it could not be read to its end: ${reason}`, error);
  } finally {
    done.abort();
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

async function untilServed(socket: string, ended: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (const start = Date.now(); Date.now() - start < openLimit; await sleep(10)) {
    signal.throwIfAborted();
    if (over) throw new Error('qemu-nbd ended at once');
    if (await stat(socket).catch(() => undefined)) return;
  }
  throw new Error('qemu-nbd did not open the image in time');
}
