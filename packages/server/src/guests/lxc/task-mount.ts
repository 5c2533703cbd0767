/** Volumes of a container that does not run, mounted on the node while a task works on their files. */
import { chmod, chown, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { lxcMountKeys } from '@ryokan/api/schema/lxc-config.ts';
import { run } from '../../host/exec.ts';
import { readTextIfPresent } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import { hostId } from '../../host/user-namespace.ts';
import type { ConfigProperties } from '../config-file.ts';
import type { ChangeContext } from '../guest-services.ts';
import { lxcRunPaths } from './run-paths.ts';
import { parseVolume, volumeKind } from './volume-value.ts';
import { mountArguments, type VolumeOwner } from './volumes.ts';

export const unmountUndo = 'lxc.unmount';

/**
 * Mounts the root file system and the volumes of mount points into it, calls `work` with the path, and unmounts them
 * whatever happens. Directories of the node are left out: they are not the container's to fill. The tree has to be one
 * that nobody has worked in yet: a link in it would lead a mount elsewhere.
 */
export async function withMounted<T>(
  owner: VolumeOwner,
  values: ConfigProperties,
  context: Pick<ChangeContext, 'undo'>,
  work: (root: string) => Promise<T>,
): Promise<T> {
  const { services, vmid } = owner;
  const { mount: root } = lxcRunPaths(services.paths, vmid);
  await unmountAll(services.paths, vmid);
  context.undo(unmountUndo, { vmid });
  await mkdir(root, { recursive: true, mode: 0o755 });
  try {
    for (const key of ['rootfs', ...lxcMountKeys]) {
      const text = values[key];
      if (text === undefined) continue;
      const value = parseVolume(key, text);
      if (volumeKind(value) !== 'volume') continue;
      const target = key === 'rootfs' ? root : await makeMountPoint(owner, root, value.mp ?? '');
      await run('mount', await mountArguments({ services }, key, { ...value, ro: false }, target));
    }
    return await work(root);
  } finally {
    await unmountAll(services.paths, vmid);
  }
}

/** Makes the folder for a mount point with those above it: the container's own, whatever the mask of this process. */
async function makeMountPoint({ ids }: VolumeOwner, root: string, mp: string): Promise<string> {
  const id = hostId(ids, 0) ?? 0;
  let path = root;
  for (const name of mp.split('/').filter(Boolean)) {
    path = join(path, name);
    const made = await mkdir(path, { recursive: true });
    if (made === undefined) continue;
    await chmod(path, 0o755);
    await chown(path, id, id);
  }
  return path;
}

/** Unmounts what a task has mounted for a container; no error when there is nothing. */
export async function unmountAll(paths: DataPaths, vmid: number): Promise<void> {
  const { mount } = lxcRunPaths(paths, vmid);
  const mounted = (readTextIfPresent('/proc/self/mountinfo') ?? '')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path === mount || path.startsWith(`${mount}/`));
  for (const path of mounted.reverse()) {
    try {
      await run('umount', [path]);
    } catch (cause) {
      throw new RyokanError('failed', `'${path}' could not be unmounted: is a program working there?`, {
        cause,
      });
    }
  }
  await rmdir(mount).catch(() => {});
}
