/**
 * Unpacks a container template: an archive from anywhere, taken as hostile. `tar` and the unpacker do it in a sandbox
 * (root-sandbox.ts) that has nothing but the container's own tree; reasons in docs/decisions/0012-container-trees.md.
 */
import { chmod, chown, type FileHandle, open, readdir, readFile, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { ExecError } from '../../../host/exec.ts';
import { withLinePipe } from '../../../host/line-pipe.ts';
import { hostId, type IdRange } from '../../../host/user-namespace.ts';
import { readableSize } from '../../../storage/image-names.ts';
import { stagingPath } from '../../../storage/staging.ts';
import { type Compression, compressionOf, unpacker } from './compression.ts';
import { isOciArchive, unpackOciImage } from './oci-image.ts';
import type { ContainerProgram } from './oci-program.ts';
import { runInRoot } from './root-sandbox.ts';

export type { IdRange };

export interface UnpackOptions {
  /** Path of the archive. */
  readonly archive: string;
  /** The container's tree: a mounted folder with nothing in it. */
  readonly root: string;
  /** The container's ids; empty for a privileged one. */
  readonly ids: readonly IdRange[];
  readonly signal?: AbortSignal;
  /** 0..1, by what has been read of the archive. */
  readonly onProgress?: (fraction: number) => void;
  readonly log: (line: string) => void;
  /** Files, folders and links that the archive may have; default two million. */
  readonly maxEntries?: number;
  /** Root's own folder in which an OCI image is taken apart; default: that of the archive. */
  readonly scratch?: string;
  /** Told of a folder in there before it is made: what a killed task leaves (undo `storage.staged-file`). */
  readonly onScratch?: (path: string) => void;
}

export interface UnpackedTemplate {
  /** For an OCI image: the options of a container that runs its program. */
  readonly program?: ContainerProgram;
}

/** Far more than any operating system has, far less than what keeps a file system busy for hours. */
const mostEntries = 2_000_000;

/** Address space of each program (bytes): xz at its limit, and room for headers. */
const memory = 2 * 1024 ** 3;

/** tar reads in records of so many bytes: its own 10 KiB are as many calls of the kernel as all else that it does. */
const recordSize = 1024 ** 2;
/** Records between two checkpoints. */
const checkpoint = 64;

/** Milliseconds between two looks at the names of what tar has unpacked. */
const countEvery = 20;

const tarOptions = [
  ...[
    '--extract',
    '--file=-',
    '--preserve-permissions',
    '--numeric-owner',
    '--verbose',
    `--record-size=${recordSize}`,
    '--quoting-style=escape',
  ],
  // The devices of a container are LXC's; archives made of whole systems have some.
  ...['--anchored', '--exclude=./dev/*', '--exclude=dev/*'],
  ...['--acls', '--xattrs', '--xattrs-include=user.*', '--xattrs-include=security.capability'],
  ...['--warning=no-unknown-keyword', '--warning=no-timestamp', '--warning=no-xattr-write'],
  ...[`--checkpoint=${checkpoint}`, '--checkpoint-action=echo=checkpoint %u'],
];

/**
 * Fills `root` with what is in the archive: a tree, or an OCI image. Rejects with RyokanError: 'unsupported' for an
 * archive that is none, is damaged or holds what the container may not have; 'no-space'. What has been unpacked until
 * then stays in `root`.
 */
export async function unpackTemplate(options: UnpackOptions): Promise<UnpackedTemplate> {
  const { archive, root, ids, signal } = options;
  signal?.throwIfAborted();
  const name = basename(archive);
  const file = await open(archive, 'r').catch((cause: unknown) => {
    throw new RyokanError('failed', `the template '${name}' cannot be opened: ${messageOf(cause)}`, {
      cause,
    });
  });
  try {
    if (!(await file.stat()).isFile()) throw unusable(name, 'it is no ordinary file');
    const owner = hostId(ids, 0);
    if (owner === undefined)
      throw new RyokanError('parameter', "the id map has no place for the container's root");
    await chown(root, owner, owner);
    await chmod(root, 0o755);
    const compression = await compressionOf(file);
    const program =
      compression === undefined && (await isOciArchive(archive, signal))
        ? await unpackImage(name, options)
        : await unpackTree(name, file, compression, options);
    const entries = (await readdir(root)).filter((one) => one !== 'lost+found');
    if (entries.length === 0) throw unusable(name, 'there is nothing in it');
    options.onProgress?.(1);
    return program ? { program } : {};
  } finally {
    await file.close();
  }
}

async function unpackImage(name: string, options: UnpackOptions): Promise<ContainerProgram> {
  const { archive, root, maxEntries = mostEntries, scratch = dirname(archive), onScratch, log } = options;
  const folder = stagingPath(scratch);
  onScratch?.(folder);
  const program = await unpackOciImage({
    ...options,
    name,
    folder,
    maxEntries,
    maxBytes: await freeBytes(root),
  });
  log(`unpacked the OCI image '${name}'${program.entrypoint ? `, which runs: ${program.entrypoint}` : ''}`);
  for (const problem of program.problems) log(`of the image '${name}': ${problem}`);
  return program;
}

async function unpackTree(
  name: string,
  file: FileHandle,
  compression: Compression | undefined,
  options: UnpackOptions,
): Promise<undefined> {
  const { root, ids, signal } = options;
  const limits = new Limits(options.maxEntries ?? mostEntries, await freeBytes(root));
  const stopped = new AbortController();
  const see = (line: string, stream: 'stdout' | 'stderr') => {
    limits.see(line, stream);
    if (limits.problem) stopped.abort();
  };
  const names = {
    path: stagingPath(options.scratch ?? dirname(options.archive)),
    every: countEvery,
    onLine: (line: string) => see(line, 'stdout'),
  };
  const stopMeter = startMeter(file, options.onProgress);
  try {
    const args = [...unpacker(compression), ...tarOptions];
    await withLinePipe(names, (stdout) =>
      runInRoot({ root, ids, memory }, '/usr/bin/tar', args, {
        stdin: file.fd,
        stdout,
        signal: signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal,
        onLine: see,
      }),
    );
    options.log(`unpacked ${limits.entries} files of '${name}'`);
  } catch (error) {
    if (signal?.aborted) throw error;
    if (limits.problem) throw limits.problem(name);
    if (error instanceof ExecError) throw explain(name, error, limits.complaints);
    throw error;
  } finally {
    stopMeter();
  }
}

/** Counts what comes out, from what tar says. */
class Limits {
  entries = 0;
  /** The first things that tar complained of: the cause stands there, not at the end. */
  readonly complaints: string[] = [];
  problem: ((name: string) => RyokanError) | undefined;

  constructor(
    private readonly maxEntries: number,
    private readonly maxBytes: number,
  ) {}

  see(line: string, stream: 'stdout' | 'stderr'): void {
    if (stream === 'stdout') {
      this.entries++;
      if (this.entries > this.maxEntries) {
        const text = `it has more than ${this.maxEntries} files`;
        this.problem ??= (name) => unusable(name, text);
      }
      return;
    }
    const records = /^tar: checkpoint (\d+)$/.exec(line)?.[1];
    if (records === undefined) {
      if (this.complaints.length < 20) this.complaints.push(line);
    } else if (Number(records) * recordSize > this.maxBytes) {
      const text = `has ${readableSize(Number(records) * recordSize)} or more, but the container's disk has only ${readableSize(this.maxBytes)} free`;
      this.problem ??= (name) => new RyokanError('no-space', `the template '${name}' ${text}`);
    }
  }
}

async function freeBytes(root: string): Promise<number> {
  const { bavail, bsize } = await statfs(root);
  return bavail * bsize;
}

/** The program shares our place in the file, and the kernel tells where that is. */
function startMeter(file: FileHandle, onProgress: UnpackOptions['onProgress']): () => void {
  if (!onProgress) return () => {};
  const look = async () => {
    const [info, { size }] = await Promise.all([
      readFile(`/proc/self/fdinfo/${file.fd}`, 'utf8'),
      file.stat(),
    ]);
    const position = Number(/^pos:\s*(\d+)$/m.exec(info)?.[1] ?? 0);
    onProgress(Math.min(1, size === 0 ? 1 : position / size));
  };
  // The file may be closed while one look is under way.
  const timer = setInterval(() => void look().catch(() => {}), 250);
  return () => clearInterval(timer);
}

function unusable(name: string, problem: string, cause?: unknown): RyokanError {
  return new RyokanError('unsupported', `'${name}' cannot be a container's template: ${problem}`, { cause });
}

/** What tar says, and what it means to a person; the first that fits. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [
    /Cannot mknod: Operation not permitted/,
    'it has device nodes outside /dev, which an unprivileged container cannot have',
  ],
  [
    /does not look like a tar archive|not in (gzip|lzop) format|File format not recognized|unsupported format|not a bzip2 file/,
    'it is no tar archive',
  ],
  [
    /Memory usage limit|Frame requires too much memory|Memory exhausted|Cannot allocate memory/,
    'reading it takes too much memory',
  ],
  [/[Uu]nexpected (EOF|end)|premature end|truncated/, 'it is cut off; get it again'],
  [/Cannot change ownership|Invalid argument/, "it has owners that are outside the container's id range"],
  [
    /Child (returned status|died)|crc error|corrupt|invalid compressed data|Skipping to next header|data integrity/i,
    'it is damaged; get it again',
  ],
];

function explain(name: string, error: ExecError, complaints: readonly string[]): RyokanError {
  const said = complaints.join('\n');
  if (/No space left on device|Disk quota exceeded|Wrote only/.test(said)) {
    const text = `the container's disk is too small for the template '${name}', in bytes or in files: make it larger`;
    return new RyokanError('no-space', text, { cause: error });
  }
  const meaning = meanings.find(([pattern]) => pattern.test(said))?.[1];
  const first = complaints[0]?.replace(/^tar: /, '').slice(0, 300) ?? error.message;
  return unusable(name, meaning === undefined ? first : `${meaning} (${first})`, error);
}
