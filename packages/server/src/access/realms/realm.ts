/** Realms: where a user's password is checked. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { UserConfigView } from '../user-config.ts';
import { checkPamPassword, setPamPassword } from './pam.ts';
import { checkPvePassword, setPvePassword } from './pve.ts';
import { findRealm, type RealmConfig } from './realm-config.ts';

/** The answer to "is this the password?". `refusal` says why not, for the log; the caller is told less. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly refusal: string };

/** What a kind of realm can do. Names are without the realm (`root` of root@pam). */
export interface RealmDriver {
  /** Not ok: wrong password, unknown user, locked account. Throws when the check itself cannot be made. */
  check(
    store: ConfigStore,
    config: RealmConfig,
    name: string,
    password: string,
    remote: string,
  ): Promise<Verdict>;
  /** Throws RyokanError. */
  setPassword(store: ConfigStore, name: string, password: string, author: string): Promise<void>;
}

const directory: RealmDriver = {
  async check(store, config, name, password) {
    // Loaded with the first login: nodes without a directory, and workers, do without it.
    const { checkStoredDirectory } = await import('./directory/login.ts');
    return checkStoredDirectory(store, config, name, password);
  },
  setPassword: () =>
    Promise.reject(
      new RyokanError('unsupported', 'users of a directory change their passwords there, not here'),
    ),
};

const drivers: Readonly<Record<string, RealmDriver>> = {
  pam: {
    check: (_store, _config, name, password, remote) => checkPamPassword(name, password, remote),
    setPassword: (_store, name, password) => setPamPassword(name, password),
  },
  pve: {
    check: (store, _config, name, password) => checkPvePassword(store, name, password),
    setPassword: setPvePassword,
  },
  ldap: directory,
  ad: directory,
  openid: {
    check: async () => ({
      ok: false,
      refusal: 'users of an OpenID provider log in there, not with a password',
    }),
    setPassword: () =>
      Promise.reject(
        new RyokanError('unsupported', 'users of an OpenID provider change their passwords there, not here'),
      ),
  },
};

/** The driver for a type of realm. Throws RyokanError 'unsupported' when there is none. */
export function realmDriver(type: string): RealmDriver {
  const driver = Object.hasOwn(drivers, type) ? drivers[type] : undefined;
  if (!driver) throw new RyokanError('unsupported', `realms of type '${type}' cannot check passwords`);
  return driver;
}

/** `root` and `pam` of `root@pam`. The realm follows the last `@`. */
export function splitUserId(user: string): { name: string; realm: string } {
  const at = user.lastIndexOf('@');
  return { name: user.slice(0, at), realm: user.slice(at + 1) };
}

/**
 * The user id as user.cfg has it: where a directory does not tell names apart by case, the one user whose name differs by
 * nothing else. What is known as it stands, or not at all, stays as it is.
 */
export function knownSpelling(store: ConfigStore, config: UserConfigView, user: string): string {
  if (config.users.has(user)) return user;
  if (findRealm(store, splitUserId(user).realm)?.options.get('case-sensitive') !== '0') return user;
  const lower = user.toLowerCase();
  const alike = [...config.users.keys()].filter((id) => id.toLowerCase() === lower);
  return alike.length === 1 ? (alike[0] as string) : user;
}
