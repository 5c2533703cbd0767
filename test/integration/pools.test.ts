/** Pools on a running node: members, rights by pool, the lists that show them, and what a guest's end leaves. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiSession, CallError, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let admin: ApiSession;
/** PVEVMAdmin and PVEPoolUser on /pool/team, PVEDatastoreUser on /storage/local; nothing else. */
let member: ApiSession;

interface Row {
  readonly id: string;
  readonly type: string;
  readonly pool?: string;
  readonly vmid?: number;
  readonly maxmem?: number;
}
interface Pool {
  readonly poolid: string;
  readonly comment?: string;
  readonly members?: readonly Row[];
}

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  await admin.run('POST', `${node.path}/qemu`, { vmid: 100, name: 'outside', memory: 32 });
  for (const poolid of ['team', 'team/blue', 'team/blue/lab', 'other']) {
    await admin.call('POST', '/pools', { poolid, comment: `the ${poolid} pool` });
  }
  await admin.call('POST', '/access/users', { userid: 'member@pve', password: 'a-long-password' });
  for (const [path, roles] of [
    ['/pool/team', 'PVEVMAdmin,PVEPoolUser'],
    ['/storage/local', 'PVEDatastoreUser'],
  ]) {
    await admin.call('PUT', '/access/acl', { path, roles, users: 'member@pve' });
  }
  member = await logIn(node.url, 'member@pve', 'a-long-password');
});
afterAll(async () => {
  member?.close();
  await node?.stop();
});

const pools = (session: ApiSession) => session.get<Pool[]>('/pools');
const pool = async (poolid: string, type?: string, session = admin) =>
  (await session.get<Pool[]>('/pools', { poolid, type }))[0];
const ids = async (poolid: string, type?: string) => (await pool(poolid, type))?.members?.map(({ id }) => id);
const resources = (session: ApiSession) => session.get<Row[]>('/cluster/resources');

async function refusal(call: Promise<unknown>): Promise<CallError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CallError) return error;
  throw new Error(`not refused: ${String(error)}`);
}

describe('pools', () => {
  test('are seen by those who may, in the list, by parameter and by path', async () => {
    expect((await pools(admin)).map(({ poolid }) => poolid)).toEqual([
      'other',
      'team',
      'team/blue',
      'team/blue/lab',
    ]);
    expect((await pools(member)).map(({ poolid }) => poolid)).toEqual(['team', 'team/blue', 'team/blue/lab']);
    expect(await pool('team/blue')).toEqual({
      poolid: 'team/blue',
      comment: 'the team/blue pool',
      members: [],
    });
    expect(await admin.get('/pools/other')).toEqual({ comment: 'the other pool', members: [] });
    expect((await refusal(member.get('/pools', { poolid: 'other' }))).status).toBe(403);
    expect((await refusal(admin.get('/pools/none'))).reason).toBe("pool 'none' does not exist");
  });

  test('take guests and storages in and let them go, by parameter and by path', async () => {
    await admin.call('PUT', '/pools', { poolid: 'team/blue', vms: '100', storage: 'local' });
    expect(await ids('team/blue')).toEqual(
      expect.arrayContaining(['qemu/100', `storage/${node.name}/local`]),
    );
    expect(await ids('team/blue', 'qemu')).toEqual(['qemu/100']);
    expect(await ids('team/blue', 'storage')).toEqual([`storage/${node.name}/local`]);
    const taken = await refusal(admin.call('PUT', '/pools/other', { vms: 100 }));
    expect(taken.status).toBe(400);
    expect(taken.errors.vms).toContain("belongs already to pool 'team/blue'");
    await admin.call('PUT', '/pools/other', { vms: 100, 'allow-move': 1, comment: 'now with a guest' });
    expect(await admin.get('/pools/other', { type: 'qemu' })).toMatchObject({
      comment: 'now with a guest',
      members: [{ id: 'qemu/100', node: node.name, type: 'qemu', vmid: 100, name: 'outside' }],
    });
    await admin.call('PUT', '/pools', { poolid: 'other', vms: 100, delete: 1 });
    await admin.call('PUT', '/pools', { poolid: 'team/blue', storage: 'local', delete: 1 });
    expect(await ids('team/blue')).toEqual([]);
    expect((await refusal(admin.call('PUT', '/pools/other', { vms: 999 }))).reason).toContain('no guest 999');
  });

  test('cannot be filled with guests that are not the own ones to give away', async () => {
    await admin.call('PUT', '/access/acl', {
      path: '/pool/other',
      roles: 'PVEPoolAdmin',
      users: 'member@pve',
    });
    const call = member.call('PUT', '/pools/other', { vms: 100 });
    expect((await refusal(call)).reason).toBe(
      'Permission check failed (/vms/100, Permissions.Modify|VM.Allocate)',
    );
    await admin.call('PUT', '/access/acl', {
      path: '/pool/other',
      roles: 'PVEPoolAdmin',
      users: 'member@pve',
      delete: 1,
    });
  });

  test('let their people make guests in them, see and remove these, and nothing outside', async () => {
    expect((await refusal(member.call('POST', `${node.path}/qemu`, { vmid: 200, memory: 32 }))).status).toBe(
      403,
    );
    await member.run('POST', `${node.path}/qemu`, {
      vmid: 200,
      memory: 32,
      cores: 1,
      scsi0: 'local:1',
      pool: 'team/blue/lab',
    });
    expect(await ids('team/blue/lab')).toEqual(['qemu/200']);
    const seen = await resources(member);
    expect(seen.filter(({ vmid }) => vmid !== undefined)).toMatchObject([
      { vmid: 200, pool: 'team/blue/lab' },
    ]);
    expect(seen.filter(({ type }) => type === 'pool').map(({ id }) => id)).toEqual([
      '/pool/team',
      '/pool/team/blue',
      '/pool/team/blue/lab',
    ]);
    const all = await resources(admin);
    expect(all.find(({ id }) => id === '/pool/other')).toEqual({
      id: '/pool/other',
      type: 'pool',
      pool: 'other',
    });
    expect(all.find(({ vmid }) => vmid === 100)).not.toHaveProperty('pool');

    await member.run('POST', `${node.path}/qemu/200/clone`, { newid: 201, pool: 'team', full: 1 });
    expect(await ids('team')).toEqual(['qemu/201']);
    expect((await refusal(member.call('DELETE', `${node.path}/qemu/100`))).status).toBe(403);
    for (const vmid of [200, 201]) await member.run('DELETE', `${node.path}/qemu/${vmid}`);
    expect(await ids('team/blue/lab')).toEqual([]);
    expect((await resources(admin)).filter((row) => row.type === 'qemu' && row.pool !== undefined)).toEqual(
      [],
    );
  });

  test('show members to those who may see the pool, and how these are to those who may see them', async () => {
    await admin.call('PUT', '/pools/other', { vms: 100 });
    await admin.call('PUT', '/access/acl', {
      path: '/pool/other',
      roles: 'PVEAuditor',
      users: 'member@pve',
      propagate: 0,
    });
    const [whole] = (await pool('other', 'qemu'))?.members ?? [];
    expect(whole?.maxmem).toBeTypeOf('number');
    await admin.call('POST', '/access/roles', { roleid: 'PoolLooker', privs: 'Pool.Audit' });
    await admin.call('PUT', '/access/acl', {
      path: '/pool/other',
      roles: 'PVEAuditor',
      users: 'member@pve',
      delete: 1,
    });
    await admin.call('PUT', '/access/acl', { path: '/pool/other', roles: 'PoolLooker', users: 'member@pve' });
    const [bare] = (await pool('other', 'qemu', member))?.members ?? [];
    expect(bare).toEqual({ id: 'qemu/100', node: node.name, type: 'qemu', vmid: 100, name: 'outside' });
    await admin.call('PUT', '/pools/other', { vms: 100, delete: 1 });
  });

  test('go when empty', async () => {
    const call = admin.call('DELETE', '/pools', { poolid: 'team/blue' });
    expect((await refusal(call)).reason).toBe(
      "pool 'team/blue' is not empty (contains pool 'team/blue/lab')",
    );
    await admin.call('DELETE', '/pools', { poolid: 'team/blue/lab' });
    await admin.call('DELETE', '/pools/other');
    expect((await pools(admin)).map(({ poolid }) => poolid)).toEqual(['team', 'team/blue']);
    expect((await resources(admin)).filter(({ type }) => type === 'pool').length).toBe(2);
  });
});

