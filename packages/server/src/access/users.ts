/** Users and groups: making, changing and removing them with everything that hangs on them. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { type AccessState, editAccess } from './access-documents.ts';
import { hashPassword } from './password.ts';
import { realmDriver, splitUserId } from './realms/realm.ts';
import { requireRealm } from './realms/realm-config.ts';
import { endAllOf } from './sessions/ended-sessions.ts';
import { type Group, newUser, rootUser, type User, type UserConfig } from './user-config.ts';

/** What can be set on a user; what is not given stays. */
export interface UserFields {
  readonly enable?: boolean | undefined;
  readonly expire?: number | undefined;
  readonly firstname?: string | undefined;
  readonly lastname?: string | undefined;
  readonly email?: string | undefined;
  readonly comment?: string | undefined;
  readonly keys?: string | undefined;
}

export interface NewUser extends UserFields {
  readonly groups?: readonly string[] | undefined;
  readonly password?: string | undefined;
}

/** Throws RyokanError 'exists', or 'not-found' for an unknown realm or group. */
export async function createUser(
  store: ConfigStore,
  id: string,
  user: NewUser,
  author: string,
): Promise<void> {
  const { name, realm } = splitUserId(id);
  const { type } = requireRealm(store, realm);
  // For realm pve, user and password become visible together; other realms keep passwords elsewhere.
  const hash = user.password !== undefined && type === 'pve' ? await hashPassword(user.password) : undefined;
  await editAccess(store, author, ({ config, shadow }) => {
    if (config.users.has(id)) throw new RyokanError('exists', `user '${id}' already exists`);
    config.users.set(id, newUser());
    setFields(requireUser(config, id), user);
    for (const group of user.groups ?? []) requireGroup(config, group).users.add(id);
    // A hash left behind by somebody of the same name would be a password nobody set.
    if (type === 'pve') shadow.delete(name);
    if (hash !== undefined) shadow.set(name, hash);
  });
  if (user.password !== undefined && hash === undefined) await setPassword(store, id, user.password, author);
}

/** `groups` replaces the user's groups, or adds to them with `append`. Throws RyokanError 'not-found'. */
export async function changeUser(
  store: ConfigStore,
  id: string,
  fields: UserFields & {
    readonly groups?: readonly string[] | undefined;
    readonly append?: boolean | undefined;
  },
  author: string,
): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    const user = requireUser(config, id);
    if (id === rootUser && (fields.enable === false || (fields.expire ?? 0) > 0)) {
      throw new RyokanError(
        'state',
        `user '${rootUser}' cannot be disabled or expire: it is the way back in`,
      );
    }
    setFields(user, fields);
    if (!fields.groups) return;
    if (!fields.append) for (const group of config.groups.values()) group.users.delete(id);
    for (const group of fields.groups) requireGroup(config, group).users.add(id);
  });
}

/** Removes a user with tokens, memberships, access rules and password. Throws RyokanError 'not-found'. */
export async function removeUser(store: ConfigStore, id: string, author: string): Promise<void> {
  await editAccess(store, author, (state) => {
    requireUser(state.config, id);
    if (id === rootUser) throw new RyokanError('state', `user '${rootUser}' cannot be removed`);
    removeUserFrom(state, id);
  });
}

/** Takes a user out of the documents with everything that hangs on it. */
export function removeUserFrom(state: AccessState, id: string): void {
  const { config, shadow, tfa } = state;
  const { name, realm } = splitUserId(id);
  for (const token of [...(config.users.get(id)?.tokens.keys() ?? [])]) forgetToken(state, id, token);
  for (const group of config.groups.values()) group.users.delete(id);
  for (const node of config.acl.values()) node.users.delete(id);
  if (realm === 'pve') shadow.delete(name);
  delete tfa.users[id];
  config.users.delete(id);
}

/** Takes a token out of its user, the access rules and the secrets. */
export function forgetToken({ config, secrets }: AccessState, user: string, token: string): void {
  const id = `${user}!${token}`;
  config.users.get(user)?.tokens.delete(token);
  for (const node of config.acl.values()) node.tokens.delete(id);
  secrets.delete(id);
}

/** Sets a password where the user's realm keeps it, and logs the user out everywhere. Throws RyokanError, 'unsupported' when the realm keeps none here. */
export async function setPassword(
  store: ConfigStore,
  id: string,
  password: string,
  author: string,
): Promise<void> {
  const { name, realm } = splitUserId(id);
  const { type } = requireRealm(store, realm);
  await realmDriver(type).setPassword(store, name, password, author);
  // For realm pve the change of the document has done so.
  if (type !== 'pve') await editAccess(store, author, ({ sessions }) => endAllOf(sessions, id));
}

function setFields(user: User, fields: UserFields): void {
  if (fields.enable !== undefined) user.enable = fields.enable;
  if (fields.expire !== undefined) user.expire = fields.expire;
  for (const key of ['firstname', 'lastname', 'email', 'comment', 'keys'] as const) {
    const value = fields[key];
    if (value !== undefined) user[key] = value;
  }
}

/** Throws RyokanError 'not-found'. */
export function requireUser(config: UserConfig, id: string): User {
  const user = config.users.get(id);
  if (!user) throw new RyokanError('not-found', `no such user ('${id}')`);
  return user;
}

export async function createGroup(
  store: ConfigStore,
  id: string,
  comment: string,
  author: string,
): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    if (config.groups.has(id)) throw new RyokanError('exists', `group '${id}' already exists`);
    config.groups.set(id, { users: new Set(), comment });
  });
}

export async function changeGroup(
  store: ConfigStore,
  id: string,
  comment: string | undefined,
  author: string,
): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    const group = requireGroup(config, id);
    if (comment !== undefined) group.comment = comment;
  });
}

/** Removes a group with its access rules; its members stay. */
export async function removeGroup(store: ConfigStore, id: string, author: string): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    requireGroup(config, id);
    for (const node of config.acl.values()) node.groups.delete(id);
    config.groups.delete(id);
  });
}

/** Throws RyokanError 'not-found'. */
export function requireGroup(config: UserConfig, id: string): Group {
  const group = config.groups.get(id);
  if (!group) throw new RyokanError('not-found', `group '${id}' does not exist`);
  return group;
}
