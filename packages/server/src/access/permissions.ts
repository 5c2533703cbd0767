/**
 * From roles on paths to privileges, by the rules of Proxmox VE:
 *
 * - Going down the path, the deepest level that says anything about the caller counts; what stood higher is forgotten.
 * - On one level an entry for the user hides the entries of the user's groups.
 * - An entry holds below its path only when it propagates.
 * - The role NoAccess takes away everything else.
 * - A guest or storage in a pool gets the roles on `/pool/<pool>` added, for itself only.
 * - A token with separated privileges has what both its own entries and its user have; another token what its user has.
 * - root@pam has everything; its tokens too when their privileges are not separated.
 */
import { type Privilege, privileges } from '@ryokan/api/privileges.ts';
import {
  type AclNode,
  type RoleFlags,
  rolePrivileges,
  rootUser,
  splitTokenId,
  type UserConfigView,
  type View,
} from './user-config.ts';

/** What somebody holds on a path. */
export interface Held {
  readonly set: ReadonlySet<Privilege>;
  /** Each privilege, and whether it holds below the path too. */
  readonly propagate: ReadonlyMap<Privilege, boolean>;
}

/** Most (user, path) pairs that are remembered for one state of user.cfg: some 20 MB at worst. */
const remembered = 100_000;

const all = held(new Map(privileges.map((priv) => [priv, true])));
const none = held(new Map());

const evaluators = new WeakMap<UserConfigView, Evaluator>();

/** What `user` (`user@realm` or `user@realm!token`) holds on a normalised ACL path. Cached for each state of user.cfg. */
export function heldOn(config: UserConfigView, user: string, path: string): Held {
  return evaluatorOf(config).held(user, path);
}

function evaluatorOf(config: UserConfigView): Evaluator {
  let evaluator = evaluators.get(config);
  if (!evaluator) {
    evaluator = new Evaluator(config);
    evaluators.set(config, evaluator);
  }
  return evaluator;
}

/**
 * What `user` holds on every path there is. Rules further down may take away, so a privilege is in it only when all of
 * them grant it; one that is in it need not be looked up path by path.
 */
export function heldEverywhere(config: UserConfigView, user: string): ReadonlySet<Privilege> {
  return evaluatorOf(config).everywhere(user);
}

/** The groups that a user is in; none for a token. */
export function groupsOf(config: UserConfigView, user: string): string[] {
  return [...config.groups].filter(([, group]) => group.users.has(user)).map(([id]) => id);
}

function held(propagate: ReadonlyMap<Privilege, boolean>): Held {
  return { set: new Set(propagate.keys()), propagate };
}

/** The roles of an entry on its own path, and those of them that hold below it. */
interface Entry {
  readonly here: View<RoleFlags>;
  readonly below: View<RoleFlags>;
}

/** The entries that concern one user or token, by path. */
interface Subject {
  readonly own: ReadonlyMap<string, Entry>;
  readonly byGroup: ReadonlyMap<string, Entry>;
  /** What these entries grant on every path. */
  readonly everywhere: ReadonlySet<Privilege>;
}

const noRoles: View<RoleFlags> = new Map();
const emptySubject: Subject = { own: new Map(), byGroup: new Map(), everywhere: none.set };

class Evaluator {
  private readonly config: UserConfigView;
  private readonly subjects = new Map<string, Subject>();
  private readonly poolsByPath: ReadonlyMap<string, readonly string[]>;
  /** Equal sets of roles share one result, so that 10,000 guests cost one set of privileges and not 10,000. */
  private readonly byRoles = new Map<string, Held>();
  /** The same by the very object, which saves comparing: most answers come from one entry as it stands. */
  private readonly byEntry = new WeakMap<View<RoleFlags>, Held>();
  private cache = new Map<string, Map<string, Held>>();
  private cached = 0;

  constructor(config: UserConfigView) {
    this.config = config;
    this.poolsByPath = poolsByPath(config);
  }

  held(user: string, path: string): Held {
    if (user === rootUser) return all;
    const known = this.cache.get(user)?.get(path);
    if (known) return known;
    const result = this.evaluate(user, path);
    if (this.cached >= remembered) {
      this.cache = new Map();
      this.cached = 0;
    }
    let paths = this.cache.get(user);
    if (!paths) {
      paths = new Map();
      this.cache.set(user, paths);
    }
    paths.set(path, result);
    this.cached++;
    return result;
  }

  everywhere(user: string): ReadonlySet<Privilege> {
    if (user === rootUser) return all.set;
    const token = splitTokenId(user);
    if (!token) return this.subject(user).everywhere;
    const info = this.config.users.get(token.user)?.tokens.get(token.token);
    if (!info) return none.set;
    const owner = this.everywhere(token.user);
    if (!info.privsep) return owner;
    const own = this.subject(user).everywhere;
    return token.user === rootUser ? own : new Set([...own].filter((priv) => owner.has(priv)));
  }

  private evaluate(user: string, path: string): Held {
    const token = splitTokenId(user);
    if (!token) return this.privilegesOf(this.roles(user, path));
    const info = this.config.users.get(token.user)?.tokens.get(token.token);
    if (!info) return none;
    const owner = this.held(token.user, path);
    if (!info.privsep) return owner;
    const own = this.privilegesOf(this.roles(user, path));
    return token.user === rootUser ? own : both(own, owner);
  }

