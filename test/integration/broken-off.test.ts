/** What is broken off in the middle, or hangs, leaves nothing behind and keeps nobody out. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryStore } from '../../packages/server/src/cluster/memory-store.ts';
import type { GuestServices } from '../../packages/server/src/guests/guest-services.ts';
import { guestUndos } from '../../packages/server/src/guests/guest-undos.ts';
import { createLogger } from '../../packages/server/src/host/log.ts';
import { dataPaths } from '../../packages/server/src/host/paths.ts';
import { commandLine, isAlive, processStat } from '../../packages/server/src/host/procfs.ts';
import { findUser, guestUser } from '../../packages/server/src/host/users.ts';
import { UndoTable } from '../../packages/server/src/tasks/undo.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { rfbGreeting } from '../lib/console-client.ts';
import { killWorker } from '../lib/kill-worker.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { signal } from '../lib/signal.ts';
import { sleep, waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
});
afterAll(() => node?.stop());

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const create = (vmid: number, params = {}) =>
  admin.run('POST', `${node.path}/qemu`, { vmid, memory: 32, ...params });
const status = (vmid: number) =>
  admin.get<{ status: string; qmpstatus: string; pid?: number }>(qemu(vmid, '/status/current'));
const volumesOf = (vmid: number) =>
  readdir(join(node.dataDir, 'storage/images', String(vmid))).catch(() => [] as string[]);

/** QEMU processes of one guest of this node, with or without a pid file. */
const processesOf = (vmid: number): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && commandLine(pid).some((one) => one.includes(node.guestSocket(vmid, 'qmp'))));

describe('starts', () => {
  test('whose worker is killed at any moment leave no process, no pid file, no socket', async () => {
    await create(400, { net0: 'virtio', scsi0: 'local:1' });
    for (let round = 0; round < 10; round++) {
      const upid = await admin.call<string>('POST', qemu(400, '/status/start'));
      await sleep(round * 12);
      await killWorker(upid);
      const { exitstatus } = await admin.taskEnd(upid);
      if (exitstatus === 'OK') await admin.run('POST', qemu(400, '/status/stop'));
      expect(processesOf(400), `after round ${round}: ${exitstatus}`).toEqual([]);
      const left = (await readdir(join(node.dataDir, 'run/qemu'))).filter((name) => name.startsWith('400.'));
      expect(left, `after round ${round}: ${exitstatus}`).toEqual([]);
    }
    await admin.run('POST', qemu(400, '/status/start'));
    await admin.run('POST', qemu(400, '/status/stop'));
  }, 120_000);

  test('a QEMU whose pid file was never written is found by the undo of its start', async () => {
    const paths = dataPaths(node.dataDir);
    const user = findUser(guestUser);
    const stray = spawn(
      '/usr/bin/qemu-system-x86_64',
      [
        '-accel',
        'tcg',
        '-nodefaults',
        '-display',
        'none',
        '-S',
        '-qmp',
        `unix:${node.guestSocket(450, 'qmp')},server=on,wait=off`,
      ],
      { stdio: 'ignore', detached: true, ...user },
    );
    await waitFor(() => existsSync(node.guestSocket(450, 'qmp')), { timeout: 10, what: 'its socket' });
    const undos = new UndoTable();
    const services: Partial<GuestServices> = {
      paths,
      settings: { node: node.name, port: 8006 },
      store: new MemoryStore(),
      locks: { with: (_name, work) => work(), holder: () => undefined },
      log: createLogger('test', 'silent'),
    };
    guestUndos(undos, services as GuestServices);
    await undos.run({ name: 'guest.clean-up', args: { vmid: 450 } });
    expect(isAlive(stray.pid ?? 0)).toBe(false);
    expect(existsSync(node.guestSocket(450, 'qmp'))).toBe(false);
  });

  test('undoing a start kills no process that has got its number later', async () => {
    const other = spawn('sleep', ['30'], { stdio: 'ignore' });
    const pid = other.pid ?? 0;
    const undos = new UndoTable();
    const paths = dataPaths(node.dataDir);
    guestUndos(undos, { paths, settings: { node: node.name } } as GuestServices);
    const startTime = processStat(pid)?.startTime ?? 0;
    await undos.run({ name: 'process.kill', args: { pid, startTime: startTime - 1 } });
    expect(isAlive(pid)).toBe(true);
    await undos.run({ name: 'process.kill', args: { pid, startTime } });
    expect(isAlive(pid)).toBe(false);
  });
});

