import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Method } from '@ryokan/api/method.ts';
import * as methods from '@ryokan/api/methods/access.ts';
import { requireValid } from '@ryokan/api/validate.ts';
import { Ajv } from 'ajv';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { editAccess } from '../../access/access-documents.ts';
import { type AccessService, createAccessService } from '../../access/access-service.ts';
import { ensureTicketKeys } from '../../access/keys.ts';
import { MemoryStore } from '../../cluster/memory-store.ts';
import { createLogger } from '../../host/log.ts';
import { dataPaths } from '../../host/paths.ts';
import type { Services } from '../../services.ts';
import { ClusterLog } from '../../tasks/cluster-log.ts';
import { NodeDb } from '../../tasks/node-db.ts';
import { authorize } from '../authorize.ts';
import { createCall } from '../call.ts';
import { Dispatcher } from '../dispatcher.ts';
import { HandlerTable, Reply } from '../handler-table.ts';
import { accessHandlers } from './access.ts';

const password = 'a cheap password';
/** scrypt at its lowest cost for that password. */
const cheapHash = '$7$46..../....testsalt$b.9KAbruQKYGHWdBEgTB8pmDwURRsdmXwe8xhZwurdC';
const log = createLogger('test', 'silent');
const ajv = new Ajv({ strict: false });

let folder: string;
let databases = 0;
let store: MemoryStore;
let access: AccessService;
let services: Services;
let table: HandlerTable;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-access-api-'));
  await ensureTicketKeys(dataPaths(folder));
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  store = new MemoryStore();
  access = createAccessService({ store, paths: dataPaths(folder), log });
  // The handlers under test reach no more than this.
  const clusterLog = new ClusterLog(new NodeDb(join(folder, `${++databases}.db`)));
  services = { store, access, clusterLog } as unknown as Services;
  table = new HandlerTable();
  accessHandlers(table, services);
  await call('root@pam', methods.userCreate, { userid: 'ann@pve', comment: 'first', groups: '' });
  await editAccess(store, 'test', ({ shadow }) => shadow.set('ann', cheapHash));
});
afterEach(() => access.close());

/** One call as the dispatcher makes it; the result is checked against what the method declares. */
async function call(user: string, method: Method, raw: Record<string, unknown> = {}): Promise<unknown> {
  const context = createCall(services, { user, remote: '192.0.2.1', source: new AbortController() });
  authorize(method.permission, raw, context, access);
  const params = requireValid(method.params, raw) as Record<string, unknown>;
  const entry = table.get(method.id);
  if (entry?.kind !== 'call') throw new Error(`no handler for ${method.id}`);
  const answer = await entry.handle(params, context);
  const result: unknown = JSON.parse(JSON.stringify(answer instanceof Reply ? answer.data : answer));
  if (!ajv.validate(method.returns, result)) {
    throw new Error(`${method.id} answers ${JSON.stringify(result)}: ${ajv.errorsText()}`);
  }
  return result;
}

const root = (method: Method, raw: Record<string, unknown> = {}) => call('root@pam', method, raw);
const ann = (method: Method, raw: Record<string, unknown> = {}) => call('ann@pve', method, raw);
const grant = (path: string, roles: string, more: Record<string, unknown> = { users: 'ann@pve' }) =>
  root(methods.aclUpdate, { path, roles, ...more });

describe('calls without a login', () => {
  it('are limited by address; those with one are not', async () => {
    const dispatcher = new Dispatcher(table, {
      ...services,
      settings: { node: 'n1' },
    } as unknown as Services);
    const ask = (remote: string, path: string, cookie = '') => {
      const head = { method: 'GET', url: `/api2/json${path}`, remote, cookie };
      return dispatcher.dispatch(head, Buffer.alloc(0), { signal: new AbortController().signal });
    };
    const many = (path: string) => Promise.all(Array.from({ length: 200 }, () => ask('192.0.2.9', path)));
    const replies = [...(await many('/access/domains')), ...(await many('/access/users'))];
    const count = (status: number) => replies.filter((reply) => reply.status === status).length;
    expect([count(200), count(401) >= 100, count(429) > 50]).toEqual([200, true, true]);
    const refused = replies.find(({ status }) => status === 429);
    expect(refused).toMatchObject({ retryAfter: 1, delayed: false });
    expect(JSON.parse(String(refused?.body))).toMatchObject({ code: 'too-many' });
    const { ticket } = access.loginVouched('ann@pve');
    const cookie = `PVEAuthCookie=${encodeURIComponent(ticket)}`;
    expect((await ask('192.0.2.9', '/access/users', cookie)).status).toBe(200);
    expect((await ask('192.0.2.10', '/access/domains')).status).toBe(200);
  });
});

