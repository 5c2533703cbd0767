/**
 * `user.cfg`: users, API tokens, groups, pools, own roles and the access control list, in the text format of
 * Proxmox VE: one record a line, fields separated by colons, lists by commas.
 *
 *     user:<user@realm>:<enable>:<expire>:<firstname>:<lastname>:<email>:<comment>:<keys>:
 *     token:<user@realm>!<id>:<expire>:<privsep>:<comment>:
 *     group:<id>:<users>:<comment>:
 *     pool:<id>:<comment>:<vmids>:<storages>:
 *     role:<id>:<privileges>:
 *     acl:<propagate>:<path>:<users, @groups, tokens>:<roles>:
 *
 * Times are seconds since the epoch, 0 = never. Lines that cannot be understood are kept and written back as they
 * were, so that a document of a newer version survives a change made here; they grant nothing.
 */
import { builtinRoles, type Privilege, privileges } from '@ryokan/api/privileges.ts';
import { checkFormat, splitList } from '@ryokan/api/schema/formats.ts';
import { normalizeAclPath } from './acl-path.ts';

export interface Token {
  expire: number;
  /** True: the token has rights of its own, never more than its user's. False: it has its user's. */
  privsep: boolean;
  comment: string;
}

export interface User {
  enable: boolean;
  expire: number;
  firstname: string;
  lastname: string;
  email: string;
  comment: string;
  /** Reference to second factors; `x` means that priv/tfa.cfg has them. */
  keys: string;
  /** By the part of the token id after `!`. */
  tokens: Map<string, Token>;
}

export interface Group {
  users: Set<string>;
  comment: string;
}

export interface Pool {
  comment: string;
  vms: Set<number>;
  storages: Set<string>;
}

/** Role to "holds below this path too". */
export type RoleFlags = Map<string, boolean>;

/** The entries on one path, by user id, group id and full token id. */
export interface AclNode {
  users: Map<string, RoleFlags>;
  groups: Map<string, RoleFlags>;
  tokens: Map<string, RoleFlags>;
}

export interface UserConfig {
  users: Map<string, User>;
  groups: Map<string, Group>;
  pools: Map<string, Pool>;
  /** Own roles; the built-in ones are not in here, see `rolePrivileges`. */
  roles: Map<string, Set<Privilege>>;
  acl: Map<string, AclNode>;
  /** Lines that were not understood, as they stand. */
  unknown: string[];
  /** What was wrong with them and with parts of other lines, for the log. */
  problems: string[];
}

/** A value that is only looked at: what the cache hands out. */
export type View<T> =
  T extends Map<infer K, infer V>
    ? ReadonlyMap<K, View<V>>
    : T extends Set<infer V>
      ? ReadonlySet<V>
      : T extends object
        ? { readonly [K in keyof T]: View<T[K]> }
        : T;

export type UserConfigView = View<UserConfig>;

export const rootUser = 'root@pam';

export function newUser(fields: Partial<User> = {}): User {
  const text = { firstname: '', lastname: '', email: '', comment: '', keys: '' };
  return { enable: true, expire: 0, ...text, tokens: new Map(), ...fields };
}

/** The privileges of a role, built-in or own; undefined when there is no such role. */
export function rolePrivileges(config: UserConfigView, role: string): ReadonlySet<Privilege> | undefined {
  return builtin.get(role) ?? config.roles.get(role);
}

const builtin = new Map(Object.entries(builtinRoles).map(([role, privs]) => [role, new Set(privs)]));

export const isBuiltinRole = (role: string): boolean => builtin.has(role);

const knownPrivileges: ReadonlySet<string> = new Set(privileges);

export const isPrivilege = (text: string): text is Privilege => knownPrivileges.has(text);

/** The node of `path`, made when there is none. */
export function aclNode(config: UserConfig, path: string): AclNode {
  const found = config.acl.get(path);
  if (found) return found;
  const node: AclNode = { users: new Map(), groups: new Map(), tokens: new Map() };
  config.acl.set(path, node);
  return node;
}

/** `user@realm!id` in two parts; undefined for anything else. */
export function splitTokenId(text: string): { user: string; token: string } | undefined {
  const at = text.lastIndexOf('!');
  if (at < 0 || checkFormat('pve-tokenid', text) !== undefined) return undefined;
  return { user: text.slice(0, at), token: text.slice(at + 1) };
}

/** Never throws: what is not understood grants nothing and is told in `problems`. root@pam is always there, enabled. */
export function parseUserConfig(text: string): UserConfig {
  const config: UserConfig = {
    users: new Map([[rootUser, newUser()]]),
    groups: new Map(),
    pools: new Map(),
    roles: new Map(),
    acl: new Map(),
    unknown: [],
    problems: [],
  };
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  // References point to records that may stand further down, so the kinds are read in order of dependence.
  for (const kind of ['user', 'token', 'role', 'group', 'pool', 'acl'] as const) {
    for (const line of lines) {
      const [key, ...fields] = line.split(':');
      if (key !== kind) continue;
      const problem = readers[kind](config, fields);
      if (problem === undefined) continue;
      config.unknown.push(line);
      config.problems.push(`user.cfg: ${problem}: '${line}'`);
    }
  }
  for (const line of lines) {
    if (/^(user|token|role|group|pool|acl):/.test(line)) continue;
    config.unknown.push(line);
    config.problems.push(`user.cfg: unknown kind of line: '${line}'`);
  }
  return config;
}

