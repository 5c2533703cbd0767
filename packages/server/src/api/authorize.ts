/**
 * Evaluates the permission rule of a method. Runs before the parameters are checked, so nothing is taken for granted
 * about them: a rule whose parameter is missing or malformed refuses.
 */
import { forbidden, ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { Permission } from '@ryokan/api/method.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { checkFormat, splitList } from '@ryokan/api/schema/formats.ts';
import type { UserDirectory } from '../access/access-control.ts';
import { normalizeAclPath } from '../access/acl-path.ts';
import type { Call } from './handler-table.ts';

type Params = Readonly<Record<string, unknown>>;

/** The part of a call that rules look at. */
export type Caller = Pick<Call, 'user' | 'isRoot' | 'can' | 'demand'>;

/**
 * Returns when the caller may call. Throws RyokanError 'forbidden' with the text that clients know, ParameterError when
 * a parameter that the rule needs is missing or no part of a path, 'not-found' for a user that does not exist.
 */
export function authorize(
  permission: Permission,
  params: Params,
  caller: Caller,
  users: UserDirectory,
): void {
  if (caller.isRoot) return;
  if ('user' in permission) demandKind(permission.user);
  else if ('perm' in permission) demandPrivileges(permission, params, caller);
  else if ('modifyPath' in permission) demandModify(fillPath(permission.modifyPath, params), caller);
  else if ('self' in permission) demandSelf(userParam(permission.self, params), caller, users);
  else if ('realmOf' in permission) {
    const user = userParam(permission.realmOf, params);
    caller.demand(`/access/realm/${user.slice(user.lastIndexOf('@') + 1)}`, permission.privs);
  } else if ('userGroup' in permission) demandUserGroup(permission, params, caller, users);
  else if ('and' in permission) for (const part of permission.and) authorize(part, params, caller, users);
  else demandOne(permission.or, params, caller, users);
}

function demandKind(kind: 'world' | 'all' | 'root'): void {
  if (kind === 'root') throw new RyokanError('forbidden', 'Permission check failed (user != root@pam)');
}

type Perm = Extract<Permission, { readonly perm: string }>;

function demandPrivileges(rule: Perm, params: Params, caller: Caller): void {
  if (rule.ifParam !== undefined && isMissing(params[rule.ifParam])) throw refused();
  const path = fillPath(rule.perm, params);
  if (rule.any) {
    if (!caller.can(path, rule.privs, true)) throw forbidden(path, rule.privs);
    return;
  }
  // The text names the first privilege that is missing, not all that the method wants.
  for (const priv of rule.privs) if (!caller.can(path, [priv])) throw forbidden(path, [priv]);
}

/** Below these paths the right to make things is a right to hand them out. */
const allocating: readonly (readonly [start: string, priv: Privilege])[] = [
  ['/storage/', 'Datastore.Allocate'],
  ['/vms/', 'VM.Allocate'],
  ['/pool/', 'Pool.Allocate'],
];

/** May the caller give out rights on this path? */
export function canModifyPath(path: string, caller: Pick<Caller, 'can'>): boolean {
  return caller.can(path, modifyPrivileges(path), true);
}

function modifyPrivileges(path: string): Privilege[] {
  const own = allocating.filter(([start]) => path.startsWith(start)).map(([, priv]) => priv);
  return ['Permissions.Modify', ...own];
}

/** Throws unless the caller may give out rights on this path. */
export function demandModify(path: string, caller: Pick<Caller, 'can'>): void {
  if (!canModifyPath(path, caller)) throw forbidden(path, modifyPrivileges(path));
}

/** A token is not its user: it cannot act on the user's own account. */
function demandSelf(user: string, caller: Caller, users: UserDirectory): void {
  demandUser(user, users);
  if (caller.user !== user) throw refused();
}

type UserGroup = Extract<Permission, { readonly userGroup: string }>;

/**
 * Rights on all groups are rights on all users. Who has them on some groups may act on the members of these, and put
 * users into these only.
 */
function demandUserGroup(rule: UserGroup, params: Params, caller: Caller, users: UserDirectory): void {
  const user = userParam(rule.userGroup, params);
  const isNew = rule.groups === 'create';
  if (!isNew) demandUser(user, users);
  if (caller.can('/access/groups', rule.privs, true)) return;
  const manages = (group: string) => caller.can(`/access/groups/${group}`, rule.privs, true);
  if (rule.groups !== undefined) {
    const wanted = groupsParam(params);
    if (isNew && wanted.length === 0) throw forbidden('/access/groups', rule.privs);
    for (const group of wanted) {
      if (!manages(group)) throw forbidden(`/access/groups/${group}`, rule.privs);
    }
  }
  if (!isNew && !users.groupsOf(user).some(manages)) throw forbidden('/access/groups', rule.privs);
}

function groupsParam(params: Params): string[] {
  const value = params.groups;
  const groups = Array.isArray(value) ? value.map(String) : typeof value === 'string' ? splitList(value) : [];
  for (const group of groups) {
    if (checkFormat('pve-groupid', group) !== undefined)
      throw new ParameterError({ groups: `invalid group '${group}'` });
  }
  return groups;
}

/** Met when one part is. A part that cannot be judged (a parameter is missing) counts as not met. */
function demandOne(parts: readonly Permission[], params: Params, caller: Caller, users: UserDirectory): void {
  for (const part of parts) {
    try {
      return authorize(part, params, caller, users);
    } catch (error) {
      if (!(error instanceof RyokanError)) throw error;
      // Nobody gets past a user that does not exist, and the caller should know why.
      if (error.code === 'not-found') throw error;
    }
  }
  throw refused();
}

const refused = (): RyokanError => new RyokanError('forbidden', 'Permission check failed');

function demandUser(user: string, users: UserDirectory): void {
  if (!users.userExists(user)) throw new RyokanError('not-found', `no such user ('${user}')`);
}

function userParam(name: string, params: Params): string {
  const value = params[name];
  if (isMissing(value)) throw missing(name);
  if (typeof value === 'string' && checkFormat('pve-userid', value) === undefined) return value;
  throw new ParameterError({ [name]: 'invalid format - value does not look like a valid user name\n' });
}

/** Puts parameters into a path. The result is a path of the permission tree, whatever the values are. */
function fillPath(template: string, params: Params): string {
  const filled = template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = params[name];
    // An empty value would ask for the path above, where the caller may well have rights.
    if (isMissing(value)) throw missing(name);
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new ParameterError({ [name]: "type check ('string') failed" });
    }
    return String(value);
  });
  const path = normalizeAclPath(filled);
  if (path !== undefined) return path;
  const name = /\{([^}]+)\}/.exec(template)?.[1] ?? 'path';
  throw new ParameterError({ [name]: `'${filled}' is no path of the permission tree` });
}

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';

const missing = (name: string): ParameterError =>
  new ParameterError({ [name]: 'property is missing and it is not optional' });
