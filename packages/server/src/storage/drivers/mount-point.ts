/** Storages whose folder means nothing until something is mounted there. */
import { realpath } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { readMounts } from '../../host/mount-table.ts';

export async function isMountPoint(path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  return real !== undefined && (await readMounts()).some(({ point }) => point === real);
}

/** `mount` is the property is_mountpoint: a path, or `yes` for the storage's own. Throws 'state' when nothing is there. */
export async function demandMounted(storage: string, root: string, mount: string | undefined): Promise<void> {
  if (mount === undefined || /^(no|0|off|false)$/i.test(mount)) return;
  const path = mount.startsWith('/') ? mount : root;
  if (await isMountPoint(path)) return;
  throw new RyokanError('state', `storage '${storage}' is offline: nothing is mounted at ${path}`);
}
