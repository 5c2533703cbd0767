/** File operations of the `dir` driver: nothing leaves the storage, nothing is overwritten, nothing is half there. */
import { constants, type Stats } from 'node:fs';
import { chmod, link, lstat, mkdir, open, readdir, realpath, rename, unlink } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ImageFormat } from '@ryokan/api/schema/volume-id.ts';
import { errorCode, type Owner, syncFolder } from '../../host/files.ts';
import { freeDiskNumber, imagePrefix } from '../image-names.ts';
import type { DirLayout } from './dir-layout.ts';

/**
 * `lstat` of a volume's file. Rejects with 'not-found', and with 'forbidden' when the path leads out of `root` through
 * a symbolic link or is no regular file.
 */
export async function statInside(root: string, path: string, volume: string): Promise<Stats> {
  try {
    const [home, real] = await Promise.all([realpath(root), realpath(path)]);
    if (!real.startsWith(home.endsWith(sep) ? home : home + sep)) throw outside(volume);
    const stats = await lstat(real);
    if (!stats.isFile()) throw new RyokanError('forbidden', `volume '${volume}' is not a regular file`);
    return stats;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error))) throw notFound(volume);
    throw error;
  }
}

const outside = (volume: string) =>
  new RyokanError('forbidden', `volume '${volume}' leads out of its storage through a symbolic link`);

export function notFound(volume: string): RyokanError {
  return new RyokanError('not-found', `volume '${volume}' does not exist`);
}

export function exists(volume: string): RyokanError {
  return new RyokanError('exists', `volume '${volume}' already exists`);
}

/** Makes a folder below `root`, and checks that no symbolic link on the way leads out. Modes do not follow the umask. */
export async function makeFolder(root: string, path: string, mode: number): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode });
  const [home, real] = await Promise.all([realpath(root), realpath(path)]);
  if (real !== home && !real.startsWith(home.endsWith(sep) ? home : home + sep)) {
    throw new RyokanError('forbidden', `${path} leads out of its storage through a symbolic link`);
  }
  if (made === undefined) return;
  // `made` is the first folder that was missing: template/ as well as template/iso.
  for (let one = path; one.length >= made.length; one = dirname(one)) await chmod(one, mode);
}

/**
 * Gives a finished file its name. False when the name is taken: a link fails then, where a rename would replace.
 * File systems without links get the name reserved by an empty file first.
 */
export async function claim(staged: string, path: string, onPlaced?: () => void): Promise<boolean> {
  try {
    await link(staged, path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(code)) throw error;
    return claimWithoutLinks(staged, path, onPlaced);
  }
  // Before the unfinished name goes: as long as it is there, the undo finds the volume by it.
  onPlaced?.();
  await unlink(staged);
  await syncFolder(dirname(path));
  return true;
}

async function claimWithoutLinks(staged: string, path: string, onPlaced?: () => void): Promise<boolean> {
  try {
    await (await open(path, 'wx')).close();
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  onPlaced?.();
  await rename(staged, path);
  await syncFolder(dirname(path));
  return true;
}

/**
 * Gets a new image its name: the one that is wanted, or the next free number. `take` gives a file of that name to the
 * image, false when somebody has it. Rejects with 'exists'.
 */
export async function takeImageName(
  layout: DirLayout,
  { vmid, format, wanted }: { vmid: number; format: ImageFormat; wanted: string | undefined },
  take: (file: string) => Promise<boolean>,
): Promise<string> {
  if (wanted !== undefined) {
    if (!(await take(wanted))) throw exists(`${vmid}/${wanted}`);
    return wanted;
  }
  for (;;) {
    // Read again each time: whoever was faster shows up in it.
    const taken = await readdir(layout.imageFolder(vmid));
    const file = `${imagePrefix(format)}-${vmid}-disk-${freeDiskNumber(vmid, taken)}.${format}`;
    if (await take(file)) return file;
  }
}

/** Sets mode and owner through a handle that follows no link, and makes content and attributes durable. */
export async function seal(path: string, mode: number, owner: Owner | undefined): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (owner) await file.chown(owner.uid, owner.gid);
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}