describe('what forms send', () => {
  it('empty texts take away what was there', async () => {
    const empty = { firstname: '', lastname: '', email: '', groups: '', comment: '' };
    await root(methods.userUpdate, { userid: 'ann@pve', ...empty, enable: true, expire: 0 });
    expect(await root(methods.userRead, { userid: 'ann@pve' })).toMatchObject({ enable: 1, groups: [] });
    expect(await root(methods.userRead, { userid: 'ann@pve' })).not.toHaveProperty('comment');
    await root(methods.roleCreate, { roleid: 'none', privs: '' });
    await root(methods.roleUpdate, { roleid: 'none', privs: 'VM.Audit' });
    await root(methods.roleUpdate, { roleid: 'none', privs: '' });
    expect(await root(methods.roleRead, { roleid: 'none' })).toEqual({});
  });
});

describe('/access', () => {
  it('has a handler for every method of the area', () => {
    const declared = Object.values(methods).map((method) => method.id);
    expect(declared.filter((id) => !table.get(id))).toEqual([]);
    expect(declared.length).toBeGreaterThan(30);
  });

  it('lists its folders', async () => {
    expect(await ann(methods.accessIndex)).toContainEqual({ subdir: 'users' });
  });
});

describe('/access/ticket', () => {
  const login = (raw: Record<string, unknown>) => call('', methods.accessLogin, { password, ...raw });

  it('logs in with the realm in the name or beside it', async () => {
    for (const raw of [{ username: 'ann@pve' }, { username: 'ann', realm: 'pve', 'new-format': 1 }]) {
      expect(await login(raw)).toMatchObject({
        username: 'ann@pve',
        ticket: expect.stringMatching(/^PVE:ann@pve:[0-9A-F]{8}::/),
        CSRFPreventionToken: expect.stringMatching(/^[0-9A-F]{8}:/),
        cap: { vms: {}, dc: {} },
      });
    }
    expect(await call('', methods.accessTicketPage)).toBeNull();
  });

  it('checks rights when asked to, and gives nothing out then', async () => {
    await grant('/vms', 'PVEVMUser');
    const username = 'ann@pve';
    expect(await login({ username, path: '/vms/100', privs: 'VM.Audit,VM.Console' })).toEqual({ username });
    await expect(login({ username, path: '/vms/100', privs: 'VM.Audit,VM.Clone' })).rejects.toThrow(
      'Permission check failed (/vms/100, VM.Clone)',
    );
    await expect(login({ username, path: '/vms/100' })).rejects.toMatchObject({
      errors: { privs: "missing property required by 'path'" },
    });
  });

  it('refuses with the words that clients know', async () => {
    await expect(login({ username: 'ann@pve', password: 'no' })).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'authentication failure',
    });
  });

  it('checks console tickets without using them up', async () => {
    await grant('/vms/100', 'PVEVMUser');
    const vncticket = access.consoleTicket('ann@pve', '/vms/100', 5900);
    const raw = { authid: 'ann@pve', path: '/vms/100', privs: 'VM.Console', port: 5900, vncticket };
    expect(await call('', methods.accessCheckConsoleTicket, raw)).toBeNull();
    expect(await call('', methods.accessCheckConsoleTicket, raw)).toBeNull();
    await expect(call('', methods.accessCheckConsoleTicket, { ...raw, port: 5901 })).rejects.toThrow(
      'invalid PVEVNC ticket',
    );
    await expect(call('', methods.accessCheckConsoleTicket, { ...raw, privs: 'VM.Clone' })).rejects.toThrow(
      'Permission check failed (/vms/100, VM.Clone)',
    );
    expect(access.checkConsoleTicket(vncticket, 'ann@pve', '/vms/100', 5900)).toBe(true);
  });
});

