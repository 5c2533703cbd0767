/**
 * Says why somebody holds a privilege or not: permissions.ts decides, this goes the same way and keeps every rule that it
 * comes by. The tests hold both to the same answers.
 */
import type { Privilege } from '@ryokan/api/privileges.ts';
import { builtinRoles } from '@ryokan/api/privileges.ts';
import type { AclEntry } from './acl.ts';
import { groupsOf, heldOn, levels } from './permissions.ts';
import { poolsAround } from './pools.ts';
import { rolePrivileges, rootUser, splitTokenId, type UserConfigView } from './user-config.ts';

/**
 * - `applies`: it counts. `denies`: NoAccess, which takes everything away. `cancelled`: it would count but for NoAccess.
 * - `replaced`: a rule further down counts instead. `hidden`: on its path the user has a rule of the own.
 * - `not-propagated`: it holds on its own path only.
 */
export type RuleEffect = 'applies' | 'denies' | 'cancelled' | 'replaced' | 'hidden' | 'not-propagated';

export interface ConsideredRule extends AclEntry {
  readonly effect: RuleEffect;
  /** The pool by which the rule counts for a guest or storage. */
  readonly pool?: string;
}

export interface Check {
  /** Whose rules they are. */
  readonly subject: string;
  readonly granted: boolean;
  readonly rules: readonly (ConsideredRule & { readonly hasPrivilege: boolean })[];
}

/** What would have to change. */
export interface Need {
  /** Give one of the roles, or take the rules with them away. */
  readonly action: 'give' | 'remove';
  readonly subject: string;
  readonly path: string;
  /** One of these is enough, the first gives least beside. */
  readonly roles: readonly string[];
  /** Roles to give along, because a rule on this path replaces those that apply now. */
  readonly keep: readonly string[];
}

export interface Explanation {
  readonly granted: boolean;
  readonly propagate: boolean;
  readonly reason: string;
  readonly checks: readonly Check[];
  readonly needed: readonly Need[];
}

/** `user` is a user or a token that exists, `path` normalised. */
export function explain(
  config: UserConfigView,
  user: string,
  path: string,
  privilege: Privilege,
): Explanation {
  const flag = heldOn(config, user, path).propagate.get(privilege);
  const checks = subjectsOf(config, user).map((subject) => check(config, subject, path, privilege));
  const failed = checks.filter(({ granted }) => !granted);
  return {
    granted: flag !== undefined,
    propagate: flag === true,
    reason: failed[0] ? refusal(failed[0], path, privilege) : grant(user, checks, privilege),
    checks,
    needed: failed.map((one) => needOf(config, one, path, privilege)),
  };
}

/** Whose rules decide: none for root@pam, the token's and its user's for a token with privileges of its own. */
export function subjectsOf(config: UserConfigView, user: string): string[] {
  const token = splitTokenId(user);
  const owner = token?.user ?? user;
  const asked = owner === rootUser ? [] : [owner];
  const privsep = token && config.users.get(owner)?.tokens.get(token.token)?.privsep;
  return privsep ? [user, ...asked] : asked;
}

function check(config: UserConfigView, subject: string, path: string, privilege: Privilege): Check {
  const rules = considerRules(config, subject, path).map((rule) => ({
    ...rule,
    hasPrivilege: rolePrivileges(config, rule.roleid)?.has(privilege) ?? false,
  }));
  const granted = rules.some(({ effect, hasPrivilege }) => effect === 'applies' && hasPrivilege);
  return { subject, granted, rules };
}

/** Every rule on the way to a path and by its pools that concerns a user or token, from the top down. */
export function considerRules(config: UserConfigView, subject: string, path: string): ConsideredRule[] {
  const own = judge(rulesTowards(config, subject, path));
  const pools = poolsAround(config, path).flatMap((pool) =>
    judge(rulesTowards(config, subject, `/pool/${pool}`)).map((rule) => ({ ...rule, pool })),
  );
  const all = [...own, ...pools];
  if (!all.some(({ effect }) => effect === 'denies')) return all;
  return all.map((rule) => (rule.effect === 'applies' ? { ...rule, effect: 'cancelled' } : rule));
}

/** A rule with where it stands: how deep, and whether it holds on the path asked for. */
interface Met {
  readonly rule: AclEntry;
  readonly depth: number;
  readonly holds: boolean;
}

