/** Handlers that tell who has which rights, and why. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { accessPermissions, permissionWho, permissionWhy } from '@ryokan/api/methods/access.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { readUserConfig } from '../../access/access-documents.ts';
import { normalizeAclPath } from '../../access/acl-path.ts';
import { effectivePermissions } from '../../access/capabilities.ts';
import { type ConsideredRule, considerRules, explain, subjectsOf } from '../../access/explain.ts';
import { obstacleOf } from '../../access/obstacle.ts';
import { heldOn } from '../../access/permissions.ts';
import { isPrivilege, splitTokenId, type UserConfigView } from '../../access/user-config.ts';
import type { Services } from '../../services.ts';
import { canModifyPath } from '../authorize.ts';
import type { Call, HandlerTable } from '../handler-table.ts';

export function accessWhyHandlers(table: HandlerTable, { store }: Services): void {
  table.on(accessPermissions, (params, call) => {
    const user = params.userid ?? call.user;
    if (!isSelf(call, user)) call.demand('/access', ['Sys.Audit']);
    const config = readUserConfig(store);
    demandSubject(config, user);
    if (params.path === undefined) {
      const all = Object.entries(effectivePermissions(config, user));
      return Object.fromEntries(all.map(([path, held]) => [path, bits(held)]));
    }
    const path = requireAclPath(params.path);
    return { [path]: bits(heldOn(config, user, path).propagate) };
  });
  table.on(permissionWhy, (params, call) => {
    const user = params.userid ?? call.user;
    const path = requireAclPath(params.path);
    const { privilege } = params;
    if (!isPrivilege(privilege)) throw unknownPrivilege(privilege);
    if (!isSelf(call, user)) demandOverview(call, path);
    const config = readUserConfig(store);
    demandSubject(config, user);
    const { granted, propagate, checks, needed, reason } = explain(config, user, path, privilege);
    const obstacle = obstacleOf(config, user, Date.now());
    return {
      userid: user,
      path,
      privilege,
      granted: bit(granted),
      propagate: bit(propagate),
      reason,
      ...(obstacle === undefined ? {} : { obstacle }),
      checks: checks.map((check) => ({
        subject: check.subject,
        granted: bit(check.granted),
        rules: check.rules.map((rule) => ({
          ...ruleFields(rule),
          'has-privilege': bit(rule.hasPrivilege),
          effect: rule.effect,
        })),
      })),
      needed: needed.map((need) => ({ ...need, roles: [...need.roles], keep: [...need.keep] })),
    };
  });
  table.on(permissionWho, (params, call) => {
    const path = requireAclPath(params.path);
    demandOverview(call, path);
    const config = readUserConfig(store);
    return subjects(config).flatMap((userid) => {
      const privs = [...heldOn(config, userid, path).set].sort();
      if (privs.length === 0) return [];
      const [own] = subjectsOf(config, userid);
      const rules = own === userid ? considerRules(config, userid, path) : [];
      return [
        {
          userid,
          type: splitTokenId(userid) ? ('token' as const) : ('user' as const),
          enabled: bit(obstacleOf(config, userid, Date.now()) === undefined),
          privs: privs.join(','),
          rules: rules.filter(({ effect }) => effect === 'applies').map(ruleFields),
        },
      ];
    });
  });
}

const bit = (value: boolean): 0 | 1 => (value ? 1 : 0);

function ruleFields({ path, type, ugid, roleid, propagate, pool }: ConsideredRule) {
  return { path, type, ugid, roleid, propagate: bit(propagate), ...(pool === undefined ? {} : { pool }) };
}

/** All users, each with its tokens behind it. */
function subjects(config: UserConfigView): string[] {
  return [...config.users]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([user, { tokens }]) => [user, ...[...tokens.keys()].sort().map((token) => `${user}!${token}`)]);
}

/** The caller, or one of the caller's tokens. */
const isSelf = (call: Call, user: string): boolean =>
  user === call.user || splitTokenId(user)?.user === call.user;

/** Auditors see everybody's rights, others where they hand rights out themselves. */
function demandOverview(call: Call, path: string): void {
  if (!canModifyPath(path, call)) call.demand('/access', ['Sys.Audit']);
}

/** Throws 'not-found' for a user or token that does not exist. */
function demandSubject(config: UserConfigView, id: string): void {
  const token = splitTokenId(id);
  const user = config.users.get(token?.user ?? id);
  if (!user) throw new RyokanError('not-found', `no such user ('${id}')`);
  if (token && !user.tokens.has(token.token)) {
    throw new RyokanError('not-found', `no such token '${token.token}' for user '${token.user}'`);
  }
}

/** Throws ParameterError for a path that is none of the permission tree. */
export function requireAclPath(text: string): string {
  const path = normalizeAclPath(text);
  if (path === undefined) throw new ParameterError({ path: `invalid ACL path '${text}'` });
  return path;
}

const unknownPrivilege = (text: string) =>
  new ParameterError({ privilege: `invalid format - invalid privilege '${text}'\n` });

function bits(held: ReadonlyMap<Privilege, boolean>): Record<string, 0 | 1> {
  return Object.fromEntries([...held].sort().map(([priv, propagate]) => [priv, bit(propagate)]));
}
