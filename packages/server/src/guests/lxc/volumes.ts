/** Volumes of a container: made for `storage:size` with a file system, checked when they exist already, mounted. */
import { statSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import { hostId, type IdRange } from '../../host/user-namespace.ts';
import type { StorageCapabilities } from '../../storage/driver.ts';
import { stagedFileUndo } from '../../storage/storage-undo.ts';
import { formatSize } from '../disk-size.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { fileSystemOf, makeFileSystem, mountOptions } from './file-system.ts';
import { formatVolume, newVolumeRequest, parseVolume, type VolumeValue, volumeKind } from './volume-value.ts';

/** Whose volumes they are. */
export interface VolumeOwner {
  readonly services: GuestServices;
  readonly vmid: number;
  readonly ids: readonly IdRange[];
}

/** Turns a value as given by a caller into the one that is stored: makes the volume that it asks for, or checks it. */
export async function prepareVolume(
  owner: VolumeOwner,
  key: string,
  text: string,
  context: ChangeContext,
): Promise<string> {
  const value = parseVolume(key, text);
  const request = newVolumeRequest(value);
  if (request && rehearsed(`makes a volume of ${request.gib} GiB on storage '${request.storage}' (${key})`))
    return text;
  if (request) return formatVolume(key, await makeVolume(owner, key, value, request, context));
  if (volumeKind(value) === 'bind') return formatVolume(key, demandFolder(key, value));
  if (volumeKind(value) === 'device') return formatVolume(key, value);
  return formatVolume(key, await checkVolume(owner, key, value));
}

function demandFolder(key: string, value: VolumeValue): VolumeValue {
  const { volume, size: _size, ...rest } = value;
  if (value.quota) throw noQuota(key, 'a directory of the node');
  return { volume, ...rest };
}

const noQuota = (key: string, where: string) =>
  new RyokanError('parameter', `${key}: quota is not possible on ${where}; leave it out`);

async function makeVolume(
  { services, vmid, ids }: VolumeOwner,
  key: string,
  value: VolumeValue,
  request: { storage: string; gib: number },
  context: ChangeContext,
): Promise<VolumeValue> {
  const { storage } = services;
  storage.demandContent(request.storage, 'rootdir');
  const { capabilities } = await storage.driver(request.storage);
  const format = containerFormat(capabilities);
  if (format === undefined) {
    throw new RyokanError(
      'unsupported',
      `${key}: storage '${request.storage}' has no volumes that this node can mount; take another storage for containers`,
    );
  }
  // Whole MiB: what a person reads in the configuration.
  const size = Math.ceil(request.gib * 1024) * 1024 ** 2;
  if (size <= 0 && format === 'raw') {
    throw new RyokanError(
      'parameter',
      `${key}: give the size of the new volume in GiB, such as ${request.storage}:8`,
    );
  }
  if (value.quota && format === 'subvol') throw noQuota(key, 'a subvolume');
  const volid = await storage.allocate(request.storage, {
    vmid,
    format,
    size,
    onStaged: (path) => context.undo(stagedFileUndo, { path }),
    onPlaced: (placed) => {
      context.undo('volume.remove', { volid: placed });
      context.log(`made volume '${placed}'`);
    },
  });
  await makeTree(await storage.path(volid), format, ids);
  // Where nothing can limit a subvolume it has no size, whatever was asked for.
  const made = await storage.info(volid);
  if (made.size < size) context.warn(`${key}: '${request.storage}' has no quotas; nothing limits the volume`);
  return { ...value, volume: volid, size: formatSize(made.size) };
}

/** The format of new volumes of containers on a storage: one that this node can mount. Undefined when there is none. */
export function containerFormat({
  imageFormats,
  localPath,
}: Pick<StorageCapabilities, 'imageFormats' | 'localPath'>): 'subvol' | 'raw' | undefined {
  return localPath ? (['subvol', 'raw'] as const).find((one) => imageFormats.includes(one)) : undefined;
}

/** Makes an empty tree whose root folder belongs to the container's root. */
export async function makeTree(
  path: string,
  format: 'raw' | 'subvol',
  ids: readonly IdRange[],
): Promise<void> {
  const root = hostId(ids, 0) ?? 0;
  if (format === 'raw') return makeFileSystem(path, root);
  await chmod(path, 0o755);
  await chown(path, root, root);
}

async function checkVolume(
  { services, vmid }: VolumeOwner,
  key: string,
  value: VolumeValue,
): Promise<VolumeValue> {
  const volume = await services.storage.info(value.volume);
  if (volume.content !== 'rootdir' && volume.content !== 'images') {
    throw new RyokanError(
      'parameter',
      `${key}: '${value.volume}' is of content type '${volume.content}'; a container takes volumes`,
    );
  }
  if (volume.format !== 'raw' && volume.format !== 'subvol') {
    throw new RyokanError(
      'parameter',
      `${key}: '${value.volume}' is a ${volume.format} image; containers take raw images and subvolumes`,
    );
  }
  if (volume.vmid !== vmid) {
    throw new RyokanError(
      'parameter',
      `${key}: '${value.volume}' belongs to guest ${volume.vmid ?? 'unknown'}`,
    );
  }
  if (value.quota && volume.format === 'subvol') throw noQuota(key, 'a subvolume');
  return { ...value, size: formatSize(volume.size) };
}

/**
 * Arguments of mount(8) that mount a value on `target`. Device nodes on a volume mean nothing, unless it is the root
 * file system of a privileged container.
 */
export async function mountArguments(
  { services }: Pick<VolumeOwner, 'services'>,
  key: string,
  value: VolumeValue,
  target: string,
): Promise<string[]> {
  const kind = volumeKind(value);
  const path = kind === 'volume' ? await services.storage.path(value.volume) : value.volume;
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats)
    throw new RyokanError('not-found', `${key}: '${value.volume}' does not exist`, { context: { key } });
  const options = (value.mountoptions ?? '').split(';').filter(Boolean);
  if (stats.isDirectory()) {
    if (value.ro) options.push('ro');
    // Of a directory of the node also what is mounted in it.
    const bind = kind === 'bind' ? '--rbind' : '--bind';
    return [bind, ...(options.length > 0 ? ['-o', options.join(',')] : []), path, target];
  }
  options.push(...mountOptions(await fileSystemOf(path), value));
  if (value.ro) options.push('ro');
  if (stats.isFile()) options.push('loop');
  return [...(options.length > 0 ? ['-o', options.join(',')] : []), path, target];
}