describe('the cluster', () => {
  test('keeps a log of logins and tasks; everybody sees the own lines', async () => {
    interface Line {
      readonly id: string;
      readonly uid: number;
      readonly time: number;
      readonly node: string;
      readonly user: string;
      readonly msg: string;
    }
    const { upid } = await admin.run('POST', `${node.path}/qemu/100/config`, { name: 'renamed' });
    const all = await admin.get<Line[]>('/cluster/log', { max: 500 });
    expect(all.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([
        "successful auth for user 'member@pve'",
        `starting task ${upid}`,
        `end task ${upid} OK`,
      ]),
    );
    expect(all.map(({ uid }) => uid)).toEqual(all.map(({ uid }) => uid).sort((a, b) => b - a));
    expect(all[0]).toMatchObject({
      id: `${all[0]?.uid}:${node.name}`,
      node: node.name,
      tag: 'pvedaemon',
      pri: 6,
    });
    expect((await admin.get<Line[]>('/cluster/log', { max: 2 })).length).toBe(2);
    const own = await member.get<Line[]>('/cluster/log');
    expect(new Set(own.map(({ user }) => user))).toEqual(new Set(['member@pve']));
  });

  test('names the guests without a backup job, its address and its datacenter options', async () => {
    const guests = await admin.get<{ vmid: number; type: string; name: string }[]>(
      '/cluster/backup-info/not-backed-up',
    );
    expect(guests).toEqual([{ vmid: 100, type: 'qemu', name: 'renamed' }]);
    expect(await member.get('/cluster/backup-info')).toEqual([{ subdir: 'not-backed-up' }]);
    const [status] = await admin.get<{ ip: string; online: number }[]>('/cluster/status');
    expect(status).toMatchObject({ type: 'node', online: 1, local: 1, name: node.name });
    expect(status?.ip).toMatch(/^[\d.]+$/);
    const options = {
      migration: 'type=insecure,network=10.0.0.0/24',
      ha: 'shutdown_policy=migrate',
      'consent-text': 'Only for us.\nReally.',
      location: 'latitude=35.68,longitude=139.69,name=Tokyo',
      max_workers: 4,
    };
    await admin.call('PUT', '/cluster/options', options);
    expect(await admin.get('/cluster/options')).toMatchObject(options);
    const wrong = await refusal(admin.call('PUT', '/cluster/options', { migration: 'plain' }));
    expect(wrong.errors.migration).toContain('enumeration');
  });
});
