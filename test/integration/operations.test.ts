/** Operations that no other suite calls with success: each by what it is for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allMethods } from '../../packages/api/src/method.ts';
import '../../packages/api/src/methods/index.ts';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
/** A web server beside the node, and what it serves. */
let web: ChildProcess | undefined;
let files: string | undefined;

beforeAll(async () => {
  node = await startNode({ natBridge: true });
  admin = await node.admin();
  await admin.run('POST', `${node.path}/qemu`, { vmid: 100, name: 'one', memory: 32, scsi0: 'local:1' });
  files = await mkdtemp(join(tmpdir(), 'ryokan-web-'));
  await writeFile(join(files, 'Debian 12.txt'), Buffer.alloc(4096));
  const [program = '', ...args] = [...node.namespace.prefix, 'busybox', 'httpd', '-f'];
  web = spawn(program, [...args, '-p', '127.0.0.1:8080', '-h', files], { stdio: 'ignore' });
});
afterAll(async () => {
  web?.kill('SIGKILL');
  await node?.stop();
  if (files) await rm(files, { recursive: true });
});

const qemu = (path = '') => `${node.path}/qemu/100${path}`;

describe('directories', () => {
  /** Fixed words below a path, as the method records have them. */
  const below = (path: string) => {
    const start = path === '/' ? '/' : `${path}/`;
    const paths = allMethods().map((method) => method.path);
    const words = paths.flatMap((one) =>
      one.startsWith(start) ? [one.slice(start.length).split('/')[0]] : [],
    );
    return [...new Set(words)].filter((word) => word && !word.startsWith('{')).sort();
  };

  test('name all that stands below them', async () => {
    const { upid } = await admin.run('POST', qemu('/config'), { name: 'one' });
    await admin.run('POST', qemu('/snapshot'), { snapname: 'before' });
    const directories: [template: string, path: string, key: string][] = [
      ['/', '/', 'subdir'],
      ['/access', '/access', 'subdir'],
      ['/cluster', '/cluster', 'name'],
      ['/nodes/{node}', node.path, 'name'],
      ['/nodes/{node}/qemu/{vmid}', qemu(), 'subdir'],
      ['/nodes/{node}/qemu/{vmid}/status', qemu('/status'), 'subdir'],
      ['/nodes/{node}/qemu/{vmid}/agent', qemu('/agent'), 'name'],
      ['/nodes/{node}/qemu/{vmid}/snapshot/{snapname}', qemu('/snapshot/before'), 'cmd'],
      ['/nodes/{node}/storage/{storage}', `${node.path}/storage/local`, 'subdir'],
      ['/nodes/{node}/tasks/{upid}', `${node.path}/tasks/${encodeURIComponent(upid)}`, 'name'],
    ];
    for (const [template, path, key] of directories) {
      const rows = await admin.get<Record<string, string>[]>(path);
      expect([path, rows.map((row) => row[key])]).toEqual([path, below(template)]);
    }
    await admin.run('DELETE', qemu('/snapshot/before'));
  });
});

describe('the cluster and its node', () => {
  test('state, version, time, names', async () => {
    const status = await admin.get<Record<string, unknown>[]>('/cluster/status');
    expect(status).toEqual([expect.objectContaining({ type: 'node', name: node.name, online: 1, local: 1 })]);
    const { version, release } = await admin.get<{ version: string; release: string }>('/version');
    expect(await admin.get(`${node.path}/version`)).toMatchObject({ version, release });
    const { time, localtime } = await admin.get<{ time: number; localtime: number }>(`${node.path}/time`);
    expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(60);
    expect(time - localtime).toBe(new Date().getTimezoneOffset() * 60);
    expect(await admin.get<object>(`${node.path}/dns`)).toBeTypeOf('object');
    const { data, digest } = await admin.get<{ data: string; digest: string }>(`${node.path}/hosts`);
    expect(data).toMatch(/127\.0\.0\.1/);
    expect(digest).toMatch(/^[0-9a-f]{40}$/);
  });

  test('a bridge is shown to those who may use it, or one of its VLANs', async () => {
    const userid = 'network@pve';
    await admin.call('POST', '/access/users', { userid, password: 'a-long-password' });
    const session = await logIn(node.url, userid, 'a-long-password');
    const bridges = async (who: ApiSession) => {
      const rows = await who.get<{ iface: string }[]>(`${node.path}/network`, { type: 'any_bridge' });
      return rows.map(({ iface }) => iface);
    };
    const grant = (path: string, remove = 0) =>
      admin.call('PUT', '/access/acl', { path, roles: 'PVESDNUser', users: userid, delete: remove });
    expect(await bridges(admin)).toEqual(['vmbr0']);
    expect(await bridges(session)).toEqual([]);
    for (const path of ['/sdn/zones/localnetwork/vmbr0/7', '/sdn/zones/localnetwork']) {
      await grant(path);
      expect(await bridges(session)).toEqual(['vmbr0']);
      await grant(path, 1);
    }
    await grant('/sdn/zones/localnetwork/vmbr1/7');
    expect(await bridges(session)).toEqual([]);
    session.close();
  });

  test('measurements over time, of the node and of a guest', async () => {
    await admin.run('POST', qemu('/status/start'));
    const last = (path: string) =>
      waitFor(
        async () => {
          const points = await admin.get<Record<string, number>[]>(`${path}/rrddata`, { timeframe: 'hour' });
          return points.at(-1);
        },
        { timeout: 30, every: 500, what: `a measurement of ${path}` },
      );
    expect((await last(node.path)).memtotal).toBeGreaterThan(0);
    const point = await last(qemu());
    expect(point.time).toBeGreaterThan(Date.now() / 1000 - 600);
    expect(point.maxmem).toBe(32 * 1024 ** 2);
    await admin.run('POST', qemu('/status/stop'));
  });

  test('the same as a picture, for clients that do not draw', async () => {
    for (const [path, ds] of [
      [qemu(), 'cpu,mem'],
      [node.path, 'loadavg'],
    ] as const) {
      const query = `ds=${ds}&timeframe=hour`;
      const picture = await admin.client.send(`/api2/png${path}/rrd?${query}`, { headers: admin.headers });
      expect(picture.headers['content-type']).toBe('image/png');
      expect(picture.body.subarray(1, 4).toString()).toBe('PNG');
      expect(picture.body.length).toBeGreaterThan(1000);
      const { filename } = await admin.get<{ filename: string }>(`${path}/rrd`, { ds, timeframe: 'hour' });
      // Drawn anew, perhaps with one measurement more: the same picture in kind, not in every byte.
      const file = await readFile(filename);
      expect(file.subarray(1, 4).toString()).toBe('PNG');
      expect(file.length).toBeGreaterThan(1000);
    }
    const unknown = await admin.answer('GET', qemu('/rrd'), { ds: 'moon', timeframe: 'hour' });
    expect(unknown.body.toString()).toContain("there are no measurements of 'moon'");
    const config = await admin.client.send(`/api2/png${qemu('/config')}`, { headers: admin.headers });
    expect(config.status).toBe(501);
  });
});