function rulesTowards(config: UserConfigView, subject: string, path: string): Met[] {
  const type = splitTokenId(subject) ? 'token' : 'user';
  const groups = groupsOf(config, subject);
  return levels(path).flatMap((level, depth) => {
    const node = config.acl.get(level);
    if (!node) return [];
    const met = (kind: AclEntry['type'], ugid: string): Met[] => {
      const flags = node[`${kind}s`].get(ugid) ?? new Map<string, boolean>();
      return [...flags].map(([roleid, propagate]) => ({
        rule: { path: level, type: kind, ugid, roleid, propagate },
        depth,
        holds: level === path || propagate,
      }));
    };
    return [...met(type, subject), ...groups.flatMap((group) => met('group', group))];
  });
}

function judge(all: readonly Met[]): ConsideredRule[] {
  const visible = all.filter((one) => one.holds && !isHidden(one, all));
  const deepest = Math.max(-1, ...visible.map(({ depth }) => depth));
  const winners = new Set(visible.filter(({ depth }) => depth === deepest));
  const denied = [...winners].some(({ rule }) => rule.roleid === 'NoAccess');
  const effectOf = (one: Met): RuleEffect => {
    if (!one.holds) return 'not-propagated';
    if (isHidden(one, all)) return 'hidden';
    if (!winners.has(one)) return 'replaced';
    if (one.rule.roleid === 'NoAccess') return 'denies';
    return denied ? 'cancelled' : 'applies';
  };
  return all.map((one) => ({ ...one.rule, effect: effectOf(one) }));
}

/** A rule for a group gives way to one for the member itself on the same path. */
const isHidden = ({ rule, depth }: Met, all: readonly Met[]): boolean =>
  rule.type === 'group' &&
  all.some((other) => other.depth === depth && other.holds && other.rule.type !== 'group');

const ruleText = ({ type, ugid, roleid, path }: ConsideredRule): string =>
  `role ${roleid} for ${type} '${ugid}' on ${path}`;

function grant(user: string, checks: readonly Check[], privilege: Privilege): string {
  if (checks.length === 0) return `'${user}' has every privilege everywhere: no rule is asked`;
  const by = checks.map(({ rules }) => {
    const rule = rules.find(({ effect, hasPrivilege }) => effect === 'applies' && hasPrivilege);
    return rule ? ruleText(rule) + (rule.pool === undefined ? '' : ` (by pool '${rule.pool}')`) : '';
  });
  return `${privilege} is granted by ${by.join(', and ')}`;
}

function refusal({ subject, rules }: Check, path: string, privilege: Privilege): string {
  const denied = rules.find(({ effect }) => effect === 'denies');
  if (denied) return `${ruleText(denied)} takes away all privileges of '${subject}' on ${path}`;
  const winners = rules.filter(({ effect }) => effect === 'applies');
  const lost = rules.find(({ hasPrivilege }) => hasPrivilege);
  if (winners.length > 0) {
    const text = `${winners.map(ruleText).join(', ')} decides on ${path} and does not have ${privilege}`;
    return lost?.effect === 'replaced' ? `${text}; it replaces ${ruleText(lost)}, which has it` : text;
  }
  if (lost?.effect === 'not-propagated') {
    return `${ruleText(lost)} has ${privilege}, but holds on its own path only: it does not propagate to ${path}`;
  }
  return `no rule gives '${subject}' anything on ${path}`;
}

function needOf(config: UserConfigView, { subject, rules }: Check, path: string, privilege: Privilege): Need {
  const denying = rules.find(({ effect }) => effect === 'denies');
  if (denying) {
    const { ugid, path: where } = denying;
    return { action: 'remove', subject: ugid, path: where, roles: ['NoAccess'], keep: [] };
  }
  const adds = (rule: ConsideredRule) => rule.path === path && rule.type !== 'group';
  const replaced = rules.filter((rule) => rule.effect === 'applies' && !rule.pool && !adds(rule));
  const keep = [...new Set(replaced.map(({ roleid }) => roleid))];
  return { action: 'give', subject, path, roles: rolesWith(config, privilege), keep };
}

/** Roles that have a privilege, those that give least beside it first. */
function rolesWith(config: UserConfigView, privilege: Privilege): string[] {
  const all = [...Object.keys(builtinRoles), ...config.roles.keys()];
  const sizeOf = (role: string) => rolePrivileges(config, role)?.size ?? 0;
  return all
    .filter((role) => rolePrivileges(config, role)?.has(privilege))
    .sort((a, b) => sizeOf(a) - sizeOf(b) || (a < b ? -1 : 1));
}
