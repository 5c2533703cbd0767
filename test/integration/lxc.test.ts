/** Containers through API and command line, on real LXC: a busybox template, raw images on a directory storage. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { writeBusyboxTemplate } from '../lib/busybox-template.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
const template = 'local:vztmpl/busybox.tar.gz';

beforeAll(async () => {
  node = await startNode({ natBridge: true, name: 'ct1' });
  admin = await node.admin();
  const folder = join(node.dataDir, 'storage/template/cache');
  await mkdir(folder, { recursive: true });
  await writeBusyboxTemplate(join(folder, 'busybox.tar.gz'));
});
afterAll(async () => {
  for (const row of (await admin?.get<{ vmid: number }[]>(`${node.path}/lxc`)) ?? []) {
    await admin
      .run('DELETE', ct(row.vmid), { force: 1 })
      .catch((error: unknown) => console.warn(String(error)));
  }
  await node?.stop();
});

const ct = (vmid: number, path = '') => `${node.path}/lxc/${vmid}${path}`;
const create = (vmid: number, params: Record<string, unknown> = {}) =>
  admin.run('POST', `${node.path}/lxc`, {
    ...{ vmid, ostemplate: template, rootfs: 'local:0.1', hostname: `box${vmid}`, ...params },
  });
const power = (vmid: number, action: string, params = {}) =>
  admin.run('POST', ct(vmid, `/status/${action}`), params);
const status = (vmid: number) => admin.get<{ status: string; pid?: number }>(ct(vmid, '/status/current'));
/** Runs a shell command in a container; its output. */
const inside = async (vmid: number, command: string) =>
  (
    await node.namespace.run(
      ...(['lxc-attach', '--name', String(vmid), '--lxcpath', join(node.dataDir, 'run/lxc')] as const),
      ...['--clear-env', '--', '/bin/sh', '-c', command],
    )
  ).trim();

const eventually = (look: () => Promise<boolean> | boolean, what: string) =>
  waitFor(look, { timeout: 60, what });

/** What a container that does not run must not leave behind. */
async function expectNothingLeft(vmid: number): Promise<void> {
  const loops = (await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'])).stdout;
  expect(loops).not.toContain(join(node.dataDir, `storage/images/${vmid}/`));
  const links = await node.namespace.run('ip', '-oneline', 'link');
  expect(links).not.toMatch(new RegExp(`vet[hp]${vmid}i`));
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(join(node.dataDir, `run/lxc/${vmid}`));
  for (const mount of readdirSync('/sys/fs/cgroup')) {
    expect(existsSync(join('/sys/fs/cgroup', mount, `ryokan-${node.name}/${vmid}`))).toBe(false);
  }
}

test('a container is made of a template, starts, is entered, shuts down and goes', async () => {
  await create(100, { net0: 'name=eth0,bridge=vmbr0,ip=manual', cores: 1, memory: 64, swap: 0 });
  const config = await admin.get<Record<string, unknown>>(ct(100, '/config'));
  expect(config).toMatchObject({ hostname: 'box100', unprivileged: 1, memory: 64, ostype: 'unmanaged' });
  expect(config.rootfs).toMatch(/^local:100\/vm-100-disk-0\.raw,size=/);
  expect(config.net0).toMatch(/hwaddr=BC:24:11:/);
  await expectNothingLeft(100);

  await power(100, 'start');
  expect(await status(100)).toMatchObject({ status: 'running', type: 'lxc', name: 'box100' });
  expect(await inside(100, 'hostname; id -u; cat /starts')).toBe('box100\n0\nstarted');
  const { pid } = await status(100);
  expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s+100000/m);
  const interfaces = await admin.get<{ name: string }[]>(ct(100, '/interfaces'));
  expect(interfaces.map(({ name }) => name)).toEqual(['lo', 'eth0']);
  const rows = await admin.get<{ id: string; status: string }[]>('/cluster/resources');
  expect(rows.find(({ id }) => id === 'lxc/100')).toMatchObject({ status: 'running', name: 'box100' });

  await power(100, 'shutdown', { timeout: 30 });
  expect((await status(100)).status).toBe('stopped');
  await expectNothingLeft(100);
  await admin.run('DELETE', ct(100));
  expect(existsSync(join(node.dataDir, 'storage/images/100'))).toBe(false);
});

test('pct does the same', async () => {
  await node.cli('pct', 'create', '101', template, '--rootfs', 'local:0.1', '--hostname', 'cli');
  await node.cli('pct', 'start', '101');
  expect((await node.cli('pct', 'list')).stdout).toMatch(/101\W+running\W+cli/);
  expect((await node.cli('pct', 'status', '101')).stdout).toContain('running');
  await node.cli('pct', 'set', '101', '--description', 'notes');
  expect((await node.cli('pct', 'config', '101')).stdout).toMatch(/description\W+notes/);
  await node.cli('pct', 'stop', '101');
  await node.cli('pct', 'destroy', '101');
  await expectNothingLeft(101);
});

test('a container outlives the daemon, and one that ends without it is cleaned up', async () => {
  await create(102, { start: 1 });
  const { pid } = await status(102);
  await node.down();
  await node.up();
  admin = await node.admin();
  expect(await status(102)).toMatchObject({ status: 'running', pid });
  await node.down();
  await inside(102, 'touch /die');
  await eventually(() => !existsSync(`/proc/${pid}/root/bin`), 'the end of init');
  await node.up();
  admin = await node.admin();
  await eventually(async () => (await status(102)).status === 'stopped', 'stopped');
  await expectNothingLeft(102);
});

test('one that reboots itself is started again, with what was pending', async () => {
  await power(102, 'start');
  const { pid } = await status(102);
  await admin.call('PUT', ct(102, '/config'), { hostname: 'other' });
  await inside(102, 'touch /reboot');
  await eventually(async () => {
    const now = await status(102);
    return now.status === 'running' && now.pid !== pid;
  }, 'another init');
  expect(await inside(102, 'hostname')).toBe('other');
});

test('the end of its init and kill -9 of its monitor leave nothing', async () => {
  await inside(102, 'touch /die').catch(() => {});
  await eventually(async () => (await status(102)).status === 'stopped', 'stopped');
  await eventually(() => !existsSync(join(node.dataDir, 'run/lxc/102.pid')), 'the clean-up');
  await expectNothingLeft(102);
  await power(102, 'start');
  const pidFile = readFileSync(join(node.dataDir, 'run/lxc/102.pid'), 'utf8');
  process.kill(Number.parseInt(pidFile, 10), 'SIGKILL');
  await eventually(async () => (await status(102)).status === 'stopped', 'stopped');
  await eventually(() => !existsSync(join(node.dataDir, 'run/lxc/102.pid')), 'the clean-up');
  await expectNothingLeft(102);
});
