/** Handlers below /access: logging in, roles, access rules. Beside: users and groups, realms, effective rights. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import {
  accessCheckConsoleTicket,
  accessIndex,
  accessLogin,
  accessPassword,
  accessTicketPage,
  aclList,
  aclUpdate,
  roleCreate,
  roleDelete,
  roleList,
  roleRead,
  roleUpdate,
} from '@ryokan/api/methods/access.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { builtinRoles } from '@ryokan/api/privileges.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { readUserConfig } from '../../access/access-documents.ts';
import { aclEntries, changeAcl } from '../../access/acl.ts';
import { splitUserId } from '../../access/realms/realm.ts';
import { changeRole, createRole, removeRole } from '../../access/roles.ts';
import { isPrivilege, rolePrivileges, rootUser } from '../../access/user-config.ts';
import { setPassword } from '../../access/users.ts';
import type { Services } from '../../services.ts';
import { canModifyPath } from '../authorize.ts';
import { confirmPassword } from '../confirm-password.ts';
import { childrenOf } from '../directory.ts';
import type { HandlerTable } from '../handler-table.ts';
import { loginReply } from '../session-cookie.ts';
import { accessRealmHandlers } from './access-realms.ts';
import { sessionHandlers } from './access-sessions.ts';
import { secondFactorHandlers } from './access-tfa.ts';
import { accessUserHandlers } from './access-users.ts';
import { accessWhyHandlers, requireAclPath } from './access-why.ts';

export function accessHandlers(table: HandlerTable, services: Services): void {
  loginHandlers(table, services);
  passwordHandler(table, services);
  accessRealmHandlers(table, services);
  roleHandlers(table, services);
  aclHandlers(table, services);
  accessUserHandlers(table, services);
  accessWhyHandlers(table, services);
  secondFactorHandlers(table, services);
  sessionHandlers(table, services);
}

function loginHandlers(table: HandlerTable, { access, clusterLog }: Services): void {
  table.on(accessIndex, () => childrenOf(accessIndex, 'subdir'));
  table.on(accessTicketPage, () => null);
  table.on(accessLogin, async (params, call) => {
    const { username, realm, password, otp, 'tfa-challenge': challenge } = params;
    const client = { remote: call.remote, agent: call.agent ?? '', host: call.host };
    const result = await access.login({ username, realm, password, otp, challenge }, client);
    if (!result.NeedTFA) clusterLog.add(result.username, `successful auth for user '${result.username}'`);
    if (params.path === undefined || params.privs === undefined || result.NeedTFA)
      return loginReply(result, call);
    demandPrivileges(
      access.privileges(result.username, requireAclPath(params.path)),
      params.privs,
      params.path,
    );
    return { username: result.username };
  });
  table.on(accessCheckConsoleTicket, (params) => {
    const { authid, path, port = 0 } = params;
    if (!access.checkConsoleTicket(params.vncticket, authid, path, port, true)) {
      throw new RyokanError('unauthenticated', 'invalid PVEVNC ticket');
    }
    demandPrivileges(access.privileges(authid, requireAclPath(path)), params.privs, path);
    return null;
  });
}

function demandPrivileges(held: ReadonlySet<Privilege>, wanted: string, path: string): void {
  const missing = readPrivileges(wanted).find((priv) => !held.has(priv));
  if (missing) throw new RyokanError('forbidden', `Permission check failed (${path}, ${missing})`);
}

/** Throws ParameterError for a privilege that does not exist. */
function readPrivileges(text: string | undefined): Privilege[] {
  return splitList(text ?? '').map((priv) => {
    if (isPrivilege(priv)) return priv;
    throw new ParameterError({ privs: `invalid format - invalid privilege '${priv}'\n` });
  });
}

function passwordHandler(table: HandlerTable, { access, store }: Services): void {
  table.on(accessPassword, async (params, call) => {
    const { userid, password } = params;
    if (!call.isRoot) {
      // The accounts of the host, root@pam above all, belong to the host's root.
      const other = call.user !== userid;
      if (other && (userid === rootUser || splitUserId(userid).realm === 'pam')) {
        throw new RyokanError('forbidden', 'Permission check failed (user != root@pam)');
      }
      await confirmPassword(access, call, 'confirmation-password', params['confirmation-password']);
    }
    if (!access.userExists(userid)) throw new RyokanError('not-found', `no such user ('${userid}')`);
    await setPassword(store, userid, password, call.user);
    return null;
  });
}

function roleHandlers(table: HandlerTable, { store }: Services): void {
  table.on(roleList, () => {
    const own = [...readUserConfig(store).roles].map(([id, privs]) => [id, [...privs], 0] as const);
    const builtin = Object.entries(builtinRoles).map(([id, privs]) => [id, [...privs], 1] as const);
    const all = [...builtin, ...own].sort(([a], [b]) => (a < b ? -1 : 1));
    return all.map(([roleid, privs, special]) => ({ roleid, privs: [...privs].sort().join(','), special }));
  });
  table.on(roleRead, ({ roleid }) => {
    const privs = rolePrivileges(readUserConfig(store), roleid);
    if (!privs) throw new RyokanError('not-found', `role '${roleid}' does not exist`);
    return Object.fromEntries([...privs].map((priv) => [priv, 1 as const]));
  });
  table.on(roleCreate, async ({ roleid, privs }, call) => {
    await createRole(store, roleid, readPrivileges(privs), call.user);
    return null;
  });
  table.on(roleUpdate, async ({ roleid, privs, append = false }, call) => {
    await changeRole(store, roleid, readPrivileges(privs), append, call.user);
    return null;
  });
  table.on(roleDelete, async ({ roleid }, call) => {
    await removeRole(store, roleid, call.user);
    return null;
  });
}

function aclHandlers(table: HandlerTable, { store }: Services): void {
  table.on(aclList, (_params, call) => {
    const seesAll = call.can('/access', ['Sys.Audit', 'Permissions.Modify'], true);
    return aclEntries(readUserConfig(store))
      .filter(({ path }) => seesAll || canModifyPath(path, call))
      .map((entry) => ({ ...entry, propagate: entry.propagate ? (1 as const) : (0 as const) }));
  });
  table.on(aclUpdate, async (params, call) => {
    const change = {
      path: params.path,
      roles: splitList(params.roles),
      users: splitList(params.users ?? ''),
      groups: splitList(params.groups ?? ''),
      tokens: splitList(params.tokens ?? ''),
      propagate: params.propagate ?? true,
      remove: params.delete ?? false,
    };
    await changeAcl(store, change, call.user);
    return null;
  });
}
