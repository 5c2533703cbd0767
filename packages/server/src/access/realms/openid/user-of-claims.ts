/** From the claims of a provider to a user here: name, first login, groups. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { checkFormat } from '@ryokan/api/schema/formats.ts';
import type { ConfigStore } from '../../../cluster/store.ts';
import { editAccess } from '../../access-documents.ts';
import { newUser, type UserConfig } from '../../user-config.ts';
import { groupIdOf, shownName, userIdOf } from '../../user-name.ts';
import type { Claims } from './provider.ts';
import type { OpenIdSettings } from './settings.ts';

export interface ClaimedUser {
  readonly user: string;
  /** What was left out and why, for the log. */
  readonly warnings: readonly string[];
}

/**
 * The user whom the claims name, made at the first login where the realm does so, and with its groups. Throws RyokanError
 * 'forbidden' for somebody who is no user and does not become one.
 */
export async function userOfClaims(
  store: ConfigStore,
  settings: OpenIdSettings,
  claims: Claims,
): Promise<ClaimedUser> {
  const user = claimedId(settings, claims);
  return editAccess(store, user, ({ config }) => {
    if (!config.users.has(user)) createUser(config, settings, user, claims);
    return { user, warnings: setGroups(config, settings, user, claims) };
  });
}

function claimedId({ realm, usernameClaim }: OpenIdSettings, claims: Claims): string {
  const name = claimAt(claims, usernameClaim);
  if (typeof name !== 'string') {
    throw refused(
      realm,
      `the provider does not give the claim '${usernameClaim}': check username-claim and scopes`,
    );
  }
  if (usernameClaim === 'email' && claims.email_verified === false) {
    throw refused(realm, 'the provider has not verified this email address, so it names nobody');
  }
  const named = userIdOf(name, realm);
  if ('id' in named) return named.id;
  throw refused(realm, `'${shownName(name)}' has ${named.problem}`);
}

function createUser(config: UserConfig, settings: OpenIdSettings, user: string, claims: Claims): void {
  const { realm, autocreate, autocreateLimit } = settings;
  if (!autocreate) throw refused(realm, `'${user}' is no user here: an administrator has to add it first`);
  const count = [...config.users.keys()].filter((id) => id.endsWith(`@${realm}`)).length;
  if (count >= autocreateLimit) {
    throw refused(realm, `it has ${count} users and makes no more: an administrator has to add '${user}'`);
  }
  const text = (claim: string) => (typeof claims[claim] === 'string' ? claims[claim].slice(0, 1024) : '');
  const email = text('email');
  const fields = { firstname: text('given_name'), lastname: text('family_name') };
  const isEmail = email.length <= 254 && checkFormat('email', email) === undefined;
  config.users.set(user, newUser({ ...fields, email: isEmail ? email : '' }));
}

/** Returns what was left out. */
function setGroups(config: UserConfig, settings: OpenIdSettings, user: string, claims: Claims): string[] {
  const { realm, groupsClaim, groupsAutocreate, groupsOverwrite } = settings;
  if (groupsClaim === undefined) return [];
  const names = claimAt(claims, groupsClaim);
  if (!Array.isArray(names))
    return [`the provider gives no list in the claim '${groupsClaim}': groups stay as they are`];
  const warnings: string[] = [];
  const wanted = new Set<string>();
  for (const name of names) {
    const id = typeof name === 'string' ? groupIdOf(name, realm) : undefined;
    if (id === undefined)
      warnings.push(`'${shownName(String(name))}' cannot be the name of a group: left out`);
    else if (config.groups.has(id) || groupsAutocreate) wanted.add(id);
    else warnings.push(`there is no group '${id}': left out`);
  }
  if (groupsOverwrite) for (const [id, group] of config.groups) if (!wanted.has(id)) group.users.delete(user);
  for (const id of wanted) {
    const group = config.groups.get(id);
    if (group) group.users.add(user);
    else config.groups.set(id, { users: new Set([user]), comment: '' });
  }
  return warnings;
}

/** A claim by name, or by path (`realm_access.roles`) where there is none of that name. */
function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name.split('.').reduce<unknown>((value, key) => {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    return isObject ? (value as Claims)[key] : undefined;
  }, claims);
}

const refused = (realm: string, reason: string): RyokanError =>
  new RyokanError('forbidden', `realm '${realm}': ${reason}`);