  /** Roles on a path with those of its pools. */
  private roles(user: string, path: string): View<RoleFlags> {
    const roles = this.rolesOnPath(user, path);
    const pools = this.poolsByPath.get(path);
    if (!pools || roles.has('NoAccess')) return roles;
    const merged: RoleFlags = new Map(roles);
    for (const pool of pools) {
      const poolRoles = this.rolesOnPath(user, `/pool/${pool}`);
      if (poolRoles.has('NoAccess')) return poolRoles;
      for (const role of poolRoles.keys()) if (!merged.has(role)) merged.set(role, false);
    }
    return merged;
  }

  private rolesOnPath(user: string, path: string): View<RoleFlags> {
    const subject = this.subject(user);
    let roles = noRoles;
    for (const level of levels(path)) {
      const part = level === path ? 'here' : 'below';
      const own = subject.own.get(level)?.[part];
      const byGroup = own?.size ? undefined : subject.byGroup.get(level)?.[part];
      if (own?.size) roles = own;
      else if (byGroup?.size) roles = byGroup;
    }
    return roles;
  }

  private subject(user: string): Subject {
    // Names that do not exist are not remembered: a caller could ask for any number of them.
    if (!splitTokenId(user) && !this.config.users.has(user)) return emptySubject;
    let subject = this.subjects.get(user);
    if (!subject) {
      subject = this.collect(user);
      this.subjects.set(user, subject);
    }
    return subject;
  }

  private collect(user: string): Subject {
    const isToken = splitTokenId(user) !== undefined;
    const groups = new Set(groupsOf(this.config, user));
    const own = new Map<string, Entry>();
    const byGroup = new Map<string, Entry>();
    for (const [path, node] of this.config.acl) {
      const flags = (isToken ? node.tokens : node.users).get(user);
      if (flags) own.set(path, entryOf(flags));
      const groupFlags = mergeGroups(node, groups);
      if (groupFlags) byGroup.set(path, entryOf(groupFlags));
    }
    return { own, byGroup, everywhere: this.grantedEverywhere(own, byGroup) };
  }

  /** What the entries on `/` hand down and no other entry lacks. */
  private grantedEverywhere(own: Subject['own'], byGroup: Subject['byGroup']): ReadonlySet<Privilege> {
    const handedDown = [own.get('/')?.below, byGroup.get('/')?.below].find((roles) => roles?.size);
    if (!handedDown) return none.set;
    const entries = [...own.values(), ...byGroup.values()];
    const rules = entries.flatMap(({ here, below }) => (below.size > 0 ? [here, below] : [here]));
    const sets = rules.map((roles) => this.privilegesOf(roles).set);
    return new Set(
      [...this.privilegesOf(handedDown).set].filter((priv) => sets.every((set) => set.has(priv))),
    );
  }

  private privilegesOf(roles: View<RoleFlags>): Held {
    if (roles.size === 0 || roles.has('NoAccess')) return none;
    let result = this.byEntry.get(roles);
    if (result) return result;
    const key = [...roles]
      .map(([role, propagate]) => `${role}:${propagate}`)
      .sort()
      .join();
    result = this.byRoles.get(key) ?? held(this.union(roles));
    this.byRoles.set(key, result);
    this.byEntry.set(roles, result);
    return result;
  }

  /** A privilege propagates when one of the roles that grant it does. */
  private union(roles: View<RoleFlags>): ReadonlyMap<Privilege, boolean> {
    const result = new Map<Privilege, boolean>();
    for (const [role, propagate] of roles) {
      for (const priv of rolePrivileges(this.config, role) ?? []) {
        result.set(priv, propagate || result.get(priv) === true);
      }
    }
    return result;
  }
}

function entryOf(here: View<RoleFlags>): Entry {
  return { here, below: new Map([...here].filter(([, propagate]) => propagate)) };
}

function mergeGroups(node: View<AclNode>, groups: ReadonlySet<string>): RoleFlags | undefined {
  let merged: RoleFlags | undefined;
  for (const group of groups) {
    const flags = node.groups.get(group);
    if (!flags) continue;
    merged ??= new Map();
    for (const [role, propagate] of flags) merged.set(role, propagate || merged.get(role) === true);
  }
  return merged;
}

/** `/`, `/vms`, `/vms/100` for `/vms/100`. */
export function levels(path: string): string[] {
  const result = ['/'];
  if (path === '/') return result;
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) result.push(path.slice(0, at));
  result.push(path);
  return result;
}

function both(a: Held, b: Held): Held {
  const result = new Map<Privilege, boolean>();
  for (const [priv, propagate] of a.propagate) {
    const other = b.propagate.get(priv);
    if (other !== undefined) result.set(priv, propagate && other);
  }
  return held(result);
}

function poolsByPath(config: UserConfigView): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, string[]>();
  const add = (path: string, pool: string) => {
    const pools = result.get(path);
    if (pools) pools.push(pool);
    else result.set(path, [pool]);
  };
  for (const [id, pool] of config.pools) {
    for (const vmid of pool.vms) add(`/vms/${vmid}`, id);
    for (const storage of pool.storages) add(`/storage/${storage}`, id);
  }
  return result;
}
