/** Uploads and downloads: the checks before they begin and what their tasks do. */
import { chown, lstat, realpath, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import type { storageDownload, storageUpload } from '@ryokan/api/methods/storage.ts';
import { type FileContent, formatVolumeId, uploadFileName } from '@ryokan/api/schema/volume-id.ts';
import type { Reach } from '../host/network-reach.ts';
import type { DataPaths } from '../host/paths.ts';
import type { TaskContext } from '../tasks/task.ts';
import { demandChecksum, demandDigest, expectedChecksum, startHash } from './checksum.ts';
import { download, withoutPassword } from './download.ts';
import { noSpace, readableSize } from './image-names.ts';
import { demandImportable } from './import/importable.ts';
import { isoProblem } from './iso-image.ts';
import type { StorageManager, Volume } from './manager.ts';
import { stagingPath, takeFile } from './staging.ts';
import { stagedFileUndo } from './storage-undo.ts';
import { unpack } from './unpack.ts';

export type UploadParams = ParamsOf<typeof storageUpload>;
export type DownloadParams = Omit<ParamsOf<typeof storageDownload>, 'node'>;

/** What this needs of the services. */
export interface IncomingServices {
  readonly storage: StorageManager;
  readonly paths: DataPaths;
}

/**
 * Whether an upload may begin: content type, file name, checksum, name not taken, space for `length` bytes (undefined:
 * not known yet). With `tmpfilename` also whether that is a file in the spool.
 */
export async function checkUpload(
  { storage, paths }: IncomingServices,
  params: UploadParams,
  length: number | undefined,
): Promise<void> {
  await checkTarget(storage, params);
  if (params.tmpfilename !== undefined) await spooledFile(paths, params.tmpfilename);
  if (length === undefined || params.tmpfilename !== undefined) return;
  const { available } = await (await storage.driver(params.storage)).status();
  if (length > available) throw noSpace('the file', params.storage, length, available);
  const { bavail, bsize } = await statfs(paths.spool);
  if (length > bavail * bsize) {
    throw new RyokanError(
      'no-space',
      `the file has ${readableSize(length)}, but the node has only ${readableSize(bavail * bsize)} free for uploads`,
    );
  }
}

/** Whether a download may begin. */
export async function checkDownload({ storage }: IncomingServices, params: DownloadParams): Promise<void> {
  await checkTarget(storage, params);
}

async function checkTarget(storage: StorageManager, params: UploadParams | DownloadParams): Promise<void> {
  storage.demandContent(params.storage, params.content);
  const file = uploadFileName(params.content, params.filename);
  expectedChecksum(params);
  await demandUntaken(storage, formatVolumeId(params.storage, `${params.content}/${file}`));
}

/** Throws 'exists' when there is such a volume. */
export async function demandUntaken(storage: StorageManager, volid: string): Promise<void> {
  if (await volumeIfPresent(storage, volid)) {
    throw new RyokanError('exists', `volume '${volid}' already exists; remove it first or take another name`);
  }
}

export async function volumeIfPresent(storage: StorageManager, volid: string): Promise<Volume | undefined> {
  return storage.info(volid).catch((error: unknown) => {
    if (error instanceof RyokanError && error.code === 'not-found') return undefined;
    throw error;
  });
}

/** The task of an upload: takes the received file out of the spool, checks it, makes it a volume. */
export async function receiveUpload(
  { storage, paths }: IncomingServices,
  params: UploadParams,
  task: TaskContext,
): Promise<void> {
  if (params.tmpfilename === undefined) throw new ParameterError({ tmpfilename: 'no file was received' });
  const received = await spooledFile(paths, params.tmpfilename);
  const staged = await newStagingPath(storage, paths, params);
  task.undo(stagedFileUndo, { path: staged });
  try {
    await takeFile(received, staged, {
      signal: task.signal,
      onProgress: (fraction) => task.progress(fraction * 0.4, 'copying'),
    });
    const { size } = await lstat(staged);
    task.log(`received '${params.filename}' (${readableSize(size)})`);
    const expected = expectedChecksum(params);
    if (expected) {
      task.log(`comparing the ${expected.algorithm} checksum`);
      await demandChecksum(staged, expected, {
        signal: task.signal,
        onProgress: (fraction) => task.progress(0.4 + fraction * 0.5, 'checksum'),
      });
      task.log('the checksum is right');
    }
    await takeIn(storage, params, staged, task);
  } finally {
    await rm(staged, { force: true });
    await rm(received, { force: true });
  }
}

/** The task of a download. */
export async function fetchUrl(
  { storage, paths }: IncomingServices,
  params: DownloadParams,
  reach: Reach,
  task: TaskContext,
): Promise<void> {
  const driver = await storage.driver(params.storage);
  const { available } = await driver.status();
  const unpacked = await newStagingPath(storage, paths, params);
  const { compression, url } = params;
  const fetched = compression ? `${unpacked}.${compression}` : unpacked;
  for (const path of new Set([unpacked, fetched])) task.undo(stagedFileUndo, { path });
  const expected = expectedChecksum(params);
  const hash = expected && startHash(expected);
  try {
    task.log(`downloading ${withoutPassword(url)}`);
    const size = await download(url, {
      target: fetched,
      maxBytes: available,
      signal: task.signal,
      reach,
      verifyCertificates: params['verify-certificates'] ?? true,
      ...(hash ? { hash } : {}),
      onStart: (reached, total) => logStart(task, url, reached, total),
      onProgress: (done, total) => task.progress(total ? (done / total) * 0.9 : 0, readableSize(done)),
    });
    task.log(`received ${readableSize(size)}`);
    if (expected && hash) {
      demandDigest(expected, hash.digest('hex'));
      task.log(`the ${expected.algorithm} checksum is right`);
    }
    if (compression) {
      task.log(`unpacking (${compression})`);
      await unpack(compression, fetched, unpacked, { maxBytes: available - size, signal: task.signal });
    }
    await takeIn(storage, params, unpacked, task);
  } finally {
    await rm(fetched, { force: true });
    await rm(unpacked, { force: true });
  }
}

function logStart(task: TaskContext, asked: string, reached: string, size: number | undefined): void {
  if (reached !== withoutPassword(asked)) task.log(`redirected to ${reached}`);
  task.log(
    size === undefined ? 'the server does not say how long the file is' : `size ${readableSize(size)}`,
  );
}

/** The last steps of both: what kind of file it is, and its place in the storage. */
async function takeIn(
  storage: StorageManager,
  params: UploadParams | DownloadParams,
  staged: string,
  task: TaskContext,
): Promise<void> {
  const { content } = params;
  const file = uploadFileName(content, params.filename);
  if (content === 'import') {
    // Received by the gateway's user; the sandbox in which it is looked at reads what belongs to root.
    if (process.getuid?.() === 0) await chown(staged, 0, 0);
    await demandImportable(file, staged, task);
  }
  if (content === 'iso' && /\.iso$/i.test(file)) {
    const problem = await isoProblem(staged);
    if (problem) task.warn(`'${file}' does not look like an ISO image: ${problem}`);
  }
  task.signal.throwIfAborted();
  const volid = await storage.adopt(params.storage, content, file, staged, task);
  task.progress(1);
  task.log(`made volume '${volid}'`);
}

/** Beside the later volume where the storage allows it, so that the last step is a rename; else in the spool. */
export async function newStagingPath(
  storage: StorageManager,
  paths: DataPaths,
  params: { readonly storage: string; readonly content: FileContent },
): Promise<string> {
  const driver = await storage.driver(params.storage);
  return stagingPath((await driver.stagingFolder(params.content)) ?? paths.spool);
}

/** The path of a received file. Throws 'forbidden' for anything that does not stand in the spool itself. */
async function spooledFile(paths: DataPaths, given: string): Promise<string> {
  const refused = new RyokanError('forbidden', 'the uploaded file does not stand in the spool of this node');
  const name = basename(given);
  if (!given.startsWith('/') || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw refused;
  const [spool, folder] = await Promise.all([
    realpath(paths.spool),
    realpath(dirname(given)).catch(() => undefined),
  ]);
  if (folder !== spool) throw refused;
  const path = join(spool, name);
  const stats = await lstat(path).catch(() => undefined);
  if (!stats) throw new RyokanError('not-found', 'the uploaded file is no longer there; upload it again');
  if (!stats.isFile()) throw refused;
  return path;
}