describe('/access/users', () => {
  it('lists in the shape that clients read', async () => {
    await root(methods.groupCreate, { groupid: 'ops', comment: 'operators' });
    await root(methods.groupCreate, { groupid: 'dev' });
    await root(methods.userUpdate, {
      userid: 'ann@pve',
      groups: 'ops,dev',
      email: 'ann@example.com',
      expire: 7,
    });
    await root(methods.tokenCreate, { userid: 'ann@pve', tokenid: 'ci', comment: 'builds' });
    const short = { userid: 'ann@pve', enable: 1, expire: 7, comment: 'first', email: 'ann@example.com' };
    expect(await root(methods.userList)).toContainEqual({ ...short, 'realm-type': 'pve' });
    expect(await root(methods.userList, { full: 1 })).toContainEqual({
      ...short,
      'realm-type': 'pve',
      groups: 'dev,ops',
      tokens: [{ tokenid: 'ci', comment: 'builds', expire: 7, privsep: 1 }],
    });
    const { userid: _, ...detail } = short;
    expect(await root(methods.userRead, { userid: 'ann@pve' })).toEqual({
      ...detail,
      groups: ['dev', 'ops'],
      tokens: { ci: { comment: 'builds', expire: 7, privsep: 1 } },
    });
    expect(await root(methods.groupList)).toContainEqual({
      groupid: 'ops',
      comment: 'operators',
      users: 'ann@pve',
    });
    expect(await root(methods.groupRead, { groupid: 'ops' })).toEqual({
      comment: 'operators',
      members: ['ann@pve'],
    });
  });

  it('shows to each caller what is theirs to see', async () => {
    const names = async (user: string) =>
      ((await call(user, methods.userList)) as { userid: string }[]).map(({ userid }) => userid);
    await root(methods.groupCreate, { groupid: 'dev' });
    await root(methods.userCreate, { userid: 'bob@pve', groups: 'dev' });
    expect(await names('ann@pve')).toEqual(['ann@pve']);
    await grant('/access/groups/dev', 'PVEUserAdmin');
    expect(await names('ann@pve')).toEqual(['ann@pve', 'bob@pve']);
    expect(await ann(methods.groupList)).toHaveLength(1);
    expect(await call('bob@pve', methods.groupList)).toEqual([]);
    await grant('/access', 'PVEAuditor');
    expect(await names('ann@pve')).toEqual(['root@pam', 'ann@pve', 'bob@pve']);
  });

  it('filters by state', async () => {
    await root(methods.userUpdate, { userid: 'ann@pve', enable: 0 });
    expect(await root(methods.userList, { enabled: 0 })).toHaveLength(1);
    expect(await root(methods.userList, { enabled: 1 })).toHaveLength(1);
  });

  it('adds groups or replaces them', async () => {
    for (const groupid of ['g1', 'g2', 'g3']) await root(methods.groupCreate, { groupid });
    const groups = async () =>
      ((await root(methods.userRead, { userid: 'ann@pve' })) as { groups: string[] }).groups;
    await root(methods.userUpdate, { userid: 'ann@pve', groups: 'g1,g2' });
    await root(methods.userUpdate, { userid: 'ann@pve', groups: 'g3', append: 1 });
    expect(await groups()).toEqual(['g1', 'g2', 'g3']);
    await root(methods.userUpdate, { userid: 'ann@pve', groups: 'g2' });
    expect(await groups()).toEqual(['g2']);
    await root(methods.userUpdate, { userid: 'ann@pve', comment: 'x' });
    expect(await groups()).toEqual(['g2']);
    await root(methods.userUpdate, { userid: 'ann@pve', groups: '' });
    expect(await groups()).toEqual([]);
  });

  it.each<[string, Method, Record<string, unknown>, string]>([
    ['a user twice', methods.userCreate, { userid: 'ann@pve' }, "user 'ann@pve' already exists"],
    ['an unknown realm', methods.userCreate, { userid: 'x@ldap' }, "domain 'ldap' does not exist"],
    ['an unknown group', methods.userCreate, { userid: 'x@pve', groups: 'g' }, "group 'g' does not exist"],
    ['changing nobody', methods.userUpdate, { userid: 'x@pve' }, "no such user ('x@pve')"],
    ['removing nobody', methods.userDelete, { userid: 'x@pve' }, "no such user ('x@pve')"],
    ['reading nobody', methods.userRead, { userid: 'x@pve' }, "no such user ('x@pve')"],
    ['removing root', methods.userDelete, { userid: 'root@pam' }, "user 'root@pam' cannot be removed"],
    ['disabling root', methods.userUpdate, { userid: 'root@pam', enable: 0 }, 'cannot be disabled'],
    ['a group twice', methods.groupCreate, { groupid: 'dup' }, "group 'dup' already exists"],
    ['reading no group', methods.groupRead, { groupid: 'g' }, "group 'g' does not exist"],
    ['changing no group', methods.groupUpdate, { groupid: 'g' }, "group 'g' does not exist"],
    ['removing no group', methods.groupDelete, { groupid: 'g' }, "group 'g' does not exist"],
    ['tokens of nobody', methods.tokenList, { userid: 'x@pve' }, "no such user ('x@pve')"],
    [
      'no token',
      methods.tokenRead,
      { userid: 'ann@pve', tokenid: 'ci' },
      "no such token 'ci' for user 'ann@pve'",
    ],
    ['removing no token', methods.tokenDelete, { userid: 'ann@pve', tokenid: 'ci' }, "no such token 'ci'"],
    ['changing no token', methods.tokenUpdate, { userid: 'ann@pve', tokenid: 'ci' }, "no such token 'ci'"],
    ['no role', methods.roleRead, { roleid: 'r' }, "role 'r' does not exist"],
    ['changing no role', methods.roleUpdate, { roleid: 'r' }, "role 'r' does not exist"],
    ['a built-in role again', methods.roleCreate, { roleid: 'NoAccess' }, "role 'NoAccess' already exists"],
    [
      'changing a built-in role',
      methods.roleUpdate,
      { roleid: 'PVEAdmin', privs: 'VM.Audit' },
      'is built in',
    ],
    ['removing a built-in role', methods.roleDelete, { roleid: 'PVEAdmin' }, 'is built in'],
    ['a role with a kept name', methods.roleCreate, { roleid: 'pveMine' }, 'start with PVE'],
    [
      'a rule for no role',
      methods.aclUpdate,
      { path: '/', roles: 'r', users: 'ann@pve' },
      "role 'r' does not exist",
    ],
    [
      'a rule for nobody',
      methods.aclUpdate,
      { path: '/', roles: 'PVEAdmin', users: 'x@pve' },
      "user 'x@pve' does not",
    ],
    [
      'a rule for no group',
      methods.aclUpdate,
      { path: '/', roles: 'PVEAdmin', groups: 'g' },
      "group 'g' does not",
    ],
    [
      'a rule for no token',
      methods.aclUpdate,
      { path: '/', roles: 'PVEAdmin', tokens: 'ann@pve!ci' },
      'no such token',
    ],
    ['no realm', methods.accessRealm, { realm: 'ldap' }, "domain 'ldap' does not exist"],
    ['changing no realm', methods.accessRealmUpdate, { realm: 'ldap' }, "domain 'ldap' does not exist"],
  ])('refuses %s', async (_, method, raw, text) => {
    await root(methods.groupCreate, { groupid: 'dup' });
    const before = store.list('').map((doc) => doc.text);
    await expect(root(method, raw)).rejects.toThrow(text);
    expect(store.list('').map((doc) => doc.text)).toEqual(before);
  });

  it.each<[string, Method, Record<string, unknown>, string, string]>([
    [
      'a path that is none',
      methods.aclUpdate,
      { path: '/etc', roles: 'PVEAdmin', users: 'ann@pve' },
      'path',
      '/etc',
    ],
    ['a rule for no one', methods.aclUpdate, { path: '/', roles: 'PVEAdmin' }, 'users', 'at least one'],
    [
      'an unknown privilege',
      methods.roleCreate,
      { roleid: 'r', privs: 'VM.Fly' },
      'privs',
      "invalid privilege 'VM.Fly'",
    ],
    [
      'a short password',
      methods.userCreate,
      { userid: 'x@pve', password: 'short' },
      'password',
      'at least 8',
    ],
    ['a user id without realm', methods.userCreate, { userid: 'x' }, 'userid', 'user name'],
    ['a token name', methods.tokenCreate, { userid: 'ann@pve', tokenid: '1 x' }, 'tokenid', 'regex'],
    [
      'a realm setting',
      methods.accessRealmUpdate,
      { realm: 'pve', delete: 'type' },
      'delete',
      'is no setting of a realm',
    ],
  ])('names the wrong parameter: %s', async (_, method, raw, name, text) => {
    await expect(root(method, raw)).rejects.toMatchObject({
      code: 'parameter',
      errors: { [name]: expect.stringContaining(text) },
    });
  });

  it('removes what hangs on a user', async () => {
    await root(methods.groupCreate, { groupid: 'ops' });
    await root(methods.userUpdate, { userid: 'ann@pve', groups: 'ops' });
    await root(methods.tokenCreate, { userid: 'ann@pve', tokenid: 'ci' });
    await grant('/', 'PVEAuditor', { users: 'ann@pve', tokens: 'ann@pve!ci', groups: 'ops' });
    await root(methods.userDelete, { userid: 'ann@pve' });
    // Only that the tickets of this name have ended is remembered.
    const left = store.list('').filter((doc) => doc.text.includes('ann'));
    expect(left.map((doc) => doc.path)).toEqual(['priv/sessions.cfg']);
    expect(await root(methods.aclList)).toHaveLength(1);
    await root(methods.groupDelete, { groupid: 'ops' });
    expect(await root(methods.aclList)).toEqual([]);
  });
});