/** Reads the fields of one line into the configuration, or returns what is wrong with the line as a whole. */
type Reader = (config: UserConfig, fields: readonly string[]) => string | undefined;

const readers: Readonly<Record<'user' | 'token' | 'role' | 'group' | 'pool' | 'acl', Reader>> = {
  user(config, [id = '', enable, expire, firstname, lastname, email, comment, keys = '']) {
    if (checkFormat('pve-userid', id) !== undefined) return 'invalid user id';
    const time = readTime(expire);
    if (time === undefined) return 'invalid time of expiry';
    config.users.set(
      id,
      newUser({
        enable: enable === '1' || id === rootUser,
        expire: time,
        firstname: decode(firstname),
        lastname: decode(lastname),
        email: email ?? '',
        comment: decode(comment),
        keys,
      }),
    );
    return undefined;
  },

  token(config, [id = '', expire, privsep, comment]) {
    const parts = splitTokenId(id);
    const user = parts && config.users.get(parts.user);
    if (!parts || !user) return 'token of no known user';
    const time = readTime(expire);
    if (time === undefined) return 'invalid time of expiry';
    // Only a plain 0 gives all rights of the user: a damaged field must not widen them.
    user.tokens.set(parts.token, { expire: time, privsep: privsep !== '0', comment: decode(comment) });
    return undefined;
  },

  role(config, [id = '', privs = '']) {
    if (checkFormat('pve-roleid', id) !== undefined || id === '') return 'invalid role id';
    if (isBuiltinRole(id)) return 'a built-in role cannot be defined';
    const known = splitList(privs).filter(isPrivilege);
    const dropped = splitList(privs).filter((priv) => !isPrivilege(priv));
    if (dropped.length > 0)
      config.problems.push(`user.cfg: role '${id}': unknown privilege ${dropped.join(', ')}`);
    config.roles.set(id, new Set(known));
    return undefined;
  },

  group(config, [id = '', users = '', comment]) {
    if (checkFormat('pve-groupid', id) !== undefined || id === '') return 'invalid group id';
    const members = splitList(users).filter((user) => config.users.has(user));
    config.groups.set(id, { users: new Set(members), comment: decode(comment) });
    return undefined;
  },

  pool(config, [id = '', comment, vms = '', storages = '']) {
    if (checkFormat('pve-poolid', id) !== undefined || id === '') return 'invalid pool id';
    const vmids = splitList(vms)
      .filter((vmid) => /^[1-9]\d{2,8}$/.test(vmid))
      .map(Number);
    const others = [...config.pools.values()];
    const taken = new Set(vmids.filter((vmid) => others.some((pool) => pool.vms.has(vmid))));
    if (taken.size > 0)
      config.problems.push(`user.cfg: pool '${id}': guests of another pool: ${[...taken].join(', ')}`);
    config.pools.set(id, {
      comment: decode(comment),
      vms: new Set(vmids.filter((vmid) => !taken.has(vmid))),
      storages: new Set(splitList(storages)),
    });
    return undefined;
  },

  acl(config, [propagate, pathText = '', who = '', roles = '']) {
    const path = normalizeAclPath(pathText);
    if (path === undefined) return 'invalid path';
    if (propagate !== '0' && propagate !== '1') return 'invalid propagate flag';
    for (const role of splitList(roles)) {
      // The rule stays: without it, a wider one from further up the path would hold again.
      if (rolePrivileges(config, role) === undefined) {
        config.problems.push(`user.cfg: access rule on ${path}: there is no role '${role}'`);
      }
      for (const name of splitList(who)) {
        const entries = aclEntries(config, path, name);
        if (entries) entries.set(role, propagate === '1');
        else config.problems.push(`user.cfg: access rule on ${path}: there is no '${name}'`);
      }
    }
    return undefined;
  },
};

/** The roles of `name` (`@group`, `user@realm` or `user@realm!token`) on a path; undefined when nobody has that name. */
function aclEntries(config: UserConfig, path: string, name: string): RoleFlags | undefined {
  const node = aclNode(config, path);
  if (name.startsWith('@')) {
    return config.groups.has(name.slice(1)) ? entriesOf(node.groups, name.slice(1)) : undefined;
  }
  const token = splitTokenId(name);
  if (token) {
    return config.users.get(token.user)?.tokens.has(token.token) ? entriesOf(node.tokens, name) : undefined;
  }
  return config.users.has(name) ? entriesOf(node.users, name) : undefined;
}

/** The roles under `name`, an empty set of them when there are none yet. */
export function entriesOf(entries: Map<string, RoleFlags>, name: string): RoleFlags {
  const found = entries.get(name);
  if (found) return found;
  const flags: RoleFlags = new Map();
  entries.set(name, flags);
  return flags;
}

function readTime(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return 0;
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Free text is stored as UTF-8, percent-encoded where it is not plain ASCII or would break the line. */
function decode(text = ''): string {
  try {
    return decodeURIComponent(text.replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
  } catch {
    // Bytes that are no UTF-8: shown as they stand rather than lost.
    return text;
  }
}
