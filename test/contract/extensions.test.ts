/** What the contract has beyond the public API, on a running node: dry runs, Idempotency-Key, VMIDs chosen by the server. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiSession, logIn, type Verb } from '../lib/api-session.ts';
import { jsonOf, type Parameters } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';

interface Report {
  readonly 'dry-run': 1;
  readonly accepted: 0 | 1;
  readonly complete: 0 | 1;
  readonly blocked: { code: string; message: string; errors?: Record<string, string> }[];
  readonly needs: { path: string; privileges: string[]; held: 0 | 1 }[];
  readonly changes: { document: string; change: string; diff?: string[] }[];
  readonly effects: string[];
}

let node: TestNode;
let admin: ApiSession;
let weak: ApiSession;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  await admin.call('POST', '/access/users', { userid: 'weak@pve', password: 'weak-1234' });
  weak = await logIn(node.url, 'weak@pve', 'weak-1234');
  await admin.run('POST', `${node.path}/qemu`, { vmid: 100, name: 'first', memory: 64, scsi0: 'local:1' });
});
afterAll(async () => {
  weak?.close();
  await node?.stop();
});

const dry = (verb: Verb, path: string, parameters: Parameters = {}, session = admin): Promise<Report> =>
  session.call<Report>(verb, path, { ...parameters, 'dry-run': 1 });

/** What a dry run must leave as it is: guests, tasks, files of the storage. */
async function state(): Promise<unknown> {
  const tasks = await admin.get<{ upid: string }[]>(`${node.path}/tasks`, { limit: 500 });
  return {
    config: await admin.get(`${node.path}/qemu/100/config`),
    guests: (await admin.get<{ vmid: number }[]>(`${node.path}/qemu`)).map((guest) => guest.vmid),
    tasks: tasks.map((task) => task.upid),
    files: (await readdir(join(node.dataDir, 'storage'), { recursive: true })).sort(),
    users: await admin.get('/access/users'),
    options: await admin.get('/cluster/options'),
  };
}

