/** Containers through API and command line, on real LXC: a busybox template, raw images on a directory storage. */
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import { type ContainerLab, openContainerLab, busyboxTemplate as template } from '../lib/containers.ts';
import type { TestNode } from '../lib/node.ts';
import { makeImage } from '../lib/oci-image.ts';
import { waitFor } from '../lib/wait.ts';

let lab: ContainerLab;
let node: TestNode;

beforeAll(async () => {
  lab = await openContainerLab('ct1');
  node = lab.node;
});
afterAll(() => lab?.close());

const eventually = (look: () => Promise<boolean> | boolean, what: string) =>
  waitFor(look, { timeout: 60, what });

async function expectNothingLeft(vmid: number): Promise<void> {
  expect(await lab.leftovers(vmid)).toEqual([]);
}

test('a container is made of a template, starts, is entered, shuts down and goes', async () => {
  await lab.create(100, { net0: 'name=eth0,bridge=vmbr0,ip=manual', cores: 1, memory: 64, swap: 0 });
  const config = await lab.config(100);
  expect(config).toMatchObject({ hostname: 'box100', unprivileged: 1, memory: 64, ostype: 'unmanaged' });
  expect(config.rootfs).toMatch(/^local:100\/vm-100-disk-0\.raw,size=/);
  expect(config.net0).toMatch(/hwaddr=BC:24:11:/);
  await expectNothingLeft(100);

  await lab.power(100, 'start');
  expect(await lab.status(100)).toMatchObject({ status: 'running', type: 'lxc', name: 'box100' });
  expect(await lab.inside(100, 'hostname; id -u; cat /starts')).toBe('box100\n0\nstarted');
  const { pid } = await lab.status(100);
  expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s+100000/m);
  const interfaces = await lab.admin.get<{ name: string }[]>(lab.path(100, '/interfaces'));
  expect(interfaces.map(({ name }) => name)).toEqual(['lo', 'eth0']);
  const rows = await lab.admin.get<{ id: string; status: string }[]>('/cluster/resources');
  expect(rows.find(({ id }) => id === 'lxc/100')).toMatchObject({ status: 'running', name: 'box100' });

  await lab.power(100, 'shutdown', { timeout: 30 });
  expect((await lab.status(100)).status).toBe('stopped');
  await expectNothingLeft(100);
  await lab.admin.run('DELETE', lab.path(100));
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
  await lab.create(102, { start: 1 });
  const { pid } = await lab.status(102);
  await node.down();
  await node.up();
  lab.admin = await node.admin();
  expect(await lab.status(102)).toMatchObject({ status: 'running', pid });
  await node.down();
  await lab.inside(102, 'touch /die');
  await eventually(() => !existsSync(`/proc/${pid}/root/bin`), 'the end of init');
  await node.up();
  lab.admin = await node.admin();
  await eventually(async () => (await lab.status(102)).status === 'stopped', 'stopped');
  await expectNothingLeft(102);
});

test('one that reboots itself is started again, with what was pending', async () => {
  await lab.power(102, 'start');
  const { pid } = await lab.status(102);
  await lab.admin.call('PUT', lab.path(102, '/config'), { hostname: 'other' });
  await lab.inside(102, 'touch /reboot');
  await eventually(async () => {
    const now = await lab.status(102);
    return now.status === 'running' && now.pid !== pid;
  }, 'another init');
  expect(await lab.inside(102, 'hostname')).toBe('other');
});

test('the end of its init and kill -9 of its monitor leave nothing', async () => {
  await lab.inside(102, 'touch /die').catch(() => {});
  await eventually(async () => (await lab.status(102)).status === 'stopped', 'stopped');
  await eventually(() => !existsSync(join(node.dataDir, 'run/lxc/102.pid')), 'the clean-up');
  await expectNothingLeft(102);
  await lab.power(102, 'start');
  const pidFile = readFileSync(join(node.dataDir, 'run/lxc/102.pid'), 'utf8');
  process.kill(Number.parseInt(pidFile, 10), 'SIGKILL');
  await eventually(async () => (await lab.status(102)).status === 'stopped', 'stopped');
  await eventually(() => !existsSync(join(node.dataDir, 'run/lxc/102.pid')), 'the clean-up');
  await expectNothingLeft(102);
});

test('an OCI image becomes a container that runs its program, as its user and with its environment', async () => {
  const folder = join(node.dataDir, 'storage/template/cache');
  const layout = join(node.dataDir, 'spool/oci');
  const script = 'echo $GREETING $(id -u):$(id -g) $(pwd) >/tmp/said; exec sleep 1000';
  await makeImage(layout, {
    tag: 'latest',
    files: { 'etc/passwd': 'root:x:0:0::/:/bin/sh\napp:x:33:44::/:/bin/sh\n', 'tmp/x': '', 'srv/x': '' },
    change: async (root) => {
      await run('cp', ['-r', '/bin/busybox', join(root, 'busybox')]);
      for (const name of ['proc', 'sys', 'dev', 'bin']) await mkdir(join(root, name));
      for (const name of ['sh', 'id', 'sleep', 'cat']) await symlink('../busybox', join(root, 'bin', name));
      await chmod(join(root, 'tmp'), 0o1777);
    },
    config: [
      ...['--config.entrypoint', '/bin/sh', '--config.cmd', '-c', '--config.cmd', script],
      ...['--config.env', 'PATH=/bin', '--config.env', 'GREETING=good day', '--config.user', 'app'],
      ...['--config.workingdir', '/srv', '--config.stopsignal', 'SIGKILL'],
    ],
  });
  await run('skopeo', [
    '--insecure-policy',
    'copy',
    `oci:${layout}:latest`,
    `oci-archive:${folder}/app_1.tar`,
  ]);
  await rm(layout, { recursive: true });
  await lab.create(110, { ostemplate: 'local:vztmpl/app_1.tar' });
  const config = await lab.admin.get<Record<string, unknown>>(lab.path(110, '/config'));
  expect(config).toMatchObject({ env: 'PATH=/bin\0GREETING=good day', entrypoint: '/.oci-program' });
  await lab.power(110, 'start');
  const said = () => lab.inside(110, '/bin/cat /tmp/said').catch(() => '');
  await waitFor(async () => (await said()) !== '', { timeout: 60, what: 'a word of the program' });
  expect(await said()).toBe('good day 33:44 /srv');
  await lab.power(110, 'stop');
});
