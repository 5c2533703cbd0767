/** Handlers for users, their API tokens, and groups. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import {
  groupCreate,
  groupDelete,
  groupList,
  groupRead,
  groupUpdate,
  tokenCreate,
  tokenDelete,
  tokenList,
  tokenRead,
  tokenUpdate,
  userCreate,
  userDelete,
  userList,
  userRead,
  userUpdate,
} from '@ryokan/api/methods/access.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { readUserConfig } from '../../access/access-documents.ts';
import { changeToken, createToken, removeToken, requireToken } from '../../access/api-token.ts';
import { groupsOf } from '../../access/permissions.ts';
import { splitUserId } from '../../access/realms/realm.ts';
import { findRealm } from '../../access/realms/realm-config.ts';
import type { Token, User, UserConfigView, View } from '../../access/user-config.ts';
import {
  changeGroup,
  changeUser,
  createGroup,
  createUser,
  removeGroup,
  removeUser,
} from '../../access/users.ts';
import type { Services } from '../../services.ts';
import type { HandlerTable } from '../handler-table.ts';
import { visibleUsers } from '../visible-users.ts';

export function accessUserHandlers(table: HandlerTable, services: Services): void {
  userHandlers(table, services);
  tokenHandlers(table, services);
  groupHandlers(table, services);
}

const bit = (value: boolean): 0 | 1 => (value ? 1 : 0);

function userHandlers(table: HandlerTable, { store }: Services): void {
  table.on(userList, ({ enabled, full = false }, call) => {
    const config = readUserConfig(store);
    const visible = visibleUsers(config, call, ['User.Modify', 'Sys.Audit']);
    const memberships = groupsByUser(config);
    return [...config.users]
      .filter(([id, user]) => visible(id) && (enabled === undefined || user.enable === enabled))
      .map(([userid, user]) => ({
        userid,
        ...userInfo(user),
        'realm-type': findRealm(store, splitUserId(userid).realm)?.type,
        ...(full ? { groups: (memberships.get(userid) ?? []).join(','), tokens: tokensOf(user) } : {}),
      }));
  });
  table.on(userRead, ({ userid }) => {
    const config = readUserConfig(store);
    const user = requireUserView(config, userid);
    const tokens = [...user.tokens].map(([id, token]) => [id, tokenInfo(token)] as const);
    return { ...userInfo(user), groups: groupsOf(config, userid), tokens: Object.fromEntries(tokens) };
  });
  table.on(userCreate, async (params, call) => {
    const { userid, password, groups, ...fields } = params;
    if (password !== undefined && splitUserId(userid).realm === 'pam' && !call.isRoot) {
      throw new RyokanError('forbidden', 'only root@pam can set passwords of host accounts (realm pam)');
    }
    const list = groups === undefined ? undefined : splitList(groups);
    await createUser(store, userid, { ...fields, password, groups: list }, call.user);
    return null;
  });
  table.on(userUpdate, async (params, call) => {
    const { userid, groups, ...fields } = params;
    const list = groups === undefined ? undefined : splitList(groups);
    await changeUser(store, userid, { ...fields, groups: list }, call.user);
    return null;
  });
  table.on(userDelete, async ({ userid }, call) => {
    await removeUser(store, userid, call.user);
    return null;
  });
}

/** One pass over all groups instead of one for every user. */
function groupsByUser(config: UserConfigView): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const [id, group] of config.groups) {
    for (const user of group.users) result.set(user, [...(result.get(user) ?? []), id]);
  }
  return result;
}

/** Empty texts are left out, as clients of the public API expect. */
function userInfo(user: View<User>) {
  const { firstname, lastname, email, comment, keys } = user;
  const texts = Object.entries({ firstname, lastname, email, comment, keys }).filter(
    ([, text]) => text !== '',
  );
  const given: Partial<Record<'firstname' | 'lastname' | 'email' | 'comment' | 'keys', string>> =
    Object.fromEntries(texts);
  return { ...given, enable: bit(user.enable), expire: user.expire };
}

function tokenInfo(token: View<Token>) {
  const { expire, privsep, comment } = token;
  return { expire, privsep: bit(privsep), ...(comment === '' ? {} : { comment }) };
}

const tokensOf = (user: View<User>) =>
  [...user.tokens].map(([tokenid, token]) => ({ tokenid, ...tokenInfo(token) }));

function requireUserView(config: UserConfigView, id: string): View<User> {
  const user = config.users.get(id);
  if (!user) throw new RyokanError('not-found', `no such user ('${id}')`);
  return user;
}

function tokenHandlers(table: HandlerTable, { store }: Services): void {
  table.on(tokenList, ({ userid }) => tokensOf(requireUserView(readUserConfig(store), userid)));
  table.on(tokenRead, ({ userid, tokenid }) =>
    tokenInfo(requireToken(readUserConfig(store), userid, tokenid)),
  );
  table.on(tokenCreate, async ({ userid, tokenid, ...fields }, call) => {
    const { secret, token } = await createToken(store, userid, tokenid, fields, call.user);
    return { 'full-tokenid': `${userid}!${tokenid}`, info: tokenInfo(token), value: secret };
  });
  table.on(tokenUpdate, async ({ userid, tokenid, delete: removed, ...fields }, call) => {
    const reset = resetFields(splitList(removed ?? ''));
    const { secret, token } = await changeToken(store, userid, tokenid, { ...fields, ...reset }, call.user);
    const shown = secret === undefined ? {} : { 'full-tokenid': `${userid}!${tokenid}`, value: secret };
    return { ...tokenInfo(token), ...shown };
  });
  table.on(tokenDelete, async ({ userid, tokenid }, call) => {
    await removeToken(store, userid, tokenid, call.user);
    return null;
  });
}

const tokenDefaults = { comment: '', expire: 0, privsep: true };

function resetFields(names: readonly string[]): Partial<typeof tokenDefaults> {
  const known = Object.entries(tokenDefaults);
  const unknown = names.find((name) => !known.some(([key]) => key === name));
  if (unknown)
    throw new ParameterError({ delete: `'${unknown}' cannot be reset, only comment, expire and privsep` });
  return Object.fromEntries(known.filter(([key]) => names.includes(key)));
}

function groupHandlers(table: HandlerTable, { store }: Services): void {
  table.on(groupList, (_params, call) => {
    const privs: Privilege[] = ['User.Modify', 'Sys.Audit', 'Group.Allocate'];
    return [...readUserConfig(store).groups]
      .filter(([id]) => call.can(`/access/groups/${id}`, privs, true))
      .map(([groupid, group]) => ({
        groupid,
        users: [...group.users].sort().join(','),
        ...(group.comment === '' ? {} : { comment: group.comment }),
      }));
  });
  table.on(groupRead, ({ groupid }) => {
    const group = readUserConfig(store).groups.get(groupid);
    if (!group) throw new RyokanError('not-found', `group '${groupid}' does not exist`);
    return { members: [...group.users].sort(), ...(group.comment === '' ? {} : { comment: group.comment }) };
  });
  table.on(groupCreate, async ({ groupid, comment = '' }, call) => {
    await createGroup(store, groupid, comment, call.user);
    return null;
  });
  table.on(groupUpdate, async ({ groupid, comment }, call) => {
    await changeGroup(store, groupid, comment, call.user);
    return null;
  });
  table.on(groupDelete, async ({ groupid }, call) => {
    await removeGroup(store, groupid, call.user);
    return null;
  });
}