describe('/access/users/{userid}/token', () => {
  const token = { userid: 'ann@pve', tokenid: 'ci' };
  const made = (raw: Record<string, unknown> = {}) =>
    ann(methods.tokenCreate, { ...token, ...raw }) as Promise<{
      value: string;
      info: Record<string, unknown>;
    }>;

  it('gives the secret once', async () => {
    const { value, ...answer } = await made({ comment: 'builds' });
    expect(answer).toEqual({
      'full-tokenid': 'ann@pve!ci',
      info: { expire: 0, privsep: 1, comment: 'builds' },
    });
    expect(access.authenticate({ apiToken: `ann@pve!ci=${value}` }, true).user).toBe('ann@pve!ci');
    expect(
      JSON.stringify([
        await ann(methods.tokenRead, token),
        await ann(methods.tokenList, { userid: 'ann@pve' }),
      ]),
    ).not.toContain(value);
    await expect(made()).rejects.toMatchObject({ errors: { tokenid: 'Token already exists.' } });
  });

  it('changes, resets and renews', async () => {
    const { value } = await made({ privsep: 0, expire: 4_000_000_000, comment: 'x' });
    expect(await ann(methods.tokenUpdate, { ...token, comment: 'y' })).toEqual({
      expire: 4_000_000_000,
      privsep: 0,
      comment: 'y',
    });
    expect(await ann(methods.tokenUpdate, { ...token, delete: 'comment,expire,privsep' })).toEqual({
      expire: 0,
      privsep: 1,
    });
    const renewed = (await ann(methods.tokenUpdate, { ...token, regenerate: 1 })) as { value: string };
    expect(renewed).toMatchObject({ 'full-tokenid': 'ann@pve!ci' });
    expect(() => access.authenticate({ apiToken: `ann@pve!ci=${value}` }, true)).toThrow(
      'invalid token value!',
    );
    access.authenticate({ apiToken: `ann@pve!ci=${renewed.value}` }, true);
    await ann(methods.tokenDelete, token);
    expect(() => access.authenticate({ apiToken: `ann@pve!ci=${renewed.value}` }, true)).toThrow();
  });

  it('is closed to other users, and to the token itself', async () => {
    await made({ privsep: 0 });
    await root(methods.userCreate, { userid: 'bob@pve' });
    for (const user of ['bob@pve', 'ann@pve!ci']) {
      for (const method of [
        methods.tokenCreate,
        methods.tokenRead,
        methods.tokenUpdate,
        methods.tokenDelete,
      ]) {
        await expect(call(user, method, token), `${user} ${method.id}`).rejects.toMatchObject({
          code: 'forbidden',
        });
      }
    }
  });
});

