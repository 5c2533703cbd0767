/** Users, groups, roles, tokens and access rules as clients and people meet them, and why somebody may or may not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiSession, logIn, tokenSession } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let admin: ApiSession;
/** Member of group ops; what ops may is all it may. */
let ann: ApiSession;
const sessions: ApiSession[] = [];
const password = 'a-long-password';

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  for (const vmid of [100, 101]) await admin.run('POST', `${node.path}/qemu`, { vmid, memory: 32 });
  await admin.call('POST', '/access/groups', { groupid: 'ops' });
  await admin.call('POST', '/access/users', { userid: 'ann@pve', password, groups: 'ops' });
  await acl('/vms', 'PVEAuditor', { groups: 'ops' });
  ann = await logIn(node.url, 'ann@pve', password);
  sessions.push(ann);
});
afterAll(async () => {
  for (const session of sessions) session.close();
  await node?.stop();
});

const acl = (path: string, roles: string, who: Record<string, string>) =>
  admin.call('PUT', '/access/acl', { path, roles, ...who });
const status = async (session: ApiSession, path: string) => (await session.answer('GET', path)).status;
const guest = (vmid: number) => `${node.path}/qemu/${vmid}/config`;

interface Why {
  readonly granted: 0 | 1;
  readonly reason: string;
  readonly obstacle?: string;
  readonly checks: readonly { readonly subject: string; readonly rules: readonly unknown[] }[];
  readonly needed: readonly { readonly roles: readonly string[]; readonly keep: readonly string[] }[];
}
const why = (userid: string, path: string, privilege: string, session = admin) =>
  session.get<Why>('/access/permissions/why', { userid, path, privilege });