describe('dry-run', () => {
  let before: unknown;
  beforeAll(async () => {
    before = await state();
  });
  afterAll(async () => {
    expect(await state()).toEqual(before);
  });

  test('of a change of a configuration: the lines, the volumes, the privileges', async () => {
    const report = await dry('PUT', `${node.path}/qemu/100/config`, {
      name: 'second',
      scsi1: 'local:2',
      delete: 'scsi0',
      cipassword: 'hidden',
    });
    expect(report).toMatchObject({ 'dry-run': 1, accepted: 1, complete: 1, blocked: [] });
    expect(report.changes).toHaveLength(1);
    expect(report.changes[0]).toMatchObject({
      document: `nodes/${node.name}/qemu-server/100.conf`,
      change: 'modify',
    });
    expect(report.changes[0]?.diff).toEqual(
      expect.arrayContaining(['-name: first', '+name: second', '+scsi1: local:2', '+cipassword: **********']),
    );
    expect(report.effects).toContain("makes a volume of 2 GiB on storage 'local' (scsi1)");
    expect(report.needs).toContainEqual({
      path: '/storage/local',
      privileges: ['Datastore.AllocateSpace'],
      held: 1,
    });
  });

  test('of a creation and a removal', async () => {
    const created = await dry('POST', `${node.path}/qemu`, { vmid: 'auto', name: 'new', memory: 32 });
    expect(created).toMatchObject({
      accepted: 1,
      complete: 1,
      task: 'qmcreate',
      changes: [{ document: `nodes/${node.name}/qemu-server/101.conf`, change: 'create' }],
    });
    expect(created.changes[0]?.diff).toEqual(expect.arrayContaining(['+name: new', '+memory: 32']));
    const removed = await dry('DELETE', `${node.path}/qemu/100`);
    expect(removed).toMatchObject({ accepted: 1, complete: 1, changes: [{ change: 'delete' }] });
    expect(removed.effects).toEqual([expect.stringMatching(/^removes the volume 'local:100\/vm-100-disk-0/)]);
  });

  test('of power, which says that it cannot say all', async () => {
    expect(await dry('POST', `${node.path}/qemu/100/status/start`)).toMatchObject({
      accepted: 1,
      complete: 0,
      task: 'qmstart',
      effects: [`Starts the virtual machine (POST ${node.path}/qemu/100/status/start)`],
      needs: [{ path: '/vms/100', privileges: ['VM.PowerMgmt'], held: 1 }],
    });
    expect(await dry('POST', `${node.path}/qemu/100/status/reset`)).toMatchObject({
      accepted: 0,
      blocked: [{ message: 'VM 100 not running' }],
    });
  });

  test('of pools, realms, jobs, storages and sessions: the documents, and what is done beside', async () => {
    const changed = async (verb: Verb, path: string, parameters: Parameters = {}) => {
      const report = await dry(verb, path, parameters);
      expect(report).toMatchObject({ accepted: 1, complete: 1 });
      return report.changes.map(({ document, change }) => `${change} ${document}`);
    };
    expect(await changed('POST', '/pools', { poolid: 'p1' })).toEqual(['modify user.cfg']);
    const ldap = {
      type: 'ldap',
      server1: '127.0.0.1',
      base_dn: 'dc=x',
      user_attr: 'uid',
      password: 'pw-9876',
    };
    expect(await changed('POST', '/access/domains', { realm: 'corp', ...ldap })).toEqual(
      expect.arrayContaining(['modify domains.cfg', 'create priv/realm/corp.pw']),
    );
    const job = { realm: 'pve', schedule: 'daily' };
    expect(await changed('POST', '/cluster/jobs/realm-sync/j1', job)).toEqual(['create jobs.cfg']);
    const storage = await dry('POST', '/storage', {
      storage: 's1',
      type: 'dir',
      path: join(node.dataDir, 'storage/dry'),
    });
    expect(storage).toMatchObject({ accepted: 1, changes: [{ document: 'storage.cfg' }] });
    expect(storage.effects).toEqual([expect.stringContaining("'s1' works on this node")]);
    expect(existsSync(join(node.dataDir, 'storage/dry'))).toBe(false);
    const ended = await dry('DELETE', '/access/sessions/current');
    expect(ended.changes).toMatchObject([{ document: 'priv/sessions.cfg' }]);
    expect(await admin.get('/access/sessions')).toContainEqual(expect.objectContaining({ current: 1 }));
    expect(JSON.stringify(await dry('POST', '/access/domains', { realm: 'corp', ...ldap }))).not.toContain(
      '9876',
    );
    const missing = await dry('DELETE', '/pools/none');
    expect(missing).toMatchObject({ accepted: 0, blocked: [{ code: 'not-found' }] });
  });

  test('of users and options: the documents, without secrets', async () => {
    const user = await dry('POST', '/access/users', { userid: 'new@pve', password: 'secret-9876' });
    expect(user).toMatchObject({ accepted: 1, complete: 1 });
    expect(user.changes.map((one) => one.document)).toContain('user.cfg');
    expect(JSON.stringify(user)).not.toContain('secret-9876');
    expect(await dry('PUT', '/cluster/options', { description: 'dry' })).toMatchObject({
      changes: [{ document: 'datacenter.cfg', diff: expect.arrayContaining(['+description: dry']) }],
    });
  });

  test('what blocks a call: rights, parameters, the state', async () => {
    expect(await dry('PUT', `${node.path}/qemu/100/config`, { name: 'x' }, weak)).toMatchObject({
      accepted: 0,
      blocked: [{ code: 'forbidden', message: expect.stringContaining('/vms/100') }],
      needs: expect.arrayContaining([expect.objectContaining({ path: '/vms/100', held: 0 })]),
      changes: [],
    });
    expect(await dry('POST', `${node.path}/qemu`, { vmid: 100 })).toMatchObject({
      accepted: 0,
      blocked: [{ code: 'exists' }],
    });
    expect(await dry('POST', `${node.path}/qemu`, { vmid: 5, colour: 'blue' })).toMatchObject({
      blocked: [{ code: 'parameter', errors: { vmid: expect.any(String), colour: expect.any(String) } }],
    });
    expect(await dry('DELETE', '/nodes/nowhere/qemu/100')).toMatchObject({
      blocked: [{ code: 'not-found' }],
    });
  });

  test('is no parameter of a question, and takes 0 and 1 only', async () => {
    const question = await admin.answer('GET', '/version', { 'dry-run': 1 });
    expect(question.status).toBe(400);
    const wrong = await admin.answer('PUT', '/cluster/options', { description: 'x', 'dry-run': 'maybe' });
    expect([wrong.status, jsonOf(wrong).errors]).toEqual([
      400,
      { 'dry-run': "type check ('boolean') failed - got 'maybe'" },
    ]);
  });
});

describe('vmid=auto', () => {
  test('twenty at once get twenty ids, and each answer tells its own', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const answer = await admin.answer('POST', `${node.path}/qemu`, { vmid: 'auto', memory: 16 });
        expect(answer.status).toBe(200);
        return jsonOf<string>(answer) as { data: string; assigned?: { vmid: number } };
      }),
    );
    for (const { data, assigned } of made) {
      expect(data.split(':')[6]).toBe(String(assigned?.vmid));
      expect((await admin.taskEnd(data)).exitstatus).toBe('OK');
    }
    expect(new Set(made.map((one) => one.assigned?.vmid)).size).toBe(20);
  });

  test('for a clone, within the range that next-id sets', async () => {
    await admin.call('PUT', '/cluster/options', { 'next-id': 'lower=5000' });
    const answer = await admin.answer('POST', `${node.path}/qemu/100/clone`, { newid: 'auto', full: 1 });
    const { data, assigned } = jsonOf<string>(answer) as { data: string; assigned?: object };
    expect(assigned).toEqual({ newid: 5000 });
    expect((await admin.taskEnd(data)).exitstatus).toBe('OK');
    expect(await admin.get(`${node.path}/qemu/5000/config`)).toMatchObject({ name: 'Copy-of-VM-first' });
  });

  test('is no VMID elsewhere, nor in the hands of somebody without rights', async () => {
    expect((await admin.answer('POST', `${node.path}/qemu/auto/status/start`)).status).toBe(400);
    expect((await weak.answer('POST', `${node.path}/qemu`, { vmid: 'auto' })).status).toBe(403);
  });
});

