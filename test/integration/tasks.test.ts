/** Tasks are processes: they outlive the daemon, and a dead one leaves nothing behind. */
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
let slow: Server;
let slowUrl: string;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  // A download that never ends: a task that runs as long as a test wants.
  slow = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Length': 100_000_000 });
    response.write(Buffer.alloc(300_000, 7));
  });
  await new Promise<void>((done) => slow.listen(0, '127.0.0.1', done));
  slowUrl = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
});
afterAll(async () => {
  slow?.closeAllConnections();
  slow?.close();
  await node?.stop();
});

const startSlow = (name: string) =>
  admin.call<string>('POST', `${node.path}/storage/local/download-url`, {
    content: 'iso',
    filename: name,
    url: `${slowUrl}/${name}`,
  });

const pidOf = (upid: string) => Number.parseInt(upid.split(':')[2] ?? '', 16);

async function running(upid: string): Promise<boolean> {
  const status = await admin.get<{ status: string }>(`${node.path}/tasks/${upid}/status`);
  return status.status === 'running';
}

/** Everything that a task of this test could leave. */
async function leftovers(): Promise<string[]> {
  const below = async (path: string) =>
    (await readdir(join(node.dataDir, path), { recursive: true }).catch(() => [])).map(
      (name) => `${path}/${name}`,
    );
  const files = [
    ...(await below('spool')),
    ...(await below('storage/template')),
    ...(await below('storage/images')),
  ];
  return files.filter((name) => /\.(iso|raw|qcow2)$|\.staging-|spool\/./.test(name));
}

test('a UPID names node, process, times, type, id and user; the task is visible at once', async () => {
  const upid = await admin.call<string>('POST', `${node.path}/qemu`, { vmid: 150, memory: 32 });
  const [, name, pid, pstart, start, type, id, user, end] = upid.split(':');
  expect([name, type, id, user, end]).toEqual([node.name, 'qmcreate', '150', 'admin@pve', '']);
  expect([pid, pstart, start].every((part) => /^[0-9A-F]{8}$/.test(part ?? ''))).toBe(true);
  expect(await admin.get(`${node.path}/tasks/${encodeURIComponent(upid)}/status`)).toMatchObject({
    upid,
    type: 'qmcreate',
  });
  const done = await admin.taskEnd(upid);
  expect(done.exitstatus).toBe('OK');
  expect(done.log.at(-1)).toBe('TASK OK');
  const listed = await admin.get<{ upid: string; status: string }[]>(`${node.path}/tasks`, { vmid: 150 });
  expect(listed[0]).toMatchObject({ upid, status: 'OK' });
});

test('an aborted task ends as failed and leaves nothing', async () => {
  const upid = await startSlow('abort.iso');
  await waitFor(async () => (await running(upid)) || undefined, { timeout: 5, what: 'the task to run' });
  expect(await admin.call('DELETE', `${node.path}/tasks/${upid}`)).toBeNull();
  const end = await admin.taskEnd(upid, 15);
  expect(end.exitstatus).not.toBe('OK');
  expect(end.log.at(-1)).toMatch(/^TASK ERROR: /);
  expect(await leftovers()).toEqual([]);
});

test('a task outlives a restart of the daemon, and can be followed and stopped afterwards', async () => {
  const upid = await startSlow('outlive.iso');
  await node.down();
  await node.up();
  expect(await running(upid)).toBe(true);
  await admin.call('DELETE', `${node.path}/tasks/${upid}`);
  expect((await admin.taskEnd(upid, 15)).exitstatus).not.toBe('OK');
  expect(await leftovers()).toEqual([]);
});

test('a task that ended while the daemon was down is known as ended', async () => {
  const upid = await startSlow('meanwhile.iso');
  await node.down();
  process.kill(pidOf(upid), 'SIGKILL');
  await node.up();
  const end = await admin.taskEnd(upid, 15);
  expect(end.exitstatus).toMatch(/unexpectedly/);
  expect(await leftovers()).toEqual([]);
});

test('a killed worker: the task failed, locks are free, half-made volumes are gone', async () => {
  const upid = await startSlow('killed.iso');
  await waitFor(async () => ((await leftovers()).length > 0 ? true : undefined), {
    timeout: 10,
    what: 'a half-made file',
  });
  process.kill(pidOf(upid), 'SIGKILL');
  const end = await admin.taskEnd(upid, 15);
  expect(end.exitstatus).toMatch(/unexpectedly/);
  expect(end.log.at(-1)).toMatch(/^TASK ERROR: /);
  expect(await leftovers()).toEqual([]);
  // The same work can begin again at once.
  const again = await startSlow('killed.iso');
  await admin.call('DELETE', `${node.path}/tasks/${again}`);
  await admin.taskEnd(again, 15);
});

test('a killed creation gives the VMID and its disks back', async () => {
  for (let round = 0; round < 5; round++) {
    const upid = await admin.call<string>('POST', `${node.path}/qemu`, {
      vmid: 160,
      memory: 32,
      scsi0: 'local:1',
      scsi1: 'local:1',
      scsi2: 'local:1',
    });
    // At different moments of the work.
    await new Promise((done) => setTimeout(done, round * 15));
    try {
      process.kill(pidOf(upid), 'SIGKILL');
    } catch {
      // It was through already.
    }
    const end = await admin.taskEnd(upid, 15);
    const images = (await readdir(join(node.dataDir, 'storage/images/160')).catch(() => [])).length;
    const guest = await admin.answer('GET', `${node.path}/qemu/160/config`);
    if (end.exitstatus === 'OK') {
      expect([guest.status, images]).toEqual([200, 3]);
      await admin.run('DELETE', `${node.path}/qemu/160`);
    } else expect([end.exitstatus, guest.status, images]).toEqual([end.exitstatus, 500, 0]);
  }
});

test('logs are read in pieces, with the total beside', async () => {
  const [last] = await admin.get<{ upid: string }[]>(`${node.path}/tasks`, { limit: 1 });
  const upid = last?.upid ?? '';
  const answer = await admin.answer('GET', `${node.path}/tasks/${upid}/log`, { start: 0, limit: 1 });
  const { data, total } = JSON.parse(answer.body.toString()) as {
    data: { n: number; t: string }[];
    total: number;
  };
  expect(data).toHaveLength(1);
  expect(data[0]?.n).toBe(1);
  expect(total).toBeGreaterThan(0);
  expect(await admin.get(`${node.path}/tasks/${upid}/log`, { start: 10_000 })).toEqual([
    { n: 1, t: 'no content' },
  ]);
  const unknown = await admin.answer(
    'GET',
    `${node.path}/tasks/UPID:${node.name}:00000001:00000001:00000001:x::root@pam:/status`,
  );
  expect(unknown.status).toBe(400);
  expect(JSON.parse(unknown.body.toString()).errors.upid).toBe('no such task');
});

test('the task list filters and counts', async () => {
  const failed = await admin.get<{ status: string }[]>(`${node.path}/tasks`, { errors: 1 });
  expect(failed.length).toBeGreaterThan(3);
  expect(failed.every((row) => row.status !== 'OK')).toBe(true);
  const create = await admin.get<{ type: string }[]>(`${node.path}/tasks`, { typefilter: 'qmcreate' });
  expect(new Set(create.map((row) => row.type))).toEqual(new Set(['qmcreate']));
  expect((await admin.get<unknown[]>(`${node.path}/tasks`, { limit: 2 })).length).toBe(2);
  const log = await readFile(join(node.dataDir, 'log/daemon.log'), 'utf8');
  expect(log).not.toContain(await node.adminPassword());
});
