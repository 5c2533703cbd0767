/** How much room there is where something is mounted, as a process sees it. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readTextIfPresent } from './files.ts';

/** Bytes. */
export interface MountedSpace {
  readonly total: number;
  readonly used: number;
  readonly available: number;
}

/**
 * `point` is a path as the process `pid` has it, at which something is mounted. A subvolume of btrfs with a limit counts
 * as a file system of that size; statfs(2) would tell of the whole pool. Undefined when the process is gone.
 */
export function mountedSpace(pid: number, point: string): MountedSpace | undefined {
  try {
    const { blocks, bfree, bavail, bsize } = statfsSync(join(`/proc/${pid}/root`, point));
    const whole = { total: blocks * bsize, used: (blocks - bfree) * bsize, available: bavail * bsize };
    const group = quotaGroup(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'), point);
    if (!group) return whole;
    const { used, limit } = group;
    if (limit === 0) return { ...whole, used };
    return { total: limit, used, available: Math.max(0, Math.min(limit - used, whole.available)) };
  } catch {
    return undefined;
  }
}

/** What the kernel counts for the subvolume that is mounted at `point`; undefined for all else and without quotas. */
function quotaGroup(mountinfo: string, point: string): { used: number; limit: number } | undefined {
  const line = mountinfo.split('\n').findLast((one) => one.split(' ')[4] === point);
  const [, device = '', options = ''] = / - btrfs (\S+) (\S+)$/.exec(line ?? '') ?? [];
  const id = /(?:^|,)subvolid=(\d+)/.exec(options)?.[1];
  if (id === undefined) return undefined;
  const folder = '/sys/fs/btrfs';
  const pool = readdirSync(folder).find(
    (name) => readTextIfPresent(join(folder, name, 'devices', basename(device), 'dev')) !== undefined,
  );
  const read = (name: string) => readTextIfPresent(join(folder, pool ?? '', 'qgroups', `0_${id}`, name));
  const used = read('referenced');
  return used === undefined ? undefined : { used: Number(used), limit: Number(read('max_referenced') ?? 0) };
}
