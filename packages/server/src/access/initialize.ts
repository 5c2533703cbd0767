/** First start: key files, the users root@pam and admin@pve, and a random password for the latter. */
import { randomInt } from 'node:crypto';
import { type ConfigStore, ConflictError } from '../cluster/store.ts';
import { writeFileAtomic } from '../host/files.ts';
import type { DataPaths } from '../host/paths.ts';
import { formatShadow, shadowCfg, userCfg } from './access-documents.ts';
import { ensureTicketKeys } from './keys.ts';
import { hashPassword } from './password.ts';
import { domainsCfg } from './realms/realm-config.ts';
import { aclNode, entriesOf, newUser, parseUserConfig } from './user-config.ts';
import { formatUserConfig } from './user-config-text.ts';

export const adminUser = 'admin@pve';

export interface InitializedAccess {
  /** True when this call made the users: `paths.initialPassword` holds the password of admin@pve. */
  readonly created: boolean;
}

/**
 * Makes what is missing and leaves alone what is there. Safe to call on every start; broken off anywhere, the next call
 * completes it.
 */
export async function initializeAccess(store: ConfigStore, paths: DataPaths): Promise<InitializedAccess> {
  await ensureTicketKeys(paths);
  if (store.get(userCfg)) return { created: false };
  const password = readablePassword();
  // The file comes first: a power cut in between leaves a password of nobody, which the next start replaces.
  await writeFileAtomic(paths.initialPassword, `${password}\n`, { mode: 0o600 });
  const shadow = formatShadow(new Map([['admin', await hashPassword(password)]]));
  try {
    await store.commit(
      [{ path: userCfg, revision: 0 }],
      [
        { path: userCfg, text: firstUsers() },
        { path: shadowCfg, text: shadow },
        { path: domainsCfg, text: firstRealms },
      ],
      { author: 'first start' },
    );
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    return { created: false };
  }
  return { created: true };
}

/** The login page offers the realm of admin@pve first: whoever has just read that name types `admin`. */
const firstRealms = 'pve: pve\n\tcomment Ryokan authentication server\n\tdefault 1\n';

function firstUsers(): string {
  const config = parseUserConfig('');
  config.users.set(adminUser, newUser({ comment: 'made on first start' }));
  entriesOf(aclNode(config, '/').users, adminUser).set('Administrator', true);
  return formatUserConfig(config);
}

/** Without characters that look alike: people type it from a terminal. */
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** 20 characters, 115 bits. */
function readablePassword(): string {
  return Array.from({ length: 20 }, () => letters[randomInt(letters.length)]).join('');
}
