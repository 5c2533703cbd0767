/**
 * Subvolumes of btrfs, by the program `btrfs` (btrfs-progs 6.2 and newer): made, snapshotted, removed, limited.
 * Limits are those of quota groups: the bytes that a subvolume refers to, shared with others or not (btrfs-qgroup(8)).
 */
import { lstat, realpath, rename, statfs } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, type RunResult, run } from './exec.ts';
import { readMounts } from './mount-table.ts';

/** BTRFS_SUPER_MAGIC of linux/magic.h. */
const fileSystemType = 0x9123683e;

/** The root of every subvolume has this inode (BTRFS_FIRST_FREE_OBJECTID). */
const subvolumeInode = 256;

/** What a subvolume takes and may take, in bytes; `limit` is 0 when there is none. */
export interface SubvolumeUsage {
  readonly used: number;
  readonly limit: number;
}

export async function isBtrfs(path: string): Promise<boolean> {
  return (await statfs(path)).type === fileSystemType;
}

/** False for all else, also for what is not there; a symbolic link is not followed. */
export async function isSubvolume(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isDirectory() === true && stats.ino === subvolumeInode && (await isBtrfs(path));
}

/** `path` must not be there. */
export async function createSubvolume(path: string): Promise<void> {
  await btrfs(['subvolume', 'create', '--', path]);
}

/** `target` must not be there: the program would make the snapshot inside it. */
export async function snapshotSubvolume(
  source: string,
  target: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<void> {
  await btrfs(['subvolume', 'snapshot', ...(readOnly ? ['-r'] : []), '--', source, target]);
}

/** Makes a subvolume that nobody has open read-only. */
export async function sealSubvolume(path: string): Promise<void> {
  await btrfs(['property', 'set', '-ts', path, 'ro', 'true']);
}

/** Removes a subvolume, those within it, and their quota groups, which older kernels (before 6.11) leave behind. */
export async function deleteSubvolume(path: string): Promise<void> {
  const id = await subvolumeId(path);
  try {
    await btrfs(['subvolume', 'delete', '--', path]);
  } catch (error) {
    const inner = await subvolumesBelow(path);
    if (inner.length === 0) throw error;
    for (const one of inner) await deleteSubvolume(one);
    await btrfs(['subvolume', 'delete', '--', path]);
  }
  await btrfs(['qgroup', 'destroy', `0/${id}`, dirname(path)]).catch(() => {});
}

/** Numbers rise with the time of creation and are never used twice. */
export async function subvolumeId(path: string): Promise<number> {
  return Number((await btrfs(['inspect-internal', 'rootid', path])).stdout.trim());
}

/**
 * Limits a subvolume that has no limit or a smaller one; 0 leaves it as it is. A file system counts from its first limit
 * on. False when it cannot: the kernel or the file system has no quotas.
 */
export async function limitSubvolume(path: string, bytes: number): Promise<boolean> {
  const limit = () => btrfs(['qgroup', 'limit', String(bytes), path]);
  if (bytes === 0) return true;
  try {
    await limit();
  } catch (error) {
    if ((await usageOf(path)) !== undefined) throw error;
    const enabled = await btrfs(['quota', 'enable', path]).catch(() => undefined);
    if (!enabled) return false;
    await limit();
  }
  return true;
}

/** What a subvolume takes; undefined while its file system counts nothing. */
export async function usageOf(path: string): Promise<SubvolumeUsage | undefined> {
  return (await quotaGroups(path, ['-f']))?.[0]?.usage;
}

/** All subvolumes below `folder` at once, by absolute path; undefined while the file system counts nothing. */
export async function usagesBelow(folder: string): Promise<Map<string, SubvolumeUsage> | undefined> {
  const groups = await quotaGroups(folder, []);
  if (!groups) return undefined;
  const toNode = await pathsOfNode(folder);
  return new Map(groups.map(({ path, usage }) => [toNode(path), usage]));
}

/**
 * Renames `from` to `to` unless that is taken; false then. A rename alone would replace an empty folder.
 * mv(1) asks the kernel not to replace (RENAME_NOREPLACE), and says by the exit code only since coreutils 9.2 that it
 * did not.
 */
export async function renameNew(from: string, to: string): Promise<boolean> {
  await run('mv', ['--no-clobber', '--no-target-directory', '--', from, to], { okCodes: [0, 1] });
  return (await lstat(from).catch(() => undefined)) === undefined;
}

/** Puts `fresh` in the place of `path`; what was there, if anything was, is `old` then. */
export async function replaceSubvolume(path: string, fresh: string, old: string): Promise<void> {
  const present = await isSubvolume(path);
  if (present) await rename(path, old);
  try {
    await rename(fresh, path);
  } catch (error) {
    if (present) await rename(old, path);
    throw error;
  }
}

/** Subvolumes directly within another one, by absolute path. */
async function subvolumesBelow(path: string): Promise<string[]> {
  const { stdout } = await btrfs(['subvolume', 'list', '-o', path]);
  const paths = stdout.split('\n').flatMap((line) => / path (.+)$/.exec(line)?.[1] ?? []);
  if (paths.length === 0) return [];
  const toNode = await pathsOfNode(path);
  return paths.map(toNode);
}

/** Rows of `btrfs qgroup show`: `0/257  16384  16384  104857600  images/100/subvol-100-disk-0.subvol`. */
async function quotaGroups(
  path: string,
  options: readonly string[],
): Promise<{ path: string; usage: SubvolumeUsage }[] | undefined> {
  const result = await run('btrfs', ['qgroup', 'show', '-r', '--raw', ...options, path], { okCodes: [0, 1] });
  if (result.code !== 0) {
    if (/quotas? not enabled/i.test(result.stderr)) return undefined;
    throw explained(new ExecError('btrfs', result.code, result.stderr, 'could not read quota groups'));
  }
  return result.stdout.split('\n').flatMap((line) => {
    const [, used, limit, where] = /^0\/\d+\s+(\d+)\s+\d+\s+(\d+|none)\s*(.*?)\s*$/.exec(line) ?? [];
    if (used === undefined || where === undefined) return [];
    return { path: where, usage: { used: Number(used), limit: limit === 'none' ? 0 : Number(limit) } };
  });
}

/** The program gives paths from the top of the file system; a mount may show only a part of that. */
async function pathsOfNode(below: string): Promise<(path: string) => string> {
  const real = await realpath(below);
  const mounts = (await readMounts()).filter(({ point }) => !relative(point, real).startsWith('..'));
  const { root, point } = mounts.reduce((best, one) => (one.point.length >= best.point.length ? one : best));
  return (path) => join(point, relative(root, join('/', path)));
}

async function btrfs(args: readonly string[]): Promise<RunResult> {
  try {
    return await run('btrfs', args);
  } catch (error) {
    throw error instanceof ExecError ? explained(error) : error;
  }
}

function explained(error: ExecError): unknown {
  if (error.code === -1) {
    return new RyokanError('state', 'the program btrfs is missing: install the package btrfs-progs', {
      cause: error,
    });
  }
  return /No space left on device|Disk quota exceeded/i.test(error.stderr)
    ? new RyokanError('no-space', 'the storage is full', { cause: error })
    : error;
}
