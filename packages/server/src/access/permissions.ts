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
import { PairMemo } from './pair-memo.ts';
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

const all = held(new Map(privileges.map((priv) => [priv, true])));
const none = held(new Map());

const evaluators = new WeakMap<UserConfigView, Evaluator>();

/**
 * What `user` (`user@realm` or `user@realm!token`) holds on a normalised ACL path. A few look-ups: what is worth keeping
 * is kept for each state of user.cfg, and equal answers are one object.
 */
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

/** What some roles on a path come to. */
interface Grant {
  readonly roles: View<RoleFlags>;
  readonly held: Held;
  /** NoAccess is one of them. */
  readonly denies: boolean;
}

/** What the rules of one path say to one user or token: there, and below it. Undefined: nothing. */
interface Rules {
  readonly here: Grant | undefined;
  readonly below: Grant | undefined;
}

interface Subject {
  readonly rules: ReadonlyMap<string, Rules>;
  /** What these rules grant on every path. */
  readonly everywhere: ReadonlySet<Privilege>;
  /** What holds below the branches of the tree (`/vms`), as far as somebody has asked. */
  readonly belowBranch: Map<string, Grant>;
  /** What holds on pools, as far as somebody has asked. */
  readonly onPool: Map<string, Grant>;
}

const nothing: Grant = { roles: new Map(), held: none, denies: false };

const newSubject = (rules: Subject['rules'], everywhere: Subject['everywhere']): Subject => ({
  rules,
  everywhere,
  belowBranch: new Map(),
  onPool: new Map(),
});

class Evaluator {
  private readonly config: UserConfigView;
  private readonly subjects = new Map<string, Subject>();
  private readonly poolsByPath: ReadonlyMap<string, readonly string[]>;
  /** Equal sets of roles share one result. */
  private readonly byRoles = new Map<string, Held>();
  /** A pool of 1,000 guests costs one merger and not 1,000. */
  private readonly withPool = new PairMemo<Grant, Grant, Grant>((grant, pool) => this.mergePool(grant, pool));
  private readonly cut = new PairMemo(both);

  constructor(config: UserConfigView) {
    this.config = config;
    this.poolsByPath = poolsByPath(config);
  }

  held(user: string, path: string): Held {
    if (user === rootUser) return all;
    const token = splitTokenId(user);
    if (!token) return this.grant(user, path).held;
    const info = this.config.users.get(token.user)?.tokens.get(token.token);
    if (!info) return none;
    const owner = this.held(token.user, path);
    if (!info.privsep) return owner;
    const own = this.grant(user, path).held;
    return token.user === rootUser ? own : this.cut.of(own, owner);
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

  /** What the rules towards a path come to, with those of its pools. */
  private grant(user: string, path: string): Grant {
    const subject = this.subject(user);
    let grant = grantOnPath(subject, path);
    const pools = this.poolsByPath.get(path);
    if (!pools || grant.denies) return grant;
    for (const pool of pools) {
      const byPool = grantOnPool(subject, pool);
      if (byPool.denies) return byPool;
      grant = this.withPool.of(grant, byPool);
    }
    return grant;
  }

  /** Roles by a pool hold for its members themselves, not below them. */
  private mergePool(grant: Grant, byPool: Grant): Grant {
    if (byPool.roles.size === 0) return grant;
    const added = [...byPool.roles.keys()].map((role) => [role, false] as const);
    return this.grantOf(new Map([...added, ...grant.roles]));
  }

  private subject(user: string): Subject {
    // Names that do not exist are not remembered: a caller could ask for any number of them.
    if (!splitTokenId(user) && !this.config.users.has(user)) {
      return newSubject(new Map(), none.set);
    }
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
    const rules = new Map<string, Rules>();
    for (const [path, node] of this.config.acl) {
      const own = (isToken ? node.tokens : node.users).get(user) ?? noRoles;
      const byGroup = mergeGroups(node, groups);
      const here = this.ruleOf([own, byGroup]);
      const below = this.ruleOf([own, byGroup].map(propagating));
      if (here) rules.set(path, { here, below });
    }
    return newSubject(rules, grantedEverywhere(rules));
  }

  /** The first that says anything counts: on one path a user's own rules hide those of the groups. */
  private ruleOf(candidates: readonly View<RoleFlags>[]): Grant | undefined {
    const roles = candidates.find(({ size }) => size > 0);
    return roles && this.grantOf(roles);
  }

  private grantOf(roles: View<RoleFlags>): Grant {
    const denies = roles.has('NoAccess');
    return { roles, denies, held: denies ? none : this.heldBy(roles) };
  }

  private heldBy(roles: View<RoleFlags>): Held {
    const key = [...roles]
      .map(([role, propagate]) => `${role}:${propagate}`)
      .sort()
      .join();
    const result = this.byRoles.get(key) ?? held(this.union(roles));
    this.byRoles.set(key, result);
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

function grantOnPool(subject: Subject, pool: string): Grant {
  let grant = subject.onPool.get(pool);
  if (!grant) {
    grant = grantOnPath(subject, `/pool/${pool}`);
    subject.onPool.set(pool, grant);
  }
  return grant;
}

function grantOnPath(subject: Subject, path: string): Grant {
  return subject.rules.get(path)?.here ?? (path === '/' ? nothing : grantBelow(subject, parentOf(path)));
}

/** What holds below a path. Kept for branches only: there are seven of them, while names further down are any number. */
function grantBelow(subject: Subject, path: string): Grant {
  const isBranch = path.lastIndexOf('/') === 0;
  const known = isBranch ? subject.belowBranch.get(path) : undefined;
  if (known) return known;
  const inherited = () => (path === '/' ? nothing : grantBelow(subject, parentOf(path)));
  const grant = subject.rules.get(path)?.below ?? inherited();
  if (isBranch) subject.belowBranch.set(path, grant);
  return grant;
}

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

/** What the rules on `/` hand down and no other rule lacks. */
function grantedEverywhere(rules: Subject['rules']): ReadonlySet<Privilege> {
  const handedDown = rules.get('/')?.below;
  if (!handedDown) return none.set;
  const sets = [...rules.values()].flatMap(({ here, below }) =>
    [here, below].flatMap((grant) => (grant ? [grant.held.set] : [])),
  );
  return new Set([...handedDown.held.set].filter((priv) => sets.every((set) => set.has(priv))));
}

const noRoles: View<RoleFlags> = new Map();

const propagating = (roles: View<RoleFlags>): View<RoleFlags> =>
  new Map([...roles].filter(([, propagate]) => propagate));

function mergeGroups(node: View<AclNode>, groups: ReadonlySet<string>): View<RoleFlags> {
  const merged: RoleFlags = new Map();
  for (const group of groups) {
    for (const [role, propagate] of node.groups.get(group) ?? []) {
      merged.set(role, propagate || merged.get(role) === true);
    }
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
