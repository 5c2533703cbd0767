/** Takes finished files into a `dir` storage: moved where that is possible, copied from other file systems. */
import { lstat, rename, rm } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { type FileContent, isSafeFileName, tryParseFileName } from '@ryokan/api/schema/volume-id.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { stagingPath, takeFile } from '../staging.ts';
import { claim, exists, makeFolder, seal } from './dir-files.ts';
import { type DirLayout, folderMode } from './dir-layout.ts';

/** Disk images and backups hold what guests hold; the rest may be read by anybody on the node. */
const modes: Readonly<Record<FileContent, number>> = {
  iso: 0o644,
  vztmpl: 0o644,
  snippets: 0o644,
  backup: 0o600,
  import: 0o600,
};

/** See StorageDriver.adopt. On failure the source stands where it was. */
export async function adoptFile(
  layout: DirLayout,
  content: FileContent,
  fileName: string,
  sourcePath: string,
  task?: TaskContext,
): Promise<string> {
  const name = `${content}/${fileName}`;
  if (!isSafeFileName(fileName) || !tryParseFileName(content, fileName)) {
    throw new RyokanError('parameter', `'${fileName}' is no name for a volume of content '${content}'`);
  }
  const path = layout.filePath(content, fileName);
  const folder = layout.folder(content);
  await makeFolder(layout.root, folder, folderMode(content));
  if (await lstat(path).catch(() => undefined)) throw exists(name);
  const staged = stagingPath(folder);
  const moved = await takeFile(sourcePath, staged, {
    ...(task ? { signal: task.signal } : {}),
    onProgress: (fraction) => task?.progress(fraction, 'copying'),
  });
  try {
    await seal(staged, modes[content], process.getuid?.() === 0 ? { uid: 0, gid: 0 } : undefined);
    if (!(await claim(staged, path))) throw exists(name);
  } catch (error) {
    if (moved) await rename(staged, sourcePath);
    else await rm(staged, { force: true });
    throw error;
  }
  if (!moved) await rm(sourcePath, { force: true });
  return name;
}
