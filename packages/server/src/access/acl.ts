/** The access control list: who has which role on which path. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { editAccess, readUserConfig } from './access-documents.ts';
import { normalizeAclPath } from './acl-path.ts';
import { type Held, heldOn } from './permissions.ts';
import {
  type AclNode,
  aclNode,
  entriesOf,
  type RoleFlags,
  rolePrivileges,
  splitTokenId,
  type UserConfig,
  type UserConfigView,
} from './user-config.ts';

/** One rule as clients see it. */
export interface AclEntry {
  readonly path: string;
  readonly type: 'user' | 'group' | 'token';
  readonly ugid: string;
  readonly roleid: string;
  readonly propagate: boolean;
}

export interface AclChange {
  readonly path: string;
  readonly roles: readonly string[];
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly tokens: readonly string[];
  readonly propagate: boolean;
  /** Takes the roles away instead of giving them. */
  readonly remove: boolean;
}

const kinds = [
  ['user', 'users'],
  ['group', 'groups'],
  ['token', 'tokens'],
] as const satisfies readonly (readonly [AclEntry['type'], keyof AclNode])[];

/** All rules, ordered by path, kind and name. */
export function aclEntries(config: UserConfigView): AclEntry[] {
  const entries: AclEntry[] = [];
  for (const [path, node] of [...config.acl].sort(byKey)) {
    for (const [type, key] of kinds) {
      for (const [ugid, flags] of [...node[key]].sort(byKey)) {
        for (const [roleid, propagate] of [...flags].sort(byKey)) {
          entries.push({ path, type, ugid, roleid, propagate });
        }
      }
    }
  }
  return entries;
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/**
 * Gives or takes roles. Somebody without Permissions.Modify (who came here by an allocating privilege such as
 * VM.Allocate on a guest) can hand out and take away only what he holds himself, and no further down than he holds it.
 */
export async function changeAcl(store: ConfigStore, change: AclChange, author: string): Promise<void> {
  const path = normalizeAclPath(change.path);
  if (path === undefined) throw new ParameterError({ path: `invalid ACL path '${change.path}'` });
  if (change.users.length + change.groups.length + change.tokens.length === 0) {
    throw new ParameterError({ users: 'give at least one of users, groups and tokens' });
  }
  await editAccess(store, author, ({ config }) => {
    const held = heldOn(config, author, path);
    for (const role of change.roles) demandRole(config, role, held, change);
    const targets = findTargets(config, path, change);
    for (const flags of targets) {
      for (const role of change.roles) {
        if (change.remove) flags.delete(role);
        else flags.set(role, change.propagate);
      }
    }
  });
}

/** Takes a removed guest out of rules and pools: the next one of its number is somebody else's. */
export async function forgetGuest(store: ConfigStore, vmid: number, author: string): Promise<void> {
  const path = `/vms/${vmid}`;
  const { acl, pools } = readUserConfig(store);
  if (!acl.has(path) && ![...pools.values()].some((pool) => pool.vms.has(vmid))) return;
  await editAccess(store, author, ({ config }) => {
    config.acl.delete(path);
    for (const pool of config.pools.values()) pool.vms.delete(vmid);
  });
}

function demandRole(config: UserConfig, role: string, held: Held, change: AclChange): void {
  const privs = rolePrivileges(config, role);
  // A rule that names a lost role can still be taken away.
  if (!privs && !(change.remove && held.set.has('Permissions.Modify'))) {
    throw new RyokanError('not-found', `role '${role}' does not exist`);
  }
  if (!privs || held.set.has('Permissions.Modify')) return;
  // NoAccess holds no privilege, yet takes away everybody's: handing it out is more than handing on what one has.
  const lacking = role === 'NoAccess' ? 'Permissions.Modify' : [...privs].find((priv) => !held.set.has(priv));
  const tooFar = change.propagate && [...privs].find((priv) => held.propagate.get(priv) === false);
  if (lacking === undefined && !tooFar) return;
  const reason = lacking === undefined ? `'${tooFar}' does not propagate to you` : `you lack '${lacking}'`;
  throw new ParameterError({
    roles: `role '${role}' needs 'Permissions.Modify' on ${change.path}, or all of its privileges: ${reason}`,
  });
}

/** The role sets to change. Throws RyokanError 'not-found' for a name that does not exist. */
function findTargets(config: UserConfig, path: string, change: AclChange): RoleFlags[] {
  for (const group of change.groups) {
    if (!config.groups.has(group)) throw new RyokanError('not-found', `group '${group}' does not exist`);
  }
  for (const user of change.users) {
    if (!config.users.has(user)) throw new RyokanError('not-found', `user '${user}' does not exist`);
  }
  for (const token of change.tokens) {
    const parts = splitTokenId(token);
    if (!parts || !config.users.get(parts.user)?.tokens.has(parts.token)) {
      throw new RyokanError('not-found', `no such token '${token}'`);
    }
  }
  const node = aclNode(config, path);
  return kinds.flatMap(([, key]) => change[key].map((name) => entriesOf(node[key], name)));
}
