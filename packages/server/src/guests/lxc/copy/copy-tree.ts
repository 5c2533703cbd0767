/**
 * Copies of file trees as a container sees them: owners, modes, times, ACLs, extended attributes with file capabilities,
 * hard links, device nodes and holes. Both run as the node's root with the node's ids, so that the ids of the container
 * come out as they were. tar reads names from folders and writes them below one: nothing that a container can put into
 * its tree leads a copy elsewhere.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statfs } from 'node:fs/promises';
import { type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { FillOptions } from '../../copy/volume-copy.ts';

export interface TreeCopy {
  /** A process in whose mount namespace both folders are. */
  readonly namespace: number;
  /** Configuration key, for messages. */
  readonly key: string;
  readonly source: string;
  readonly copy: string;
}

/** tar's and the kernel's own: `system.*` are ACLs, which have an option, and `btrfs.*` no content. */
const attributes = [
  ...['--acls', '--xattrs', '--xattrs-include=user.*', '--xattrs-include=trusted.*'],
  '--xattrs-include=security.capability',
];
const reading = [
  ...['--create', '--file=-', '--format=posix', '--numeric-owner', '--one-file-system', '--sparse'],
  ...[...attributes, '--warning=no-file-ignored', '--exclude=./lost+found', '--anchored'],
];
const writing = [
  ...['--extract', '--file=-', '--preserve-permissions', '--same-owner', '--numeric-owner'],
  ...[...attributes, '--delay-directory-restore'],
];

/** Rejects with 'no-space' when the target is too small, and with the signal's reason. */
export async function copyTree(copy: TreeCopy, options: Omit<FillOptions, 'inUse'>): Promise<void> {
  const { namespace, source } = copy;
  options.signal.throwIfAborted();
  const { blocks, bfree, bsize } = await statfs(`/proc/${namespace}/root${source}`);
  const reader = tar(copy.namespace, [...reading, '--directory', source, '.']);
  const writer = tar(copy.namespace, [...writing, '--directory', copy.copy], 'pipe');
  const kill = () => {
    for (const { child } of [reader, writer]) child.kill('SIGKILL');
  };
  options.signal.addEventListener('abort', kill);
  try {
    const meter = meterOf((blocks - bfree) * bsize, options);
    // What breaks the pipe is said by the program that broke it.
    await pipeline(reader.child.stdout as Readable, meter, writer.child.stdin as Writable).catch(() => {});
    const [read, written] = await Promise.all([reader.end, writer.end]);
    options.signal.throwIfAborted();
    demandDone(copy.key, [written, read]);
  } finally {
    options.signal.removeEventListener('abort', kill);
    kill();
  }
}

interface TarEnd {
  readonly code: number | null;
  readonly complaints: string;
}

function tar(
  namespace: number,
  args: readonly string[],
  stdin: 'ignore' | 'pipe' = 'ignore',
): { child: ChildProcess; end: Promise<TarEnd> } {
  const child = spawn('nsenter', ['--target', String(namespace), '--mount', '--', 'tar', ...args], {
    stdio: [stdin, stdin === 'pipe' ? 'ignore' : 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
  });
  let complaints = '';
  child.stderr?.on('data', (data) => {
    if (complaints.length < 4000) complaints += String(data);
  });
  return { child, end: once(child, 'close').then(([code]) => ({ code, complaints })) };
}

/** Lets bytes through as fast as they may go, and says how far it is; `total` is what the source takes on its disk. */
function meterOf(total: number, { rateLimit, onProgress }: Omit<FillOptions, 'inUse' | 'signal'>): Transform {
  const begin = performance.now();
  let done = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      onProgress(total === 0 ? 1 : Math.min(1, done / total));
      const due = rateLimit === undefined ? 0 : (done / rateLimit) * 1000 - (performance.now() - begin);
      if (due > 0) setTimeout(next, due, null, chunk);
      else next(null, chunk);
    },
  });
}

function demandDone(key: string, ends: readonly TarEnd[]): void {
  if (ends.every(({ code }) => code === 0)) return;
  const said = ends.map(({ complaints }) => complaints).join('');
  if (/No space left on device|Disk quota exceeded/.test(said)) {
    throw new RyokanError('no-space', `'${key}' cannot be copied: the new volume, or its storage, is full`);
  }
  const first = said.split('\n').find(Boolean) ?? 'tar was killed';
  throw new RyokanError('failed', `'${key}' could not be copied: ${first.slice(0, 300)}`);
}
