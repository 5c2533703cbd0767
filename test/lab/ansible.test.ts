/**
 * Ansible's Proxmox modules (community.general, as Debian ships it) against a running node: each play twice, where the
 * second run must change nothing. The plays stand in test/clients/ansible. Some 80 s: Ansible is slow, therefore in the lab.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExecError, run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { writeBusyboxTemplate } from '../lib/busybox-template.ts';
import { projectRoot, startNode, type TestNode } from '../lib/node.ts';
import { inGuest } from '../lib/serial-shell.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';

interface TaskResult {
  readonly changed?: boolean;
  readonly failed?: boolean;
  readonly skipped?: boolean;
  readonly msg?: string;
  readonly [key: string]: unknown;
}

let node: TestNode;
let admin: ApiSession;
let folder: string;
let facts: Record<string, string>;

beforeAll(async () => {
  node = await startNode({ natBridge: true });
  admin = await node.admin();
  folder = await mkdtemp('/tmp/ryn-ansible-');
  const { iso: image } = await buildTinyGuest(testCacheDir());
  const token = await admin.call<{ 'full-tokenid': string; value: string }>(
    'POST',
    '/access/users/admin@pve/token/ansible',
    { privsep: 0 },
  );
  const template = join(folder, 'busybox.tar.gz');
  await writeBusyboxTemplate(template);
  facts = {
    template,
    api: `127.0.0.1:${node.port}`,
    node: node.name,
    user: 'admin@pve',
    password: await node.adminPassword(),
    token: token['full-tokenid'],
    secret: token.value,
    image,
  };
});
afterAll(async () => {
  await node?.stop();
  if (folder) await rm(folder, { recursive: true });
});

/** Debian's own Python for modules and control; no certificates from the environment, they would win over `false`. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    LC_ALL: 'C.UTF-8',
    ANSIBLE_STDOUT_CALLBACK: 'json',
    ANSIBLE_LOCALHOST_WARNING: 'false',
    ANSIBLE_INVENTORY_UNPARSED_WARNING: 'false',
    ANSIBLE_DEPRECATION_WARNINGS: 'false',
    ANSIBLE_LOCAL_TEMP: join(folder, 'local'),
    ANSIBLE_REMOTE_TEMP: join(folder, 'remote'),
    ANSIBLE_HOME: join(folder, 'home'),
  };
  for (const name of ['REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE', 'CURL_CA_BUNDLE']) delete env[name];
  return env;
}

/** Runs a play and gives each task's result by the task's name; fails with what a failed task said. */
async function play(
  name: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Map<string, TaskResult>> {
  const variables = { ...facts, ansible_python_interpreter: '/usr/bin/python3', ...more };
  const file = join(projectRoot, 'test/clients/ansible', `${name}.yml`);
  const { stdout } = await run(
    '/usr/bin/ansible-playbook',
    ['-i', 'localhost,', '-c', 'local', '-e', JSON.stringify(variables), file],
    { env: environment(), timeout: 280_000, okCodes: [0, 2] },
  ).catch((error: unknown) => {
    throw error instanceof ExecError ? new Error(`ansible-playbook: ${error.stderr}`) : error;
  });
  const report = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    plays: { tasks: { task: { name: string }; hosts: { localhost: TaskResult } }[] }[];
  };
  const results = new Map<string, TaskResult>();
  for (const { task, hosts } of report.plays[0]?.tasks ?? []) results.set(task.name, hosts.localhost);
  const failures = [...results].filter(([, one]) => one.failed).map(([task, one]) => `${task}: ${one.msg}`);
  expect(failures, name).toEqual([]);
  return results;
}

type HostVariables = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Inventory {
  readonly groups: Readonly<Record<string, { readonly hosts?: readonly string[] }>>;
  readonly hosts: HostVariables;
}

/** What the inventory plugin makes of the node. */
async function inventory(): Promise<Inventory> {
  const [user = '', id = ''] = (facts.token ?? '').split('!');
  const { stdout } = await run(
    '/usr/bin/ansible-inventory',
    ['-i', join(projectRoot, 'test/clients/ansible/inventory.proxmox.yml'), '--list'],
    {
      timeout: 120_000,
      env: {
        ...environment(),
        PROXMOX_URL: `https://${facts.api}`,
        PROXMOX_USER: user,
        PROXMOX_TOKEN_ID: id,
        PROXMOX_TOKEN_SECRET: facts.secret,
      },
    },
  );
  const { _meta: meta, ...groups } = JSON.parse(stdout) as Inventory['groups'] & {
    readonly _meta: { readonly hostvars: HostVariables };
  };
  return { groups, hosts: meta.hostvars };
}

/** Tasks that say they have changed something. */
const changed = (results: ReadonlyMap<string, TaskResult>): string[] =>
  [...results].filter(([, one]) => one.changed).map(([task]) => task);