describe('Idempotency-Key', () => {
  const send = (key: string, parameters: Parameters) =>
    admin.client.send(`/api2/json${node.path}/qemu`, {
      method: 'POST',
      headers: {
        ...admin.headers,
        'Content-Type': 'application/x-www-form-urlencoded',
        'Idempotency-Key': key,
      },
      body: new URLSearchParams(parameters as Record<string, string>).toString(),
    });

  test('a repetition answers with the first result, after a restart of the node too', async () => {
    const [first, second] = await Promise.all([
      send('create-1', { vmid: 'auto', name: 'once' }),
      send('create-1', { vmid: 'auto', name: 'once' }),
    ]);
    expect(first.status).toBe(200);
    expect(second.body.toString()).toBe(first.body.toString());
    await admin.taskEnd(jsonOf<string>(first).data);
    await node.down();
    await node.up();
    expect((await send('create-1', { vmid: 'auto', name: 'once' })).body.toString()).toBe(
      first.body.toString(),
    );
    const guests = await admin.get<{ name: string }[]>(`${node.path}/qemu`);
    expect(guests.filter((guest) => guest.name === 'once')).toHaveLength(1);
    const other = await send('create-1', { vmid: 'auto', name: 'twice' });
    expect([other.status, other.reason]).toEqual([
      400,
      expect.stringContaining('this Idempotency-Key belongs to another call'),
    ]);
  });

  test('a refused call leaves its key free', async () => {
    expect((await send('create-2', { vmid: '100' })).status).toBe(500);
    expect((await send('create-2', { vmid: '7000' })).status).toBe(200);
    expect((await send('a key', { vmid: '7001' })).status).toBe(400);
  });
});
