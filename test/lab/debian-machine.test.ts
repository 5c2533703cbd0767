/**
 * The node on a machine as people have it: Debian 13 with systemd as init, udev, AppArmor and control groups v2. The
 * machine is emulated, and so are the guests in it: minutes, therefore in the lab.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { writeBusyboxTemplate } from '../lib/busybox-template.ts';
import { DebianMachine } from '../lib/debian-machine.ts';
import { jsonOf } from '../lib/http-client.ts';
import { waitFor } from '../lib/wait.ts';

let machine: DebianMachine;
let admin: ApiSession;
const ryokan = 'cd /opt/ryokan && ./ryokan';
const path = '/nodes/machine13';

beforeAll(async () => {
  machine = await DebianMachine.boot(testCacheDir());
}, 3_600_000);
afterAll(async () => {
  admin?.close();
  await machine?.remove();
});

test('the node starts by systemd and is there from outside', async () => {
  expect(
    await machine.run(
      'systemctl is-system-running --wait || true; systemctl --failed --plain --no-legend',
      600,
    ),
  ).toMatch(/running|degraded/);
  await machine.run(`${ryokan} install-service && systemctl start ryokan`, 300);
  let journal = '';
  const password = await waitFor(
    async () => {
      journal = await machine.run('journalctl --no-pager -u ryokan | tail -40');
      return machine.run('cat /var/lib/ryokan/initial-admin-password').catch(() => undefined);
    },
    { timeout: 900, every: 3000, what: () => `the node to run: ${journal}` },
  );
  expect(await machine.run('systemctl is-active ryokan')).toBe('active');
  admin = await waitFor(() => logIn(machine.url, 'admin@pve', password).catch(() => undefined), {
    timeout: 300,
    every: 3000,
    what: 'a login from outside',
  });
  expect(await admin.get<{ node: string }[]>('/nodes')).toMatchObject([
    { node: 'machine13', status: 'online' },
  ]);
}, 2_000_000);

test('a container lives in control groups v2 and under AppArmor', async () => {
  const folder = await mkdtemp('/tmp/ryokan-template-');
  try {
    await writeBusyboxTemplate(join(folder, 'busybox.tar.gz'));
    const upload = await admin.uploadFile(`${path}/storage/local/upload`, join(folder, 'busybox.tar.gz'), {
      content: 'vztmpl',
    });
    expect((await admin.taskEnd(jsonOf<string>(upload).data, 120)).exitstatus).toBe('OK');
  } finally {
    await rm(folder, { recursive: true });
  }
  const limits = { memory: 64, swap: 0, cores: 1, cpulimit: 0.5, features: 'nesting=1' };
  const root = { ostemplate: 'local:vztmpl/busybox.tar.gz', ostype: 'unmanaged', rootfs: 'local:1' };
  await admin.run('POST', `${path}/lxc`, { vmid: 200, ...root, ...limits }, 300);
  await admin.run('POST', `${path}/lxc/200/status/start`, {}, 300);
  expect(await groupFiles('memory.max', 'memory.swap.max', 'cpu.max', 'cpuset.cpus')).toEqual([
    ...[String(64 * 1024 ** 2), '0', '50000 100000', expect.stringMatching(/^\d$/)],
  ]);
  // LXC makes each container a profile of its own.
  expect(await machine.run(`cat /proc/${await init()}/attr/current`)).toMatch(/^lxc-200_.*\(enforce\)/);
  // What its profile has to allow for other containers in it.
  expect(
    await machine.run(`${ryokan} pct exec 200 -- sh -c 'mount -t proc proc /tmp && echo mounted'`, 300),
  ).toBe('mounted');
  // What this version of LXC does not know or cannot do, it says there.
  expect(await machine.run('cat /var/lib/ryokan/log/lxc/200.log')).toBe('');
}, 1_000_000);

/** Process id of the container's init, as the machine has it. */
const init = () => machine.run('lxc-info --lxcpath /var/lib/ryokan/run/lxc --name 200 --pid --no-humanize');

/** Files of the container's control group. */
async function groupFiles(...names: string[]): Promise<string[]> {
  const group = '/sys/fs/cgroup/ryokan-machine13/200';
  return (await machine.run(`cd ${group} && cat ${names.join(' ')}`)).split('\n');
}

test('its limits change while it runs, and it is held and let go', async () => {
  await admin.call('PUT', `${path}/lxc/200/config`, { memory: 128, cpulimit: 1 });
  expect(await groupFiles('memory.max', 'cpu.max')).toEqual([String(128 * 1024 ** 2), '100000 100000']);
  await admin.run('POST', `${path}/lxc/200/status/suspend`, {}, 120);
  expect(await groupFiles('cgroup.freeze')).toEqual(['1']);
  await admin.run('POST', `${path}/lxc/200/status/resume`, {}, 120);
  expect(await groupFiles('cgroup.freeze')).toEqual(['0']);
}, 600_000);

test('a virtual machine starts, with its limits', async () => {
  await admin.run(
    'POST',
    `${path}/qemu`,
    {
      ...{ vmid: 100, memory: 64, cpulimit: 0.5, net0: 'virtio' },
      // Nothing in it hears of a shutdown.
      startup: 'down=5',
    },
    300,
  );
  await admin.run('POST', `${path}/qemu/100/status/start`, {}, 300);
  // The file names the process and when it began.
  const pid = await machine.run("cut -d ' ' -f 1 /var/lib/ryokan/run/qemu/100.pid");
  const group = (await machine.run(`cat /proc/${pid}/cgroup`)).replace(/^0::/, '');
  expect(await machine.run(`cat /sys/fs/cgroup${group}/cpu.max`)).toBe('50000 100000');
}, 1_000_000);

test('guests stay when systemd starts the node anew, and are shut down with the machine', async () => {
  const before = await init();
  await machine.run('systemctl restart ryokan', 300);
  await waitFor(
    () =>
      admin.get<{ vmid: number; status: string }[]>('/cluster/resources', { type: 'vm' }).then(
        (rows) => rows.length === 2 && rows.every(({ status }) => status === 'running'),
        () => false,
      ),
    { timeout: 300, every: 3000, what: 'the node with both guests' },
  );
  expect(await init()).toBe(before);
  // As at the machine's end: systemd stops what it has started, this unit before the node.
  await machine.run('systemctl stop ryokan-guests', 600);
  expect(await machine.run('systemctl is-active ryokan')).toBe('active');
  const statuses = await admin.get<{ status: string }[]>('/cluster/resources', { type: 'vm' });
  expect(statuses.map(({ status }) => status)).toEqual(['stopped', 'stopped']);
  expect(await machine.run('ls /sys/fs/cgroup/ryokan-machine13 2>/dev/null | grep -c "^200" || true')).toBe(
    '0',
  );
}, 1_000_000);
