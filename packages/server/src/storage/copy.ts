/** Copies volumes within the node: images through qemu-img, files as they are. */
import { rm } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import {
  type ImageFormat,
  type ImageName,
  parseVolumeId,
  parseVolumeName,
  type VolumeName,
} from '@ryokan/api/schema/volume-id.ts';
import type { DataPaths } from '../host/paths.ts';
import type { TaskContext } from '../tasks/task.ts';
import { noSpace } from './image-names.ts';
import type { StorageManager, Volume } from './manager.ts';
import { convertImage } from './qemu-img.ts';
import { copyFile, stagingPath } from './staging.ts';
import { stagedFileUndo } from './storage-undo.ts';

export interface CopyServices {
  readonly storage: StorageManager;
  readonly paths: DataPaths;
}

export interface CopyRequest {
  /** Volume ids. */
  readonly source: string;
  readonly target: string;
}

interface Plan {
  readonly source: Volume;
  readonly from: string;
  readonly storage: string;
  readonly target: VolumeName;
}

/** Throws when the copy cannot be made: no such volume, another kind, no space, name taken. */
export async function checkCopy(services: CopyServices, request: CopyRequest): Promise<void> {
  await plan(services.storage, request);
}

async function plan(manager: StorageManager, request: CopyRequest): Promise<Plan> {
  const { storage, name } = parseVolumeId(request.target);
  const target = parseVolumeName(name);
  const source = await manager.info(request.source);
  const kind = source.content === 'images' || source.content === 'rootdir' ? 'image' : source.content;
  if (kind !== (target.kind === 'image' ? 'image' : target.content)) {
    throw new RyokanError('parameter', `'${request.target}' is no place for content '${source.content}'`);
  }
  manager.demandContent(storage, target.kind === 'image' ? 'images' : target.content);
  const present = await manager.info(request.target).catch((error: unknown) => {
    if (error instanceof RyokanError && error.code === 'not-found') return undefined;
    throw error;
  });
  if (present) throw new RyokanError('exists', `volume '${request.target}' already exists`);
  const { available } = await (await manager.driver(storage)).status();
  if (source.size > available) throw noSpace('the copy', storage, source.size, available);
  return { source, from: await manager.path(request.source), storage, target };
}

/** The task of a copy. */
export async function copyVolume(
  services: CopyServices,
  request: CopyRequest,
  task: TaskContext,
): Promise<void> {
  const work = await plan(services.storage, request);
  const { target } = work;
  const volid =
    target.kind === 'image'
      ? await copyImage(services.storage, work, target, task)
      : await copyPlainFile(services, work, task);
  task.log(`made volume '${volid}'`);
}

async function copyImage(
  manager: StorageManager,
  { source, from, storage }: Plan,
  target: ImageName,
  task: TaskContext,
): Promise<string> {
  const { vmid, format, file } = target;
  const volid = await manager.allocate(storage, { vmid, format, size: source.size, name: file });
  task.undo('volume.remove', { volid });
  await convertImage({
    from: { path: from, format: source.format as ImageFormat },
    to: { path: await manager.path(volid), format },
    signal: task.signal,
    onProgress: (fraction) => task.progress(fraction, 'copying'),
  });
  return volid;
}

async function copyPlainFile(
  { storage: manager, paths }: CopyServices,
  { from, storage, target }: Plan,
  task: TaskContext,
): Promise<string> {
  if (target.kind !== 'file') throw new Error('copyPlainFile is for files');
  const driver = await manager.driver(storage);
  const staged = stagingPath((await driver.stagingFolder(target.content)) ?? paths.spool);
  task.undo(stagedFileUndo, { path: staged });
  try {
    await copyFile(from, staged, {
      signal: task.signal,
      onProgress: (fraction) => task.progress(fraction, 'copying'),
    });
    return await manager.adopt(storage, target.content, target.file, staged, task);
  } finally {
    await rm(staged, { force: true });
  }
}
