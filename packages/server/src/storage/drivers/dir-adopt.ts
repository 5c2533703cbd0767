/** Takes finished files into a `dir` storage: moved where that is possible, copied from other file systems. */
import { constants } from 'node:fs';
import { lstat, open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { type FileContent, isSafeFileName, tryParseFileName } from '@ryokan/api/schema/volume-id.ts';
import { errorCode } from '../../host/files.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { claim, exists, makeFolder, seal, stagingPath } from './dir-files.ts';
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
  const present = await lstat(path).catch(() => undefined);
  if (present) throw exists(name);
  const staged = stagingPath(folder);
  const moved = await moveOrCopy(sourcePath, staged, task);
  try {
    await demandPlainFile(staged);
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

/** True when the file was moved, false when it was copied. */
async function moveOrCopy(source: string, target: string, task?: TaskContext): Promise<boolean> {
  try {
    await rename(source, target);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error;
  }
  try {
    await copy(source, target, task);
    return false;
  } catch (error) {
    await rm(target, { force: true });
    if (errorCode(error) === 'ENOSPC') {
      throw new RyokanError('no-space', 'the storage is full', { cause: error });
    }
    throw error;
  }
}

async function copy(source: string, target: string, task?: TaskContext): Promise<void> {
  // Never through a link: the folder of the source may belong to somebody else.
  const from = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW);
  const { size } = await from.stat();
  let done = 0;
  const input = from.createReadStream({ highWaterMark: 1024 * 1024 });
  input.on('data', (chunk) => {
    done += chunk.length;
    task?.progress(size === 0 ? 1 : done / size, 'copying');
  });
  const output = (await open(target, 'wx', 0o600)).createWriteStream();
  await pipeline(input, output, task ? { signal: task.signal } : {});
}

/** What arrives from a folder that is not root's own could be a link, or a second name of a file elsewhere. */
async function demandPlainFile(path: string): Promise<void> {
  const stats = await lstat(path);
  if (!stats.isFile() || stats.nlink !== 1) {
    throw new RyokanError('forbidden', 'the received file is not an ordinary file');
  }
}