describe('why', () => {
  test('tells what decides, and what is said is what holds', async () => {
    expect(await why('ann@pve', '/vms/100', 'VM.Audit')).toMatchObject({
      granted: 1,
      reason: "VM.Audit is granted by role PVEAuditor for group 'ops' on /vms",
      needed: [],
    });
    expect(await status(ann, guest(100))).toBe(200);
    const refused = await why('ann@pve', '/vms/100', 'VM.PowerMgmt');
    expect(refused).toMatchObject({ granted: 0, needed: [{ subject: 'ann@pve', keep: ['PVEAuditor'] }] });
    const start = () => ann.answer('POST', `${node.path}/qemu/100/status/stop`);
    expect((await start()).status).toBe(403);
    // What it says is needed is enough.
    const [need] = refused.needed;
    await acl('/vms/100', [need?.roles[0], ...(need?.keep ?? [])].join(','), { users: 'ann@pve' });
    expect((await start()).status).not.toBe(403);
    expect(await why('ann@pve', '/vms/100', 'VM.PowerMgmt')).toMatchObject({ granted: 1 });
    await acl('/vms/100', 'NoAccess', { users: 'ann@pve' });
    expect((await why('ann@pve', '/vms/100', 'VM.Audit')).reason).toContain('NoAccess');
    expect(await status(ann, guest(100))).toBe(403);
    for (const role of ['NoAccess', need?.roles[0] ?? '', 'PVEAuditor']) {
      await admin.call('PUT', '/access/acl', { path: '/vms/100', roles: role, users: 'ann@pve', delete: 1 });
    }
    expect(await status(ann, guest(100))).toBe(200);
  });

  test('is told about oneself; about others to auditors and to those who give out the rights', async () => {
    expect((await why('ann@pve', '/nodes', 'Sys.Audit', ann)).granted).toBe(0);
    const about = { userid: 'admin@pve', path: '/vms/100', privilege: 'VM.Audit' };
    expect((await ann.answer('GET', '/access/permissions/why', about)).status).toBe(403);
    expect((await ann.answer('GET', '/access/permissions/who', { path: '/vms/100' })).status).toBe(403);
    await acl('/vms/101', 'PVEVMAdmin', { users: 'ann@pve' });
    expect((await ann.answer('GET', '/access/permissions/who', { path: '/vms/101' })).status).toBe(200);
    expect((await ann.answer('GET', '/access/permissions/who', { path: '/vms/100' })).status).toBe(403);
    await admin.call('PUT', '/access/acl', {
      path: '/vms/101',
      roles: 'PVEVMAdmin',
      users: 'ann@pve',
      delete: 1,
    });
    const wrong = { userid: 'ann@pve', path: '/vms/100', privilege: 'VM.Nonsense' };
    expect((await admin.answer('GET', '/access/permissions/why', wrong)).status).toBe(400);
    expect((await admin.answer('GET', '/access/permissions/why', { ...wrong, path: '/no' })).status).toBe(
      400,
    );
  });

  test('who names everybody with rights on a path, and by which rule', async () => {
    interface Row {
      readonly userid: string;
      readonly type: string;
      readonly enabled: 0 | 1;
      readonly privs: string;
      readonly rules: readonly { readonly path: string; readonly ugid: string; readonly roleid: string }[];
    }
    await admin.call('POST', '/access/users', { userid: 'off@pve', enable: 0, groups: 'ops' });
    const rows = await admin.get<Row[]>('/access/permissions/who', { path: '/vms/100' });
    expect(rows.map(({ userid, enabled }) => [userid, enabled])).toEqual([
      ['admin@pve', 1],
      ['ann@pve', 1],
      ['off@pve', 0],
      ['root@pam', 1],
    ]);
    expect(rows[1]?.rules).toMatchObject([
      { path: '/vms', type: 'group', ugid: 'ops', roleid: 'PVEAuditor' },
    ]);
    expect((await why('off@pve', '/vms/100', 'VM.Audit')).obstacle).toBe('user is disabled');
  });

  test('is there on the command line, with a command that helps', async () => {
    const { stdout } = await node.cli('pveum', 'why', 'ann@pve', '/vms/100', 'VM.PowerMgmt');
    expect(stdout).toContain('ann@pve does not have VM.PowerMgmt on /vms/100');
    const command = /pveum acl modify .*/.exec(stdout)?.[0] ?? '';
    await node.cli(...command.trim().split(' '));
    expect((await why('ann@pve', '/vms/100', 'VM.PowerMgmt')).granted).toBe(1);
    const permissions = await node.cli('pveum', 'user', 'permissions', 'ann@pve', '--path', '/vms/100');
    expect(permissions.stdout).toMatch(/\/vms\/100 .*Datastore\.Audit \(\*\)/);
    expect(permissions.stdout).toContain('VM.PowerMgmt (*)');
    const roles = /--roles (\S+)/.exec(command)?.[1] ?? '';
    await node.cli('pveum', 'acl', 'delete', '/vms/100', '--roles', roles, '--users', 'ann@pve');
    expect((await why('ann@pve', '/vms/100', 'VM.PowerMgmt')).granted).toBe(0);
  });
});

describe('tokens', () => {
  test('get a new secret on request, and the old one ends at once', async () => {
    const path = '/access/users/ann@pve/token/deploy';
    const first = await ann.call<{ value: string }>('POST', path, { privsep: 0, comment: 'deploys' });
    const use = (secret: string) => {
      const session = tokenSession(node.url, `ann@pve!deploy=${secret}`);
      sessions.push(session);
      return status(session, guest(100));
    };
    expect(await use(first.value)).toBe(200);
    const second = await ann.call<{ value: string; comment: string; 'full-tokenid': string }>('PUT', path, {
      regenerate: 1,
    });
    expect(second).toMatchObject({ comment: 'deploys', 'full-tokenid': 'ann@pve!deploy' });
    expect(await use(first.value)).toBe(401);
    expect(await use(second.value)).toBe(200);
    await ann.call('PUT', path, { expire: Math.floor(Date.now() / 1000) - 1 });
    expect(await use(second.value)).toBe(401);
    await ann.call('PUT', path, { delete: 'expire' });
    expect(await use(second.value)).toBe(200);
    expect(await ann.get('/access/users/ann@pve/token')).toEqual([
      { tokenid: 'deploy', comment: 'deploys', expire: 0, privsep: 0 },
    ]);
  });

  test('may less than their user when told so, never more', async () => {
    const path = '/access/users/ann@pve/token/narrow';
    const { value } = await ann.call<{ value: string }>('POST', path, {});
    const token = tokenSession(node.url, `ann@pve!narrow=${value}`);
    sessions.push(token);
    expect(await status(token, guest(100))).toBe(403);
    await acl('/vms/100', 'Administrator', { tokens: 'ann@pve!narrow' });
    expect(await status(token, guest(100))).toBe(200);
    expect(await status(token, guest(101))).toBe(403);
    const answer = await why('ann@pve!narrow', '/vms/100', 'VM.PowerMgmt', ann);
    expect(answer.granted).toBe(0);
    expect(answer.checks.map(({ subject }) => subject)).toEqual(['ann@pve!narrow', 'ann@pve']);
    // A token is not its user: it cannot make or change tokens.
    expect((await token.answer('PUT', path, { privsep: 0 })).status).toBe(403);
  });

  test('end with their user', async () => {
    await admin.call('POST', '/access/users', { userid: 'cyd@pve', password, groups: 'ops' });
    const { value } = await admin.call<{ value: string }>('POST', '/access/users/cyd@pve/token/t1', {
      privsep: 0,
    });
    const token = tokenSession(node.url, `cyd@pve!t1=${value}`);
    sessions.push(token);
    expect(await status(token, guest(100))).toBe(200);
    await admin.call('PUT', '/access/users/cyd@pve', { enable: 0 });
    expect(await status(token, guest(100))).toBe(401);
    await admin.call('PUT', '/access/users/cyd@pve', { enable: 1 });
    expect(await status(token, guest(100))).toBe(200);
    await admin.call('DELETE', '/access/users/cyd@pve');
    expect(await status(token, guest(100))).toBe(401);
    const rules = await admin.get<{ ugid: string }[]>('/access/acl');
    expect(rules.some(({ ugid }) => ugid.startsWith('cyd@pve'))).toBe(false);
  });
});

