/**
 * User namespaces with id ranges of our choice, for programs that shall be root of a container and of nothing else. The
 * daemon is root, so it writes the maps itself: /etc/subuid has no say in it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';

/** One line of lxc.idmap, for users and groups alike: `count` ids from `container` on are `host` and on outside. */
export interface IdRange {
  readonly container: number;
  readonly host: number;
  readonly count: number;
}

/** The id outside of a container's `id`; without ranges they are the same. Undefined for one that is not mapped. */
export function hostId(ids: readonly IdRange[], id: number): number | undefined {
  if (ids.length === 0) return id;
  const range = ids.find(({ container, count }) => id >= container && id < container + count);
  return range && range.host + id - range.container;
}

/** Gives `work` an open user namespace (a file number), which it may hand on to `nsenter`; closes it in the end. */
export async function withUserNamespace<T>(
  ids: readonly IdRange[],
  work: (namespace: number) => Promise<T>,
): Promise<T> {
  const namespace = await openUserNamespace(ids);
  try {
    return await work(namespace);
  } finally {
    closeSync(namespace);
  }
}

/**
 * A namespace exists as long as a process or an open file holds it: `cat` does until we have the file. What it sends
 * back says that `unshare` has done its work.
 */
async function openUserNamespace(ids: readonly IdRange[]): Promise<number> {
  const holder = spawn('/usr/bin/unshare', ['--user', '/usr/bin/cat'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  holder.stderr.on('data', (data) => {
    complaint += String(data);
  });
  holder.stdin.on('error', () => {});
  const failed = Promise.race([once(holder, 'error'), once(holder, 'close')]).then(([reason]: unknown[]) => {
    throw new Error(`cannot make a user namespace: ${complaint.trim() || String(reason)}`);
  });
  failed.catch(() => {});
  try {
    holder.stdin.write('\n');
    await Promise.race([once(holder.stdout, 'data'), failed]);
    const map = ids.map(({ container, host, count }) => `${container} ${host} ${count}\n`).join('');
    for (const kind of ['uid', 'gid']) writeFileSync(`/proc/${holder.pid}/${kind}_map`, map);
    return openSync(`/proc/${holder.pid}/ns/user`, 'r');
  } finally {
    holder.stdin.end();
  }
}
