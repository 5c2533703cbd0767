/** Is something mounted here? */
import { realpath } from 'node:fs/promises';
import { readMounts } from '../../host/mount-table.ts';

export async function isMountPoint(path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  return real !== undefined && (await readMounts()).some(({ point }) => point === real);
}
