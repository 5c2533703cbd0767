/**
 * Files on their way in. They stand in a folder that only root may change, under a name that is no volume yet, until
 * they are whole and checked; then a driver adopts them.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { errorCode } from '../host/files.ts';

/** Beginning of the names of unfinished files; names with a dot in front are never volumes. */
export const stagingPrefix = '.staging-';

/** Unfinished files untouched for so long (ms) belong to nobody: no pause between two writes takes as long. */
const staleAfter = 24 * 3600 * 1000;

/** A new name for an unfinished file in `folder`; `ending` is kept at its end. */
export function stagingPath(folder: string, ending = ''): string {
  return join(folder, `${stagingPrefix}${randomBytes(8).toString('hex')}${ending}`);
}

/** Removes unfinished files that a power cut or a kill left in `folder` long ago. */
export async function removeStale(folder: string, now = Date.now()): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(stagingPrefix)) continue;
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats && now - stats.mtimeMs > staleAfter) await rm(path, { force: true, recursive: true });
  }
}

export interface TakeOptions {
  readonly signal?: AbortSignal;
  /** 0..1, while a copy is needed. */
  readonly onProgress?: (fraction: number) => void;
}

/**
 * Moves a file to the new name `target`, or copies it from another file system. True when it was moved; a copied source
 * stays. Rejects with 'forbidden' when what arrived is no ordinary file: in a folder that is not root's own, it could
 * be a link, or a second name of a file elsewhere.
 */
export async function takeFile(source: string, target: string, options: TakeOptions = {}): Promise<boolean> {
  const moved = await moveOrCopy(source, target, options);
  const stats = await lstat(target);
  if (stats.isFile() && stats.nlink === 1) return moved;
  if (moved) await rename(target, source);
  else await rm(target, { force: true });
  throw new RyokanError('forbidden', 'the received file is not an ordinary file');
}

async function moveOrCopy(source: string, target: string, options: TakeOptions): Promise<boolean> {
  try {
    await rename(source, target);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error;
  }
  try {
    await copyFile(source, target, options);
    return false;
  } catch (error) {
    await rm(target, { force: true });
    throw diskFull(error) ?? error;
  }
}

/** Copies a regular file to a new name, never through a link. */
export async function copyFile(source: string, target: string, options: TakeOptions = {}): Promise<void> {
  const from = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await from.stat();
    const output = (await open(target, 'wx', 0o600)).createWriteStream();
    const input = from.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false });
    let done = 0;
    // Whoever listens makes it flow: nothing may be awaited before the pipeline is there to take what comes.
    input.on('data', (chunk) => {
      done += chunk.length;
      options.onProgress?.(size === 0 ? 1 : done / size);
    });
    await pipeline(input, output, options.signal ? { signal: options.signal } : {});
  } finally {
    await from.close();
  }
}

/** The error for a full disk, when `error` says so. */
export function diskFull(error: unknown): RyokanError | undefined {
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(errorCode(error));
  return full
    ? new RyokanError('no-space', 'there is no space left on the storage', { cause: error })
    : undefined;
}
