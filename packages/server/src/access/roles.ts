/** Own roles: named sets of privileges beside the built-in ones. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { editAccess } from './access-documents.ts';
import { isBuiltinRole, type UserConfig } from './user-config.ts';

export async function createRole(
  store: ConfigStore,
  id: string,
  privs: readonly Privilege[],
  author: string,
): Promise<void> {
  // Built-in roles of later versions are named so; an own one of that name would change its meaning on an upgrade.
  if (/^PVE/i.test(id)) {
    throw new RyokanError('parameter', `role '${id}': names that start with PVE are kept for built-in roles`);
  }
  await editAccess(store, author, ({ config }) => {
    if (isBuiltinRole(id) || config.roles.has(id)) {
      throw new RyokanError('exists', `role '${id}' already exists`);
    }
    config.roles.set(id, new Set(privs));
  });
}

/** Replaces the privileges of a role, or adds to them with `append`. */
export async function changeRole(
  store: ConfigStore,
  id: string,
  privs: readonly Privilege[],
  append: boolean,
  author: string,
): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    const role = requireOwnRole(config, id);
    if (!append) role.clear();
    for (const priv of privs) role.add(priv);
  });
}

/** Removes a role and the access rules that give it. */
export async function removeRole(store: ConfigStore, id: string, author: string): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    requireOwnRole(config, id);
    for (const node of config.acl.values()) {
      for (const entries of [node.users, node.groups, node.tokens]) {
        for (const flags of entries.values()) flags.delete(id);
      }
    }
    config.roles.delete(id);
  });
}

function requireOwnRole(config: UserConfig, id: string): Set<Privilege> {
  if (isBuiltinRole(id)) {
    throw new RyokanError(
      'state',
      `role '${id}' is built in and cannot be changed or removed; make an own one`,
    );
  }
  const role = config.roles.get(id);
  if (!role) throw new RyokanError('not-found', `role '${id}' does not exist`);
  return role;
}
