/**
 * System users. Guests and the gateway run under their own, so that a break out of either meets an ordinary user.
 * Looked up in /etc/passwd and /etc/group directly: they are local users by purpose, never from a directory service.
 */
import { readFileSync } from 'node:fs';
import { run } from './exec.ts';
import type { Owner } from './files.ts';

/** The gateway's user. */
export const gatewayUser = 'ryokan';
/** The user of QEMU processes, in the group `kvm` where there is one. */
export const guestUser = 'ryokan-qemu';

/** uid and primary gid of a local user; undefined when there is none of that name. */
export function findUser(name: string): Owner | undefined {
  const fields = findEntry('/etc/passwd', name);
  return fields ? { uid: Number(fields[2]), gid: Number(fields[3]) } : undefined;
}

/** Like findUser, for users that `./ryokan up` makes. */
export function requireUser(name: string): Owner {
  const user = findUser(name);
  if (!user) throw new Error(`the system user '${name}' is missing; './ryokan up' makes it`);
  return user;
}

export interface Group {
  readonly gid: number;
  readonly members: readonly string[];
}

export function findGroup(name: string): Group | undefined {
  const fields = findEntry('/etc/group', name);
  return fields
    ? { gid: Number(fields[2]), members: (fields[3] ?? '').split(',').filter(Boolean) }
    : undefined;
}

/** Makes the two system users and lets guests use /dev/kvm. Returns what it did, a line each; nothing on a second call. */
export async function ensureSystemUsers(): Promise<string[]> {
  const done: string[] = [];
  for (const name of [gatewayUser, guestUser]) {
    if (findUser(name)) continue;
    await run('useradd', [
      '--system',
      '--user-group',
      '--no-create-home',
      '--home-dir',
      '/nonexistent',
      '--shell',
      '/usr/sbin/nologin',
      name,
    ]);
    done.push(`made the system user ${name}`);
  }
  const kvm = findGroup('kvm');
  if (kvm && !kvm.members.includes(guestUser)) {
    await run('usermod', ['--append', '--groups', 'kvm', guestUser]);
    done.push(`put ${guestUser} into the group kvm`);
  }
  return done;
}

function findEntry(file: string, name: string): string[] | undefined {
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const fields = line.split(':');
    if (fields[0] === name) return fields;
  }
  return undefined;
}