describe('/access/acl', () => {
  it('gives, lists and takes', async () => {
    await grant('vms/100/', 'PVEVMUser,PVEVMAdmin', { users: 'ann@pve', propagate: 0 });
    const entry = { path: '/vms/100', type: 'user', ugid: 'ann@pve', propagate: 0 };
    expect(await root(methods.aclList)).toEqual([
      { ...entry, roleid: 'PVEVMAdmin' },
      { ...entry, roleid: 'PVEVMUser' },
    ]);
    await grant('/vms/100', 'PVEVMUser', { users: 'ann@pve', delete: 1 });
    expect(await root(methods.aclList)).toEqual([{ ...entry, roleid: 'PVEVMAdmin' }]);
    await grant('/vms/100', 'PVEVMAdmin', { users: 'ann@pve', delete: 1 });
    expect(await root(methods.aclList)).toEqual([]);
    expect(store.get('user.cfg')?.text).not.toContain('acl:');
  });

  it('lets the owner of a guest hand on what he has, no more', async () => {
    await root(methods.userCreate, { userid: 'bob@pve' });
    await root(methods.roleCreate, { roleid: 'Owner', privs: 'VM.Allocate,VM.Audit,VM.PowerMgmt' });
    await root(methods.roleCreate, { roleid: 'Starter', privs: 'VM.PowerMgmt' });
    await grant('/vms/100', 'Owner', { users: 'ann@pve', propagate: 0 });
    const give = (path: string, roles: string, propagate = 0, remove = 0) =>
      ann(methods.aclUpdate, { path, roles, users: 'bob@pve', propagate, delete: remove });
    await give('/vms/100', 'Starter');
    const refusal = (text: string) => ({
      code: 'parameter',
      errors: { roles: expect.stringContaining(text) },
    });
    await expect(give('/vms/100', 'PVEVMUser')).rejects.toMatchObject(refusal("you lack 'VM."));
    await expect(give('/vms/100', 'NoAccess')).rejects.toMatchObject(
      refusal("you lack 'Permissions.Modify'"),
    );
    await expect(give('/vms/100', 'Starter', 1)).rejects.toMatchObject(refusal('does not propagate'));
    await expect(give('/vms/101', 'Starter')).rejects.toThrow(
      'Permission check failed (/vms/101, Permissions.Modify|VM.Allocate)',
    );
    await expect(give('/', 'Starter')).rejects.toThrow('Permission check failed (/, Permissions.Modify)');
    await grant('/vms/100', 'PVEVMUser', { users: 'bob@pve', propagate: 0 });
    await expect(give('/vms/100', 'PVEVMUser', 0, 1)).rejects.toMatchObject(refusal("you lack 'VM."));
    await give('/vms/100', 'Starter', 0, 1);
    const shown = (await ann(methods.aclList)) as { ugid: string; path: string }[];
    expect(new Set(shown.map(({ path }) => path))).toEqual(new Set(['/vms/100']));
    await grant('/storage', 'PVEAuditor');
    expect(await ann(methods.aclList)).toEqual(shown);
    expect(await call('bob@pve', methods.aclList)).toEqual([]);
  });
});

