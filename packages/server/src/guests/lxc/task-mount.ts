/** Volumes of a container that does not run, mounted on the node while a task works on their files. */
import { mkdir, rmdir } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { lxcMountKeys } from '@ryokan/api/schema/lxc-config.ts';
import { run } from '../../host/exec.ts';
import { readMounts } from '../../host/mount-table.ts';
import type { DataPaths } from '../../host/paths.ts';
import type { ConfigProperties } from '../config-file.ts';
import type { ChangeContext } from '../guest-services.ts';
import { lxcRunPaths } from './run-paths.ts';
import { ContainerTree } from './setup/tree.ts';
import { parseVolume, type VolumeValue, volumeKind } from './volume-value.ts';
import { mountArguments, type VolumeOwner } from './volumes.ts';

export const unmountUndo = 'lxc.unmount';

/** A volume of a storage in a container's configuration. */
export interface ContainerVolume {
  readonly key: string;
  readonly value: VolumeValue;
}

/** The container's volumes, each one behind those that it is mounted in; not the node's directories and devices. */
export function containerVolumes(values: ConfigProperties): ContainerVolume[] {
  const depth = ({ value }: ContainerVolume) => (value.mp ?? '').split('/').filter(Boolean).length;
  return ['rootfs', ...lxcMountKeys]
    .flatMap((key) => {
      const text = values[key];
      return text === undefined ? [] : [{ key, value: parseVolume(key, text) }];
    })
    .filter(({ value }) => volumeKind(value) === 'volume')
    .sort((a, b) => depth(a) - depth(b));
}

/**
 * Mounts the root file system and the volumes of mount points into it, calls `work` with the path, and unmounts them
 * whatever happens. Directories of the node are left out: they are not the container's to fill.
 */
export async function withMounted<T>(
  owner: VolumeOwner,
  values: ConfigProperties,
  context: Pick<ChangeContext, 'undo'>,
  work: (root: string) => Promise<T>,
): Promise<T> {
  try {
    return await work(await mountVolumes(owner, containerVolumes(values), context));
  } finally {
    await unmountAll(owner.services.paths, owner.vmid);
  }
}

/** The same with one volume alone. */
export async function withVolume<T>(
  owner: VolumeOwner,
  { key, value }: ContainerVolume,
  context: Pick<ChangeContext, 'undo'>,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const { mp: _mp, ...alone } = value;
  try {
    return await work(await mountVolumes(owner, [{ key, value: alone }], context));
  } finally {
    await unmountAll(owner.services.paths, owner.vmid);
  }
}

/** Mounts volumes of a container that does not run until somebody unmounts them; where the first one is. */
export async function mountVolumes(
  { services, vmid, ids }: VolumeOwner,
  volumes: readonly ContainerVolume[],
  context: Pick<ChangeContext, 'undo'>,
): Promise<string> {
  const { mount: root } = lxcRunPaths(services.paths, vmid);
  await unmountAll(services.paths, vmid);
  context.undo(unmountUndo, { vmid });
  await mkdir(root, { recursive: true, mode: 0o755 });
  for (const { key, value } of volumes) {
    // The tree may have links that lead elsewhere.
    const target = value.mp === undefined ? root : new ContainerTree(root, ids).folderOnNode(value.mp);
    await run('mount', await mountArguments({ services }, key, { ...value, ro: false }, target));
  }
  return root;
}

/** Unmounts what a task has mounted for a container; no error when there is nothing. */
export async function unmountAll(paths: DataPaths, vmid: number): Promise<void> {
  const { mount } = lxcRunPaths(paths, vmid);
  const mounted = (await readMounts())
    .map(({ point }) => point)
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