describe('people who look after some', () => {
  test('make users in a realm and in their groups, and nothing beyond', async () => {
    await admin.call('POST', '/access/groups', { groupid: 'team' });
    await admin.call('POST', '/access/users', { userid: 'lead@pve', password });
    await acl('/access/realm/pve', 'PVEUserAdmin', { users: 'lead@pve' });
    await acl('/access/groups/team', 'PVEUserAdmin', { users: 'lead@pve' });
    const lead = await logIn(node.url, 'lead@pve', password);
    sessions.push(lead);
    const make = async (parameters: Record<string, string>) =>
      (await lead.answer('POST', '/access/users', parameters)).status;
    expect(await make({ userid: 'new@pve' })).toBe(403);
    expect(await make({ userid: 'new@pve', groups: 'ops' })).toBe(403);
    expect(await make({ userid: 'new@pam', groups: 'team' })).toBe(403);
    expect(await make({ userid: 'new@pve', groups: 'team' })).toBe(200);
    const change = async (userid: string, parameters: Record<string, string | number>) =>
      (await lead.answer('PUT', `/access/users/${userid}`, parameters)).status;
    expect(await change('new@pve', { comment: 'ours' })).toBe(200);
    expect(await change('new@pve', { groups: 'ops', append: 1 })).toBe(403);
    expect(await change('ann@pve', { comment: 'not ours' })).toBe(403);
    const seen = await lead.get<{ userid: string }[]>('/access/users');
    expect(seen.map(({ userid }) => userid).sort()).toEqual(['lead@pve', 'new@pve']);
    expect((await lead.answer('DELETE', '/access/users/ann@pve')).status).toBe(403);
    expect((await lead.answer('DELETE', '/access/users/new@pve')).status).toBe(200);
  });

  test('hand on what they hold themselves, and no more', async () => {
    await admin.call('POST', '/access/users', { userid: 'owner@pve', password });
    await acl('/vms/101', 'PVEVMAdmin', { users: 'owner@pve' });
    const owner = await logIn(node.url, 'owner@pve', password);
    sessions.push(owner);
    const give = async (path: string, roles: string) =>
      (await owner.answer('PUT', '/access/acl', { path, roles, users: 'ann@pve' })).status;
    expect(await give('/vms/101', 'PVEVMUser')).toBe(200);
    expect(await give('/vms/101', 'Administrator')).toBe(400);
    expect(await give('/vms/101', 'NoAccess')).toBe(400);
    expect(await give('/vms/100', 'PVEVMUser')).toBe(403);
    expect(await give('/', 'PVEVMUser')).toBe(403);
  });
});