describe('/access/roles', () => {
  it('has the built-in ones and own ones', async () => {
    await root(methods.roleCreate, { roleid: 'Starter', privs: 'VM.PowerMgmt VM.Audit' });
    const roles = (await ann(methods.roleList)) as { roleid: string }[];
    expect(roles).toHaveLength(18);
    expect(roles).toContainEqual({ roleid: 'Starter', privs: 'VM.Audit,VM.PowerMgmt', special: 0 });
    expect(roles).toContainEqual({ roleid: 'NoAccess', privs: '', special: 1 });
    expect(await ann(methods.roleRead, { roleid: 'PVESysAdmin' })).toEqual({
      'Sys.Audit': 1,
      'Sys.Console': 1,
      'Sys.Syslog': 1,
    });
    await root(methods.roleUpdate, { roleid: 'Starter', privs: 'VM.Console', append: 1 });
    expect(await ann(methods.roleRead, { roleid: 'Starter' })).toEqual({
      'VM.Audit': 1,
      'VM.PowerMgmt': 1,
      'VM.Console': 1,
    });
    await grant('/vms', 'Starter');
    expect(access.privileges('ann@pve', '/vms/100').size).toBe(3);
    await root(methods.roleUpdate, { roleid: 'Starter', privs: 'VM.Audit' });
    expect(access.privileges('ann@pve', '/vms/100').size).toBe(1);
    await root(methods.roleDelete, { roleid: 'Starter' });
    expect(access.privileges('ann@pve', '/vms/100').size).toBe(0);
    expect(await root(methods.aclList)).toEqual([]);
  });
});

