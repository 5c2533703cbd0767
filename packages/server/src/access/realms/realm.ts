/** Realms: where a user's password is checked. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { checkPamPassword, setPamPassword } from './pam.ts';
import { checkPvePassword, setPvePassword } from './pve.ts';

/** The answer to "is this the password?". `refusal` says why not, for the log; the caller is told less. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly refusal: string };

/** What a kind of realm can do. Names are without the realm (`root` of root@pam). */
export interface RealmDriver {
  /** Not ok: wrong password, unknown user, locked account. Throws when the check itself cannot be made. */
  check(store: ConfigStore, name: string, password: string, remote: string): Promise<Verdict>;
  /** Throws RyokanError. */
  setPassword(store: ConfigStore, name: string, password: string, author: string): Promise<void>;
}

const drivers: Readonly<Record<string, RealmDriver>> = {
  pam: {
    check: (_store, name, password, remote) => checkPamPassword(name, password, remote),
    setPassword: (_store, name, password) => setPamPassword(name, password),
  },
  pve: {
    check: (store, name, password) => checkPvePassword(store, name, password),
    setPassword: setPvePassword,
  },
};

/** The driver for a type of realm. Throws RyokanError 'unsupported' when there is none. */
export function realmDriver(type: string): RealmDriver {
  const driver = Object.hasOwn(drivers, type) ? drivers[type] : undefined;
  if (!driver) throw new RyokanError('unsupported', `realms of type '${type}' cannot check passwords yet`);
  return driver;
}

/** `root` and `pam` of `root@pam`. The realm follows the last `@`. */
export function splitUserId(user: string): { name: string; realm: string } {
  const at = user.lastIndexOf('@');
  return { name: user.slice(0, at), realm: user.slice(at + 1) };
}
