/** Real QEMU processes through the API: life cycle, isolation, limits, outliving the daemon. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../packages/server/src/cluster/sqlite-store.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
});
afterAll(() => node?.stop());

interface Status {
  readonly status: string;
  readonly qmpstatus: string;
  readonly pid?: number;
  readonly uptime: number;
}

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const status = (vmid: number) => admin.get<Status>(qemu(vmid, '/status/current'));
const act = (vmid: number, action: string, params = {}) =>
  admin.run('POST', qemu(vmid, `/status/${action}`), params);
const create = (vmid: number, params = {}) =>
  admin.run('POST', `${node.path}/qemu`, { vmid, memory: 64, ...params });
const becomes = (vmid: number, wanted: string) =>
  waitFor(async () => ((await status(vmid)).qmpstatus === wanted ? true : undefined), {
    timeout: 10,
    what: `VM ${vmid} to be ${wanted}`,
  });

describe('life cycle', () => {
  test('create, start, pause, resume, reset, stop, remove', async () => {
    await create(200, {
      name: 'first',
      scsi0: 'local:1',
      ide2: 'none,media=cdrom',
      net0: 'virtio',
      tags: 'a;b',
    });
    expect(await status(200)).toMatchObject({
      status: 'stopped',
      qmpstatus: 'stopped',
      name: 'first',
      tags: 'a;b',
    });
    await act(200, 'start');
    await becomes(200, 'running');
    expect((await admin.answer('POST', qemu(200, '/status/start'))).reason).toBe('VM 200 already running');
    await act(200, 'suspend');
    await becomes(200, 'paused');
    await act(200, 'resume');
    await becomes(200, 'running');
    await act(200, 'reset');
    expect((await admin.answer('DELETE', qemu(200))).status).toBe(500);
    const pid = (await status(200)).pid ?? 0;
    await act(200, 'stop');
    await becomes(200, 'stopped');
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
    expect((await readdir(join(node.dataDir, 'run/qemu'))).filter((name) => name.startsWith('200.'))).toEqual(
      [],
    );
    await admin.run('DELETE', qemu(200));
    expect((await admin.answer('GET', qemu(200, '/config'))).status).toBe(500);
    expect(await readdir(join(node.dataDir, 'storage/images')).then((all) => all.includes('200'))).toBe(
      false,
    );
    expect((await admin.get<unknown[]>('/cluster/resources', { type: 'vm' })).length).toBe(0);
  });

  test('a pool that does not exist takes no guest, and none is made', async () => {
    const answer = await admin.answer('POST', `${node.path}/qemu`, { vmid: 299, pool: 'nowhere' });
    expect(answer.reason).toContain("pool 'nowhere' does not exist");
    expect((await admin.answer('GET', qemu(299, '/config'))).status).toBe(500);
  });

  test('a guest that ignores the power button: shutdown fails after its time, forceStop ends it', async () => {
    await create(201);
    await act(201, 'start');
    const upid = await admin.call<string>('POST', qemu(201, '/status/shutdown'), { timeout: 1 });
    expect((await admin.taskEnd(upid)).exitstatus).toMatch(/got timeout/);
    expect((await status(201)).status).toBe('running');
    await act(201, 'shutdown', { timeout: 1, forceStop: 1 });
    await becomes(201, 'stopped');
  });

  test('protection, locks and digests keep a guest', async () => {
    await admin.call('PUT', qemu(201, '/config'), { protection: 1 });
    expect((await admin.answer('DELETE', qemu(201))).reason).toMatch(/protection mode enabled/);
    await admin.call('PUT', qemu(201, '/config'), { protection: 0 });
    const stale = await admin.answer('PUT', qemu(201, '/config'), { cores: 2, digest: '0'.repeat(40) });
    expect([stale.status, stale.reason]).toEqual([
      500,
      'detected modified configuration - file changed by other user? Try again.',
    ]);
    const store = openSqliteStore(join(node.dataDir, 'config.db'));
    const path = `nodes/${node.name}/qemu-server/201.conf`;
    const doc = store.get(path);
    await store.commit([], [{ path, text: `${doc?.text}lock: backup\n` }]);
    await store.close();
    expect((await admin.answer('POST', qemu(201, '/status/start'))).reason).toBe('VM is locked (backup)');
    // An administrator takes a dead lock away, with a token as well; limited-rights.test.ts has those who may not.
    await admin.call('PUT', qemu(201, '/config'), { delete: 'lock', skiplock: 1 });
    await act(201, 'start');
    await act(201, 'stop');
  });

  test('unused disks: detached ones stay, deleted ones go', async () => {
    await create(202, { scsi0: 'local:1', scsi1: 'local:1' });
    await admin.call('PUT', qemu(202, '/config'), { delete: 'scsi1' });
    const config = await admin.get<Record<string, string>>(qemu(202, '/config'));
    expect(config.scsi1).toBeUndefined();
    expect(config.unused0).toMatch(/^local:202\/vm-202-disk-1/);
    await admin.call('PUT', qemu(202, '/config'), { delete: 'unused0' });
    expect((await readdir(join(node.dataDir, 'storage/images/202'))).length).toBe(1);
    await admin.call('PUT', qemu(202, '/unlink'), { idlist: 'scsi0', force: 1 });
    expect(await readdir(join(node.dataDir, 'storage/images/202')).catch(() => [])).toEqual([]);
    await admin.run('DELETE', qemu(202));
  });

  test('changes of a running guest wait as pending, and hold after the next start', async () => {
    await act(201, 'start');
    await admin.call('PUT', qemu(201, '/config'), { cores: 2, name: 'renamed' });
    const rows = await admin.get<{ key: string; value?: unknown; pending?: unknown }[]>(
      qemu(201, '/pending'),
    );
    expect(rows.find((row) => row.key === 'cores')).toMatchObject({ pending: '2' });
    expect(rows.find((row) => row.key === 'name')).toEqual({ key: 'name', value: 'renamed' });
    await admin.call('PUT', qemu(201, '/config'), { revert: 'cores' });
    expect(
      (await admin.get<{ pending?: unknown }[]>(qemu(201, '/pending'))).some(
        (row) => row.pending !== undefined,
      ),
    ).toBe(false);
    await admin.call('PUT', qemu(201, '/config'), { cores: 2 });
    await act(201, 'stop');
    await act(201, 'start');
    expect(await admin.get(qemu(201, '/config'), { current: 1 })).toMatchObject({ cores: 2 });
    await act(201, 'stop');
  });
});

describe('isolation', () => {
  test('QEMU runs without root rights, in a sandbox, in its control group', async () => {
    await create(210, { cpulimit: 0.5, cpuunits: 512, affinity: '0' });
    await act(210, 'start');
    const { pid = 0 } = await waitFor(async () => ((await status(210)).pid ? status(210) : undefined), {
      timeout: 5,
      what: 'the pid',
    });
    const proc = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
    const uid = Number(readFileSync('/etc/passwd', 'utf8').match(/^ryokan-qemu:[^:]*:(\d+):/m)?.[1]);
    expect(uid).toBeGreaterThan(0);
    const fields = proc('status');
    expect(fields).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'));
    expect(fields).toMatch(/^CapEff:\t0000000000000000$/m);
    expect(fields).toMatch(/^Groups:[ \t\d]*$/m);
    // Mode 2 is a filter: -sandbox on.
    expect(fields).toMatch(/^Seccomp:\t2$/m);
    expect(proc('cmdline')).toContain('-sandbox\0on,');
    expect(proc('cgroup')).toMatch(new RegExp(`/ryokan-${node.name}/210`));
    expect(fields).toMatch(/^Cpus_allowed_list:\t0$/m);
    await act(210, 'stop');
    await admin.run('DELETE', qemu(210));
  });
});

describe('the daemon may come and go', () => {
  test('guests outlive a restart and a kill -9, with correct status afterwards', async () => {
    await create(220);
    await create(221);
    await act(220, 'start');
    await becomes(220, 'running');
    const before = await status(220);
    await node.down();
    await node.up();
    expect(await status(220)).toMatchObject({ status: 'running', pid: before.pid });
    await act(220, 'suspend');
    process.kill(await node.daemonPid(), 'SIGKILL');
    await node.up();
    expect(await status(220)).toMatchObject({ status: 'running', qmpstatus: 'paused', pid: before.pid });
    expect(await status(221)).toMatchObject({ status: 'stopped' });
    await act(220, 'resume');
    await act(220, 'stop');
  });

  test('a guest that ended while the daemon was away is known as stopped and leaves nothing', async () => {
    await act(220, 'start');
    const { pid = 0 } = await waitFor(async () => ((await status(220)).pid ? status(220) : undefined), {
      timeout: 5,
      what: 'the pid',
    });
    process.kill(await node.daemonPid(), 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    await node.up();
    expect(await status(220)).toMatchObject({ status: 'stopped' });
    await act(220, 'start');
    await act(220, 'stop');
  });
});

describe('bad input', () => {
  test('100 creates in parallel with the same VMID: exactly one wins', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        admin.answer('POST', `${node.path}/qemu`, { vmid: 300, memory: 32, scsi0: 'local:1' }),
      ),
    );
    const won = answers.filter((one) => one.status === 200);
    expect(won).toHaveLength(1);
    for (const lost of answers.filter((one) => one.status !== 200)) {
      expect(lost.reason).toMatch(/^unable to create VM 300: config file already exists/);
    }
    await admin.taskEnd(jsonOf<string>(won[0]!).data);
    expect(await readdir(join(node.dataDir, 'storage/images/300'))).toHaveLength(1);
    const next = await admin.answer('GET', '/cluster/nextid', { vmid: 300 });
    expect([next.status, jsonOf(next).errors?.vmid]).toEqual([400, 'VM 300 already exists']);
  });

  test('a disk larger than the free space is refused before anything is made', async () => {
    const answer = await admin.answer('POST', `${node.path}/qemu`, { vmid: 301, scsi0: 'local:999999' });
    expect(answer.status).toBe(500);
    expect(answer.reason).toMatch(
      /a disk of 999999 GiB does not fit on storage 'local': [\d.]+ GiB are free/,
    );
    expect((await admin.answer('GET', qemu(301, '/config'))).status).toBe(500);
  });

  test('memory larger than that of the host is refused at the start, with both numbers', async () => {
    await create(302, { memory: 9_000_000 });
    const upid = await admin.call<string>('POST', qemu(302, '/status/start'));
    expect((await admin.taskEnd(upid)).exitstatus).toMatch(
      /wants 9000000 MiB of memory, but the node has \d+ MiB/,
    );
  });

  test('a damaged configuration: that guest shows the error, all others work', async () => {
    const store = openSqliteStore(join(node.dataDir, 'config.db'));
    await store.commit(
      [],
      [{ path: `nodes/${node.name}/qemu-server/302.conf`, text: 'name: broken\nthis is not a line\n' }],
    );
    await store.close();
    const rows = await waitFor(
      async () => {
        const all = await admin.get<{ vmid: number; error?: string }[]>('/cluster/resources', { type: 'vm' });
        return all.find((row) => row.vmid === 302)?.error ? all : undefined;
      },
      { timeout: 5, what: 'the error to show' },
    );
    expect(rows.find((row) => row.vmid === 302)?.error).toMatch(/302\.conf' is damaged: line 2/);
    expect(rows.filter((row) => row.error === undefined).length).toBeGreaterThan(1);
    expect((await admin.answer('GET', qemu(302, '/config'))).reason).toMatch(/is damaged: line 2/);
    await act(221, 'start');
    await act(221, 'stop');
    await node.down();
    await node.up();
    expect((await status(221)).status).toBe('stopped');
  });
});