describe('/access/permissions', () => {
  it('shows what is in effect, with propagation', async () => {
    await grant('/vms', 'PVETemplateUser');
    await grant('/vms/100', 'PVETemplateUser', { users: 'ann@pve', propagate: 0 });
    expect(await ann(methods.accessPermissions)).toEqual({
      '/vms': { 'VM.Audit': 1, 'VM.Clone': 1 },
      '/vms/100': { 'VM.Audit': 0, 'VM.Clone': 0 },
    });
    expect(await ann(methods.accessPermissions, { path: '/vms/200' })).toEqual({
      '/vms/200': { 'VM.Audit': 1, 'VM.Clone': 1 },
    });
    expect(await ann(methods.accessPermissions, { path: '/' })).toEqual({ '/': {} });
  });

  it('of others needs Sys.Audit; own tokens do not', async () => {
    await ann(methods.tokenCreate, { userid: 'ann@pve', tokenid: 'ci', privsep: 0 });
    await grant('/vms', 'PVETemplateUser');
    const all = await ann(methods.accessPermissions);
    expect(await ann(methods.accessPermissions, { userid: 'ann@pve!ci' })).toEqual(all);
    expect(await call('ann@pve!ci', methods.accessPermissions)).toEqual(all);
    await expect(ann(methods.accessPermissions, { userid: 'root@pam' })).rejects.toThrow(
      'Permission check failed (/access, Sys.Audit)',
    );
    await expect(call('ann@pve!ci', methods.accessPermissions, { userid: 'ann@pve' })).rejects.toThrow(
      '/access',
    );
    await expect(root(methods.accessPermissions, { userid: 'gone@pve' })).rejects.toThrow(
      "no such user ('gone@pve')",
    );
    await expect(root(methods.accessPermissions, { userid: 'ann@pve!gone' })).rejects.toThrow(
      'no such token',
    );
  });
});

describe('/access/password', { timeout: 60_000 }, () => {
  const change = (user: string, userid: string, confirmation?: string) =>
    call(user, methods.accessPassword, {
      userid,
      password: 'a new password',
      ...(confirmation === undefined ? {} : { 'confirmation-password': confirmation }),
    });

  it('of one’s own needs the current one', async () => {
    await expect(change('ann@pve', 'ann@pve')).rejects.toMatchObject({ code: 'parameter' });
    await expect(change('ann@pve', 'ann@pve', 'wrong')).rejects.toMatchObject({
      code: 'parameter',
      errors: { 'confirmation-password': 'this is not your current password' },
    });
    await change('ann@pve', 'ann@pve', password);
    await access.login({ username: 'ann@pve', password: 'a new password' });
  });

  it('of others needs rights on realm and user, and never touches accounts of the host', async () => {
    await root(methods.userCreate, { userid: 'bob@pve' });
    await root(methods.userCreate, { userid: 'bob@pam' });
    await expect(change('ann@pve', 'bob@pve', password)).rejects.toThrow('Permission check failed');
    await grant('/access', 'PVEUserAdmin');
    await change('ann@pve', 'bob@pve', password);
    await access.login({ username: 'bob@pve', password: 'a new password' });
    for (const other of ['bob@pam', 'root@pam']) {
      await expect(change('ann@pve', other, password)).rejects.toThrow(
        'Permission check failed (user != root@pam)',
      );
    }
    await expect(
      call('ann@pve', methods.userCreate, { userid: 'eve@pam', password: 'a new password' }),
    ).rejects.toThrow('only root@pam');
    await expect(change('root@pam', 'gone@pve')).rejects.toThrow("no such user ('gone@pve')");
  });
});

