/** Logins by a directory: search the user as bind_dn, then try the password as that user. */

import { RyokanError } from '@ryokan/api/errors.ts';
import { EqualityFilter, InvalidCredentialsError, type SearchOptions, SizeLimitExceededError } from 'ldapts';
import type { ConfigStore } from '../../../cluster/store.ts';
import { Gate } from '../../gate.ts';
import type { Verdict } from '../realm.ts';
import { type RealmConfig, realmSecret } from '../realm-config.ts';
import { bindService, type DirectoryConnection, directoryError, withDirectory } from './connection.ts';
import { refusalReason } from './explain.ts';
import { searchBase } from './read.ts';
import { type DirectorySettings, directorySettings } from './settings.ts';

/** Two servers that do not answer still leave time for a client that waits 15 s. Milliseconds. */
const limits = { connect: 4000, answer: 6000 } as const;
/** Connections at a time; the rest waits. */
const gate = new Gate(8, 64);

/** Throws RyokanError 'failed' without details, which are in its cause: whoever asks is not logged in. */
export async function checkStoredDirectory(
  store: ConfigStore,
  config: RealmConfig,
  name: string,
  password: string,
): Promise<Verdict> {
  try {
    const settings = directorySettings(config, realmSecret(store, config.realm, 'password'));
    return await checkDirectoryPassword(settings, name, password);
  } catch (cause) {
    throw new RyokanError(
      'failed',
      `realm '${config.realm}' cannot check passwords at present: its directory did not answer as it should. ` +
        "Administrators find the reason in the node's log.",
      { cause },
    );
  }
}

/** Throws RyokanError 'failed' when the directory cannot be asked. */
export async function checkDirectoryPassword(
  settings: DirectorySettings,
  name: string,
  password: string,
): Promise<Verdict> {
  // RFC 4513 5.1.2: a bind with a name and no password succeeds, as nobody. It would let everybody in.
  if (password === '' || password.includes('\0')) return refuse('no possible password');
  if (name === '' || name.includes('\0')) return refuse('no possible name');
  return gate.run(() =>
    withDirectory(settings, limits, (connection) =>
      settings.type === 'ad'
        ? bindAs(connection, settings, principal(settings, name), password)
        : searchAndBind(connection, settings, name, password),
    ),
  );
}

const refuse = (refusal: string): Verdict => ({ ok: false, refusal });
const ambiguous = ({ userAttr }: DirectorySettings): Verdict =>
  refuse(`several entries of the directory have this ${userAttr}`);

/** What an Active Directory takes in place of a DN: `ann@corp.example`. */
const principal = ({ domain = '' }: DirectorySettings, name: string): string =>
  name.includes('@') ? name : `${name}@${domain}`;

async function searchAndBind(
  connection: DirectoryConnection,
  settings: DirectorySettings,
  name: string,
  password: string,
): Promise<Verdict> {
  await bindService(connection, settings);
  const { client, url } = connection;
  // A filter as an object: whatever the name is, it stays a value.
  const filter = new EqualityFilter({ attribute: settings.userAttr, value: name });
  let dns: string[];
  try {
    const options = { scope: 'sub', filter, attributes: ['1.1'], sizeLimit: 2 } satisfies SearchOptions;
    const { searchEntries } = await client.search(await searchBase(connection, settings), options);
    dns = searchEntries.map((entry) => entry.dn);
  } catch (error) {
    if (error instanceof SizeLimitExceededError) return ambiguous(settings);
    throw directoryError(settings, url, error);
  }
  const [dn, second] = dns;
  if (!dn) return refuse('not in the directory, or not where base_dn points');
  if (second !== undefined) return ambiguous(settings);
  return bindAs(connection, settings, dn, password);
}

async function bindAs(
  { client, url }: DirectoryConnection,
  settings: DirectorySettings,
  dn: string,
  password: string,
): Promise<Verdict> {
  try {
    await client.bind(dn, password);
    return { ok: true };
  } catch (error) {
    if (error instanceof InvalidCredentialsError) return refuse(refusalReason(error));
    throw directoryError(settings, url, error);
  }
}