describe('access', () => {
  test('realms: listed before login, commented, preselected', async () => {
    const anonymous = await admin.client.send('/api2/json/access/domains', { method: 'GET' });
    expect(anonymous.body.toString()).toContain('"pve"');
    const { digest } = await admin.get<{ digest: string }>('/access/domains/pve');
    await admin.call('PUT', '/access/domains/pve', { comment: '旅館', default: 1, digest });
    expect(await admin.get('/access/domains/pve')).toMatchObject({
      type: 'pve',
      comment: '旅館',
      default: 1,
    });
    const stale = await admin.answer('PUT', '/access/domains/pve', { comment: 'x', digest });
    expect(stale.reason).toMatch(/^detected modified configuration/);
    const rows = await admin.get<{ realm: string; default?: number }[]>('/access/domains');
    expect(rows.filter((row) => row.default === 1).map((row) => row.realm)).toEqual(['pve']);
    await admin.call('PUT', '/access/domains/pve', { delete: 'default,comment' });
  });

  test('effective permissions, a new password, a console ticket', async () => {
    const login = { userid: 'guest@pve', password: 'first-password' };
    await admin.call('POST', '/access/users', login);
    await admin.call('PUT', '/access/acl', { path: '/vms/100', roles: 'PVEVMUser', users: login.userid });
    const all = await admin.get<Record<string, Record<string, number>>>('/access/permissions', {
      userid: login.userid,
    });
    expect(all['/vms/100']).toMatchObject({ 'VM.Console': 1 });
    expect(all['/storage'] ?? {}).toEqual({});
    await admin.call('PUT', '/access/password', {
      ...{ userid: login.userid, password: 'other-password' },
      'confirmation-password': await node.adminPassword(),
    });
    await expect(logIn(node.url, login.userid, login.password)).rejects.toThrow(/401/);
    const session = await logIn(node.url, login.userid, 'other-password');
    await admin.run('POST', qemu('/status/start'));
    const { ticket, port } = await session.call<{ ticket: string; port: string }>('POST', qemu('/vncproxy'), {
      websocket: 1,
    });
    const check = (params: Record<string, string>) =>
      session.answer('POST', '/access/vncticket', {
        ...{ authid: login.userid, vncticket: ticket, path: '/vms/100', privs: 'VM.Console', port },
        ...params,
      });
    expect((await check({})).status).toBe(200);
    expect((await check({ path: '/vms/101' })).status).not.toBe(200);
    expect((await check({ authid: 'admin@pve' })).status).not.toBe(200);
    session.close();
    await admin.run('POST', qemu('/status/stop'));
  });
});

describe('storage', () => {
  test('what a URL offers', async () => {
    const url = 'http://127.0.0.1:8080/Debian%2012.txt';
    const found = await admin.get(`${node.path}/query-url-metadata`, { url });
    expect(found).toEqual({ filename: 'Debian 12.txt', size: 4096, mimetype: 'text/plain' });
    const missing = await admin.answer('GET', `${node.path}/query-url-metadata`, { url: `${url}x` });
    expect([missing.status, missing.body.toString()]).toEqual([400, expect.stringMatching(/404/)]);
  });

  test('a volume: its state, path, notes, copy', async () => {
    const state = await admin.get<{ total: number; avail: number }>(`${node.path}/storage/local/status`);
    expect(state.total).toBeGreaterThan(state.avail);
    const { scsi0 = '' } = await admin.get<Record<string, string>>(qemu('/config'));
    const [volid = ''] = scsi0.split(',');
    const content = `${node.path}/storage/local/content`;
    const info = await admin.get<{ path: string; format: string; size: number }>(`${content}/${volid}`);
    expect(info).toMatchObject({ format: 'qcow2', size: 1024 ** 3 });
    expect((await node.cli('pvesm', 'path', volid)).stdout.trim()).toBe(info.path);
    const copy = 'local:100/vm-100-copy.qcow2';
    await node.cli('pvesh', 'create', `${content}/${volid}`, '--target', copy);
    const volumes = await admin.get<{ volid: string }[]>(content, { content: 'images', vmid: 100 });
    expect(volumes.map((one) => one.volid).sort()).toEqual([copy, volid].sort());
    await admin.call('DELETE', `${content}/${copy}`);
  });
});
