/** How what failed uploads and downloads leave is taken away. */
import { lstat, readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { textArg, type UndoTable } from '../tasks/undo.ts';
import { stagingPrefix } from './staging.ts';

/** Removes an unfinished file: `{ path }`. */
export const stagedFileUndo = 'storage.staged-file';

/** `spool` is the folder of received files. */
export function storageUndos(table: UndoTable, spool: string): void {
  table.on(stagedFileUndo, async (args) => {
    const path = textArg(args, 'path');
    if (!(await isUnfinished(path, spool))) throw new Error(`${path} is no unfinished file`);
    await removeWithLinks(path);
  });
}

/** The record is ours, but a wrong path in it could remove anything. */
async function isUnfinished(path: string, spool: string): Promise<boolean> {
  if (basename(path).startsWith(stagingPrefix)) return true;
  const [folder, home] = await Promise.all([realpath(dirname(path)), realpath(spool)]);
  return folder === home;
}

/** An unfinished file that has got its volume name already, and lost its maker then, goes with that name. */
async function removeWithLinks(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats) return;
  if (stats.nlink > 1) {
    for (const name of await readdir(dirname(path))) {
      const other = join(dirname(path), name);
      if (other !== path && (await lstat(other)).ino === stats.ino) await rm(other);
    }
  }
  await rm(path, { force: true, recursive: true });
}
