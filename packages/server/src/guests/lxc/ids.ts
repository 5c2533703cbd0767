/** Which ids of the node the users of a container are. */
import { appendFileSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { readTextIfPresent } from '../../host/files.ts';
import type { IdRange } from '../../host/user-namespace.ts';
import type { LxcConfig } from './config.ts';

/** What every unprivileged container has that says nothing else. */
const defaultRange: IdRange = { container: 0, host: 100_000, count: 65_536 };

/** The ranges of a container: none for a privileged one, those of its raw `lxc.idmap` lines where it has some. */
export function idRanges(config: LxcConfig): IdRange[] {
  if (!config.unprivileged) return [];
  const own = [...(config.lxc ?? '').matchAll(/^lxc\.idmap\s*[:=]\s*([ugb])\s+(\d+)\s+(\d+)\s+(\d+)\s*$/gim)];
  if (own.length === 0) return [defaultRange];
  const of = (kind: string) =>
    own
      .filter((match) => match[1]?.toLowerCase() === kind || match[1]?.toLowerCase() === 'b')
      .map(([, , container, host, count]) => ({
        container: Number(container),
        host: Number(host),
        count: Number(count),
      }));
  const users = of('u');
  if (JSON.stringify(users) !== JSON.stringify(of('g'))) {
    throw new RyokanError(
      'unsupported',
      'lxc.idmap: users and groups have different ranges; give both the same (a line `u …` and a line `g …` with equal numbers)',
    );
  }
  return users;
}

/**
 * newuidmap, which LXC runs also as root, maps only ranges that /etc/subuid and /etc/subgid give to the caller. A range
 * given to root says nothing to others.
 */
export function allowIds(ranges: readonly IdRange[]): void {
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const present = (readTextIfPresent(file) ?? '').split('\n');
    for (const { host, count } of ranges) {
      const covered = present.some((line) => {
        const [user, first, length] = line.split(':');
        return user === 'root' && Number(first) <= host && Number(first) + Number(length) >= host + count;
      });
      const gap = present.at(-1) === '' || present.length === 0 ? '' : '\n';
      if (!covered) appendFileSync(file, `${gap}root:${host}:${count}\n`);
    }
  }
}