test('guests as a playbook wants them: the second run changes nothing', async () => {
  const first = await play('present');
  expect(changed(first)).toEqual([...first.keys()]);
  const config = await admin.get<Record<string, unknown>>(`${node.path}/qemu/200/config`);
  expect(config).toMatchObject({
    name: 'web',
    cores: 2,
    description: 'made by a playbook',
    tags: 'blue;green',
    scsi0: expect.stringContaining('size=2G'),
    scsi1: expect.stringContaining('size=1G'),
    net0: expect.stringContaining('bridge=vmbr0'),
    net1: expect.stringMatching(/^e1000=.*,bridge=vmbr0,firewall=1,link_down=1$/),
  });
  expect(changed(await play('present'))).toEqual([]);
  expect(await admin.get(`${node.path}/qemu/200/status/current`)).toMatchObject({ status: 'running' });
});

test('the inventory has the guests as hosts, in groups, with their settings as facts, and the same again', async () => {
  await admin.call('POST', '/pools', { poolid: 'shop' });
  await admin.call('PUT', '/pools', { poolid: 'shop', vms: '200' });
  const seen = await inventory();
  expect(seen.groups.proxmox_all_qemu?.hosts).toEqual(expect.arrayContaining(['web', 'copy']));
  expect(seen.groups[`proxmox_${node.name}_qemu`]).toEqual(seen.groups.proxmox_all_qemu);
  for (const group of ['proxmox_all_running', 'proxmox_pool_shop', 'tag_blue'])
    expect(seen.groups[group]?.hosts, group).toEqual(['web']);
  expect(seen.hosts.web).toMatchObject({
    ...{ proxmox_vmid: 200, proxmox_node: node.name, proxmox_vmtype: 'qemu', proxmox_status: 'running' },
    ...{ proxmox_qmpstatus: 'running', proxmox_snapshots: ['before'], cores_of_guest: '2' },
    ...{ proxmox_tags_parsed: ['blue', 'green'], proxmox_net0: { bridge: 'vmbr0' } },
  });
  expect(await inventory()).toEqual(seen);
});

test('changes, power, rollback and questions, with an API token', async () => {
  // The module gives a guest 30 s to go down, so it has to listen to its power button by then.
  await inGuest(node.guestSocket(200, 'serial0'), 'true');
  const seen = await play('change');
  expect(await admin.get(`${node.path}/qemu/202/config`)).toMatchObject({ cores: 3, name: 'copy' });
  expect(seen.get('state')).toMatchObject({ status: 'running' });
  expect(seen.get('realms')?.proxmox_domains).toEqual(
    expect.arrayContaining([expect.objectContaining({ realm: 'pve' })]),
  );
  expect(seen.get('users')?.proxmox_users).toEqual(
    expect.arrayContaining([expect.objectContaining({ userid: 'admin@pve' })]),
  );
  expect(seen.get('storages')?.proxmox_storages).toEqual([expect.objectContaining({ storage: 'local' })]);
  expect(seen.get('tasks')?.proxmox_tasks).toContainEqual(expect.objectContaining({ type: 'qmcreate' }));
});

test('all of it away again: the second run changes nothing', async () => {
  const first = await play('absent', { gone: false });
  expect(changed(first)).toEqual([...first.keys()]);
  expect(await admin.get('/cluster/resources', { type: 'vm' })).toEqual([]);
  expect(changed(await play('absent', { gone: true }))).toEqual([]);
});

test('containers too: created, started, restarted, stopped, removed; what is so already stays', async () => {
  const first = await play('containers-present');
  expect(changed(first)).toEqual([...first.keys()]);
  expect(await admin.get(`${node.path}/lxc/300/config`)).toMatchObject({
    ...{ hostname: 'box', memory: 64, swap: 0, unprivileged: 1, features: 'nesting=1', tags: 'blue;green' },
    ...{
      onboot: 1,
      net0: expect.stringContaining('bridge=vmbr0'),
      rootfs: expect.stringContaining('local:'),
    },
  });
  expect(await admin.get(`${node.path}/lxc/300/status/current`)).toMatchObject({ status: 'running' });
  expect(changed(await play('containers-present'))).toEqual([]);
  expect((await inventory()).hosts.box).toMatchObject({
    ...{ proxmox_vmid: 300, proxmox_vmtype: 'lxc', proxmox_status: 'running', proxmox_hostname: 'box' },
    ...{ proxmox_features: { nesting: '1' }, proxmox_tags_parsed: ['blue', 'green'] },
  });
  const last = await play('containers-absent', { gone: false });
  expect(changed(last)).toEqual([...last.keys()]);
  expect(await admin.get(`${node.path}/lxc`)).toEqual([]);
  expect(changed(await play('containers-absent', { gone: true }))).toEqual([]);
});
