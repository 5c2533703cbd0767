/** File systems on raw volumes: ext4 is what new ones get; XFS is mounted, grown and checked where somebody brought it. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import type { TaskContext } from '../../tasks/task.ts';

export type FileSystem = 'ext' | 'xfs';

/** Told by the superblock: that of XFS begins with XFSB, that of ext2 to ext4 stands at 1024, its magic 56 bytes on. */
export async function fileSystemOf(path: string): Promise<FileSystem | undefined> {
  const file = await open(path, 'r');
  try {
    const start = Buffer.alloc(1082);
    await file.read(start, 0, start.length, 0);
    if (start.toString('latin1', 0, 4) === 'XFSB') return 'xfs';
    return start.readUInt16LE(1080) === 0xef53 ? 'ext' : undefined;
  } finally {
    await file.close();
  }
}

/** ext4 whose root folder belongs to `owner`. */
export async function makeFileSystem(path: string, owner: number): Promise<void> {
  try {
    await run('mkfs.ext4', ['-q', '-F', '-E', `root_owner=${owner}:${owner}`, path]);
  } catch (cause) {
    throw new RyokanError(
      'failed',
      `no file system could be made on ${basename(path)}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Grows an ext file system that is not mounted to its volume. */
export async function growUnmounted(path: string): Promise<void> {
  await run('e2fsck', ['-f', '-y', path], { okCodes: [0, 1] });
  await run('resize2fs', [path]);
}

/** Grows a mounted one; the programs have to see the mount, so that they run where process `pid` is, if one is given. */
export async function growMounted(
  fileSystem: FileSystem | undefined,
  { device, point, pid }: { device: string; point: string; pid?: number },
): Promise<void> {
  const command = fileSystem === 'xfs' ? ['xfs_growfs', point] : ['resize2fs', device];
  const [program = '', ...args] =
    pid === undefined ? command : ['nsenter', '--target', String(pid), '--mount', ...command];
  await run(program, args);
}

/** Options of mount(8) for what a mount point asks of its file system. */
export function mountOptions(
  fileSystem: FileSystem | undefined,
  { acl, quota }: { readonly acl?: boolean | undefined; readonly quota?: boolean | undefined },
): string[] {
  if (fileSystem === 'xfs') {
    // Copies of a volume have its identifier; ACLs are always on.
    return ['nouuid', ...(quota ? ['usrquota', 'grpquota'] : [])];
  }
  return [
    ...(acl === undefined ? [] : [acl ? 'acl' : 'noacl']),
    ...(quota ? ['usrjquota=aquota.user', 'grpjquota=aquota.group', 'jqfmt=vfsv1'] : []),
  ];
}

/** Checks a file system that nobody has mounted, and mends what can be mended without asking. */
export async function checkFileSystem(
  path: string,
  force: boolean,
  task: Pick<TaskContext, 'log' | 'signal'>,
): Promise<void> {
  const fileSystem = await fileSystemOf(path);
  if (!fileSystem) {
    throw new RyokanError(
      'unsupported',
      `${basename(path)} holds no file system that can be checked (ext4, XFS)`,
    );
  }
  const options = { signal: task.signal, onLine: (line: string) => task.log(line) };
  if (fileSystem === 'xfs') {
    // 2: its journal has to be replayed by a mount first.
    const { code } = await run('xfs_repair', ['-f', path], { ...options, okCodes: [0, 1, 2] });
    if (code === 0) return;
    throw new RyokanError(
      'failed',
      code === 2
        ? 'the journal of the file system holds changes: start and stop the container, or mount and unmount it, then check again'
        : `XFS could not be mended; make a copy of ${path} before anything else`,
    );
  }
  // 1: mended.
  const { code } = await run('e2fsck', ['-p', ...(force ? ['-f'] : []), path], {
    ...options,
    okCodes: [0, 1, 4],
  });
  if (code === 4) {
    throw new RyokanError(
      'failed',
      `the file system has damage that nobody should mend unasked; make a copy, then run: e2fsck ${path}`,
    );
  }
}
