/** The list of resources on a node with many guests: who sees what, and that the answers kept ready are never old. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstVmid, nodeWithGuests } from '../../bench/lib/guests.ts';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { jsonOf } from '../lib/http-client.ts';
import type { TestNode } from '../lib/node.ts';

const count = 300;
const resourcesPath = '/api2/json/cluster/resources';

interface Row {
  readonly id: string;
  readonly type: string;
  readonly vmid?: number;
  readonly name?: string;
  readonly maxmem?: number;
}

let node: TestNode;
let admin: ApiSession;
const sessions: ApiSession[] = [];

beforeAll(async () => {
  node = await nodeWithGuests(count);
  admin = await node.admin();
});
afterAll(async () => {
  for (const session of sessions) session.close();
  await node?.stop();
});

/** A user with the given roles by path. */
async function user(name: string, roles: Readonly<Record<string, string>>): Promise<ApiSession> {
  const userid = `${name}@pve`;
  await admin.call('POST', '/access/users', { userid, password: 'secret-of-a-test' });
  for (const [path, role] of Object.entries(roles)) {
    await admin.call('PUT', '/access/acl', { path, roles: role, users: userid });
  }
  const session = await logIn(node.url, userid, 'secret-of-a-test');
  sessions.push(session);
  return session;
}

const rows = (session: ApiSession, type?: string) => session.get<Row[]>('/cluster/resources', { type });
const vmids = (list: readonly Row[]) => list.map((row) => row.vmid).filter((vmid) => vmid !== undefined);

test('an administrator sees all, filtered by type, in both formats, plain and compressed', async () => {
  const all = await rows(admin);
  expect(vmids(all).length).toBe(count);
  expect(all.some((row) => row.type === 'node') && all.some((row) => row.type === 'storage')).toBe(true);
  expect(vmids(await rows(admin, 'vm')).length).toBe(count);
  expect((await rows(admin, 'node')).map((row) => row.id)).toEqual([`node/${node.name}`]);

  const extjs = await admin.client.send('/api2/extjs/cluster/resources?type=vm', { headers: admin.headers });
  expect(jsonOf<Row[]>(extjs)).toMatchObject({ success: 1 });
  expect(jsonOf<Row[]>(extjs).data.length).toBe(count);

  for (let again = 0; again < 2; again++) {
    const packed = await admin.client.send(`${resourcesPath}?type=vm`, {
      headers: { ...admin.headers, 'Accept-Encoding': 'gzip' },
    });
    expect(packed.headers['content-encoding']).toBe('gzip');
    const text = (await promisify(gunzip)(packed.body)).toString('utf8');
    expect((JSON.parse(text) as { data: Row[] }).data.length).toBe(count);
  }
});

test('a change shows in the next answer', async () => {
  const names = async () => new Map((await rows(admin, 'vm')).map((row) => [row.vmid, row.name]));
  const before = await names();
  for (const name of ['renamed-once', 'renamed-twice']) {
    await admin.call('PUT', `${node.path}/qemu/${firstVmid}/config`, { name });
    expect((await names()).get(firstVmid)).toBe(name);
    expect((await names()).get(firstVmid + 1)).toBe(before.get(firstVmid + 1));
  }
  // With a warning: the guest's disk is in its configuration only.
  await admin.taskEnd(await admin.call<string>('DELETE', `${node.path}/qemu/${firstVmid + count - 1}`));
  expect((await names()).has(firstVmid + count - 1)).toBe(false);
});

test('others see what their rules allow, and no more once these change', async () => {
  const one = await user('one', { [`/vms/${firstVmid}`]: 'PVEVMUser' });
  expect(vmids(await rows(one))).toEqual([firstVmid]);
  const nobody = await user('nobody', {});
  expect(vmids(await rows(nobody))).toEqual([]);
  // The node without its measurements, also after an administrator's list was made.
  expect((await rows(nobody)).find((row) => row.type === 'node')?.maxmem).toBeUndefined();
  expect((await rows(admin)).find((row) => row.type === 'node')?.maxmem).toBeGreaterThan(0);
  const most = await user('most', { '/': 'PVEAdmin', [`/vms/${firstVmid}`]: 'NoAccess' });
  const seen = vmids(await rows(most));
  expect(seen).not.toContain(firstVmid);
  expect(seen.length).toBe(vmids(await rows(admin)).length - 1);

  await admin.call('PUT', '/access/acl', { path: '/', roles: 'PVEAdmin', users: 'most@pve', delete: 1 });
  expect(vmids(await rows(most))).toEqual([]);
  await admin.call('PUT', '/access/acl', { path: '/', roles: 'PVEAuditor', users: 'nobody@pve' });
  expect(vmids(await rows(nobody))).toEqual(vmids(await rows(admin)));
});