describe('a shutdown that waits for its guest', () => {
  test('keeps nobody from the console, and can be overruled by a stop', async () => {
    await create(401);
    await admin.run('POST', qemu(401, '/status/start'));
    const shutdown = await admin.call<string>('POST', qemu(401, '/status/shutdown'), { timeout: 100 });
    await waitFor(
      async () => (await admin.get<unknown[]>(`${node.path}/tasks`, { source: 'active' })).length > 0,
      {
        timeout: 5,
        what: 'the task',
      },
    );
    await sleep(500);
    expect(await rfbGreeting(admin, qemu(401))).toMatch(/^RFB /);
    await admin.run('POST', qemu(401, '/status/stop'), { 'overrule-shutdown': 1 });
    expect((await admin.taskEnd(shutdown)).exitstatus).toBe('interrupted by signal');
    expect(processesOf(401)).toEqual([]);
  });
});

describe('a guest that hangs while the daemon starts', () => {
  test('does not keep the node from starting, and is followed once it answers', async () => {
    await create(402);
    await admin.run('POST', qemu(402, '/status/start'));
    const { pid } = await status(402);
    await node.down();
    signal(pid, 'SIGSTOP');
    try {
      await node.up();
      admin = await node.admin();
      expect((await admin.get<unknown[]>(`${node.path}/qemu`)).length).toBeGreaterThan(0);
      // Longer than one attempt to connect.
      await sleep(17_000);
    } finally {
      signal(pid, 'SIGCONT');
    }
    const followed = await waitFor(
      async () => {
        const now = await status(402);
        return now.qmpstatus === 'running' ? now : undefined;
      },
      { timeout: 20, what: 'the daemon to follow the guest' },
    );
    expect(followed.pid).toBe(pid);
    await admin.run('POST', qemu(402, '/status/stop'));
  }, 90_000);
});

describe('volumes', () => {
  test('whose forced removal waited for the next start are removed by it', async () => {
    await create(403, { scsi0: 'local:1', scsi1: 'local:1' });
    await admin.run('POST', qemu(403, '/status/start'));
    await admin.call('PUT', qemu(403, '/unlink'), { idlist: 'scsi1', force: 1 });
    expect(await volumesOf(403)).toHaveLength(2);
    await admin.run('POST', qemu(403, '/status/stop'));
    await admin.run('POST', qemu(403, '/status/start'));
    expect(await volumesOf(403)).toHaveLength(1);
    await admin.run('POST', qemu(403, '/status/stop'));
  });

  test('that wait for the next start go with their guest', async () => {
    await admin.run('POST', qemu(403, '/status/start'));
    await admin.call('PUT', qemu(403, '/config'), { scsi2: 'local:1' });
    await admin.run('POST', qemu(403, '/status/stop'));
    expect(await volumesOf(403)).toHaveLength(2);
    await admin.run('DELETE', qemu(403));
    expect(await volumesOf(403)).toEqual([]);
  });

  test('attached again and then "removed" as unused disks stay', async () => {
    await create(404, { scsi0: 'local:1' });
    const { scsi0 = '' } = await admin.get<Record<string, string>>(qemu(404, '/config'));
    await admin.call('PUT', qemu(404, '/config'), { delete: 'scsi0' });
    await admin.call('PUT', qemu(404, '/config'), { virtio0: scsi0 });
    expect(await admin.get<Record<string, string>>(qemu(404, '/config'))).not.toHaveProperty('unused0');
    await admin.answer('PUT', qemu(404, '/config'), { delete: 'unused0' });
    expect(await volumesOf(404)).toHaveLength(1);
  });
});

test('a start removes what a killed gateway has received in part, and says to everybody where it answers', async () => {
  const rest = join(node.dataDir, 'spool/pveupload-0123456789abcdef');
  writeFileSync(rest, 'half of a file');
  await node.down();
  await node.up();
  expect(existsSync(rest)).toBe(false);
  const ready = join(node.dataDir, 'run/ready');
  expect(statSync(ready).mode & 0o777).toBe(0o644);
  expect(readFileSync(ready, 'utf8')).toContain(node.name);
});

test('a certificate that does not fit its key is made anew', async () => {
  await node.down();
  const key = join(node.dataDir, 'pki/node.key');
  writeFileSync(key, readFileSync(join(node.dataDir, 'pki/ca.key')));
  await node.up();
  const again = await node.admin();
  expect((await again.answer('GET', '/version')).status).toBe(200);
});