describe('/access/domains', () => {
  it('has pam and pve, and keeps what others wrote', async () => {
    await store.commit(
      [],
      [
        {
          path: 'domains.cfg',
          text: 'ldap: corp\n\tcomment Company\n\tserver1 ldap.example\n\tbase_dn dc=a\n\tuser_attr uid\n\tnewer 1\n',
        },
      ],
    );
    const realms = () => call('', methods.accessRealms) as Promise<{ realm: string }[]>;
    expect((await realms()).map(({ realm }) => realm)).toEqual(['pam', 'pve', 'corp']);
    await root(methods.accessRealmUpdate, { realm: 'pve', default: 1, comment: 'Ours' });
    expect(await realms()).toContainEqual({ realm: 'pve', type: 'pve', comment: 'Ours', default: 1 });
    await root(methods.accessRealmUpdate, { realm: 'corp', default: 1 });
    expect((await realms()).filter((one) => 'default' in one)).toHaveLength(1);
    expect(await root(methods.accessRealm, { realm: 'corp' })).toMatchObject({
      type: 'ldap',
      comment: 'Company',
      server1: 'ldap.example',
      newer: '1',
      default: 1,
    });
    await root(methods.accessRealmUpdate, { realm: 'corp', delete: 'comment,default' });
    expect(await realms()).toContainEqual({ realm: 'corp', type: 'ldap' });
  });

  it('refuses a change on top of somebody else’s', async () => {
    const { digest } = (await root(methods.accessRealm, { realm: 'pve' })) as { digest: string };
    await root(methods.accessRealmUpdate, { realm: 'pve', comment: 'one', digest });
    await expect(root(methods.accessRealmUpdate, { realm: 'pve', comment: 'two', digest })).rejects.toThrow(
      'detected modified configuration',
    );
  });

  const add = (fields: object) => root(methods.accessRealmCreate, { realm: 'corp', type: 'ldap', ...fields });
  const complete = { server1: 'ldap.example', base_dn: 'dc=a', user_attr: 'uid' };

  it('adds, shows, changes and removes a realm, and never shows its secrets', async () => {
    await add({ ...complete, port: 1636, verify: 1, bind_dn: 'cn=a', password: 'hush', order: 1 });
    expect(store.get('domains.cfg')?.text).not.toContain('hush');
    expect(store.get('priv/realm/corp.pw')?.text).toBe('hush');
    const shown = await root(methods.accessRealm, { realm: 'corp' });
    expect(shown).toMatchObject({ type: 'ldap', port: 1636, verify: 1, order: 1 });
    expect(JSON.stringify(shown)).not.toContain('hush');
    // `order` puts it in front of pam and pve.
    const realms = (await call('', methods.accessRealms)) as { realm: string }[];
    expect(realms.map(({ realm }) => realm)).toEqual(['corp', 'pam', 'pve']);
    await root(methods.accessRealmUpdate, { realm: 'corp', delete: 'password,port', mode: 'ldaps' });
    expect(store.get('priv/realm/corp.pw')).toBeUndefined();
    expect(await root(methods.accessRealm, { realm: 'corp' })).not.toHaveProperty('port');
    await expect(add(complete)).rejects.toThrow("domain 'corp' already exists");
    await root(methods.accessRealmDelete, { realm: 'corp' });
    await expect(root(methods.accessRealm, { realm: 'corp' })).rejects.toThrow('does not exist');
    await expect(root(methods.accessRealmDelete, { realm: 'pam' })).rejects.toThrow('cannot be removed');
  });

  it.each<[string, object, string]>([
    ['a missing base', { server1: 'ldap.example', user_attr: 'uid' }, 'base_dn'],
    ['a setting of another type', { ...complete, 'issuer-url': 'https://id.example' }, 'issuer-url'],
    ['a hostile server', { ...complete, server1: 'a b' }, 'server1'],
    [
      'options of a sync that are none',
      { ...complete, 'sync-defaults-options': 'scope=all' },
      'sync-defaults-options',
    ],
  ])('refuses %s', async (_, fields, name) => {
    await expect(add(fields)).rejects.toMatchObject({ errors: { [name]: expect.any(String) } });
    expect(store.get('domains.cfg')).toBeUndefined();
  });

  it('previews only for those who may', async () => {
    await add(complete);
    await grant('/access', 'PVEUserAdmin');
    const preview = (fields: object) => ann(methods.accessRealmPreview, { realm: 'corp', ...fields });
    await expect(preview({ type: 'ldap', ...complete })).rejects.toThrow('Realm.Allocate');
    await expect(preview({ server1: '127.0.0.1' })).rejects.toMatchObject({
      errors: { type: expect.any(String) },
    });
  });
});
