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
  await waitFor(
    async () => {
      journal = await machine.run('journalctl --no-pager -u ryokan | tail -40');
      return machine.run(`${ryokan} status`).catch(() => undefined);
    },
    { timeout: 900, every: 3000, what: () => `the node to run: ${journal}` },
  );
  expect(await machine.run('systemctl is-active ryokan')).toBe('active');
  const password = await machine.run('cat /var/lib/ryokan/initial-admin-password');
  admin = await logIn(machine.url, 'admin@pve', password);
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
  await admin.run(
    'POST',
    `${path}/lxc`,
    {
      vmid: 200,
      ostemplate: 'local:vztmpl/busybox.tar.gz',
      ostype: 'unmanaged',
      rootfs: 'local:1',
      memory: 64,
      cores: 1,
    },
    300,
  );
  await admin.run('POST', `${path}/lxc/200/status/start`, {}, 300);
  const init = await machine.run('cat /var/lib/ryokan/run/lxc/200.pid');
  const group = (await machine.run(`cat /proc/${init}/cgroup`)).replace(/^0::/, '');
  console.log(group, await machine.run(`cat /proc/${init}/attr/current`));
  expect(
    await machine.run(
      `f=/sys/fs/cgroup${group}; while [ $f != /sys/fs/cgroup ]; do cat $f/memory.max; f=\${f%/*}; done`,
    ),
  ).toMatch(/67108864/);
}, 1_000_000);
