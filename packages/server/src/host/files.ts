/** Files that are whole or not there: atomic writes, folders with mode and owner. */
import { chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface WriteOptions {
  /** Permission bits; default 0644. Set exactly, whatever the umask. */
  readonly mode?: number;
  readonly owner?: Owner;
}

let sequence = 0;

/**
 * Replaces `path` by `data` so that a reader, and a machine after a power cut, sees the old or the new content and
 * never a part: writes beside it, syncs, renames, syncs the folder. The folder must exist.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${++sequence}.tmp`);
  try {
    // Mode 0600 while the content grows: a secret must not be readable for the time of the write.
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(data);
      if (options.owner) await file.chown(options.owner.uid, options.owner.gid);
      await file.chmod(options.mode ?? 0o644);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the names in a folder durable (a rename, a new file, a removal). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export interface FolderOptions {
  /** Permission bits; default 0755. */
  readonly mode?: number;
  readonly owner?: Owner;
}

/**
 * Makes a folder with its parents, or gives an existing one this mode and owner. Returns the topmost folder that it
 * had to make, undefined when all were there: what an undo has to remove.
 */
export async function ensureDir(path: string, options: FolderOptions = {}): Promise<string | undefined> {
  const mode = options.mode ?? 0o755;
  const made = mkdirSync(path, { recursive: true });
  const found = statSync(path);
  if (!found.isDirectory()) throw new Error(`${path} is there, but is not a folder`);
  if ((found.mode & 0o7777) !== mode) await chmod(path, mode);
  const { owner } = options;
  if (owner && (found.uid !== owner.uid || found.gid !== owner.gid)) chownSync(path, owner.uid, owner.gid);
  return made;
}

/** The text of a file; undefined when there is none. Any other problem is thrown. */
export function readTextIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The system's code of an error (`ENOENT`), '' when it has none. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
