/** Clones and templates by the API, read back from the images. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { qmp } from '../lib/qmp.ts';

let node: TestNode;
let admin: ApiSession;
beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
});
afterAll(() => node?.stop());

type Config = Record<string, string>;
const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const config = (vmid: number) => admin.get<Config>(qemu(vmid, '/config'));
const pathOf = (volid = '') =>
  join(
    node.dataDir,
    'storage/images',
    (volid.split(',')[0] ?? '').replace(/^local:/, '').replace(/^.*\/(\d+\/[^/]+)$/, '$1'),
  );
const formatOf = (path: string) => (path.endsWith('.raw') ? 'raw' : 'qcow2');

async function write(volid: string | undefined, byte: number): Promise<void> {
  const path = pathOf(volid);
  await run('qemu-io', ['-f', formatOf(path), '-c', `write -q -P ${byte} 1M 64k`, path]);
}
async function holds(volid: string | undefined, byte: number): Promise<boolean> {
  const path = pathOf(volid);
  const args = ['-r', '-U', '-f', formatOf(path), '-c', `read -P ${byte} 1M 64k`, path];
  const { stdout } = await run('qemu-io', args, { okCodes: [0, 1] });
  return !/verification failed/.test(stdout);
}

test('a full clone has its own data, addresses and identity', async () => {
  await admin.run('POST', `${node.path}/qemu`, {
    vmid: 300,
    name: 'web',
    memory: 64,
    scsi0: 'local:1,discard=on',
    net0: 'virtio',
    vmgenid: 1,
  });
  const before = await config(300);
  await write(before.scsi0, 0x11);
  await admin.run('POST', qemu(300, '/clone'), { newid: 301, full: 1, format: 'raw' });
  const clone = await config(301);
  expect(clone.name).toBe('Copy-of-VM-web');
  expect(clone.scsi0).toMatch(/^local:301\/vm-301-disk-0\.raw,discard=on,size=1G$/);
  for (const key of ['net0', 'smbios1', 'vmgenid']) expect(clone[key]).not.toBe(before[key]);
  expect(clone.lock).toBeUndefined();
  expect(await holds(clone.scsi0, 0x11)).toBe(true);
  await write(before.scsi0, 0x12);
  expect(await holds(clone.scsi0, 0x11)).toBe(true);
});

test('a running guest is cloned, and nothing of the copy stays in its QEMU', async () => {
  await admin.run('POST', qemu(300, '/status/start'));
  await admin.run('POST', qemu(300, '/clone'), { newid: 302 });
  expect(await holds((await config(302)).scsi0, 0x12)).toBe(true);
  const jobs = await qmp(node.guestSocket(300, 'qmp'), 'query-jobs');
  expect(jobs).toEqual([]);
  const status = (await qmp(node.guestSocket(300, 'qmp'), 'query-status')) as { status: string };
  expect(status.status).toBe('running');
});

test('a disk moves to another format while the guest runs, and back when it is stopped', async () => {
  const source = (await config(300)).scsi0;
  const format = /qcow2/.test(source ?? '') ? 'raw' : 'qcow2';
  await admin.run('POST', qemu(300, '/move_disk'), { disk: 'scsi0', storage: 'local', format });
  const moved = await config(300);
  expect(moved.scsi0).toMatch(new RegExp(`\\.${format},discard=on,size=1G$`));
  expect(moved.unused0).toBe(source?.split(',')[0]);
  expect(await holds(moved.scsi0, 0x12)).toBe(true);
  const nodes = (await qmp(node.guestSocket(300, 'qmp'), 'query-named-block-nodes', { flat: true })) as {
    'node-name': string;
  }[];
  expect(nodes.map((one) => one['node-name']).sort()).toEqual(
    ['drive-scsi0', 'file-scsi0-2', 'format-scsi0-2'].sort(),
  );
  await admin.run('PUT', qemu(300, '/resize'), { disk: 'scsi0', size: '+1G' });
  await admin.run('POST', qemu(300, '/status/stop'));
  const other = format === 'raw' ? 'qcow2' : 'raw';
  await admin.run('POST', qemu(300, '/move_disk'), {
    disk: 'scsi0',
    storage: 'local',
    format: other,
    delete: 1,
  });
  const back = await config(300);
  expect(back.scsi0).toMatch(new RegExp(`\\.${other},discard=on,size=2G$`));
  expect(await holds(back.scsi0, 0x12)).toBe(true);
  expect((await readdir(join(node.dataDir, 'storage/images/300'))).length).toBe(2);
  const refused = await admin.answer('POST', qemu(300, '/move_disk'), { disk: 'scsi0', storage: 'local' });
  expect(refused.reason).toMatch(/same storage with same format/);
});

test('a template has linked clones, 20 at once', async () => {
  await admin.call('PUT', qemu(300, '/config'), { delete: 'unused0' });
  await admin.run('POST', qemu(300, '/template'));
  const template = await config(300);
  expect(template.scsi0).toMatch(/^local:300\/base-300-disk-/);
  expect(Number(template.template)).toBe(1);
  expect(
    (await admin.get<{ hasFeature: number }>(qemu(300, '/feature'), { feature: 'clone' })).hasFeature,
  ).toBe(1);
  const vmids = Array.from({ length: 20 }, (_, i) => 310 + i);
  await Promise.all(vmids.map((newid) => admin.run('POST', qemu(300, '/clone'), { newid }, 120)));
  const clones = await Promise.all(vmids.map(config));
  expect(new Set(clones.map((one) => one.net0)).size).toBe(20);
  for (const clone of clones) expect(clone.template).toBeUndefined();
  expect(await holds(clones[7]?.scsi0, 0x12)).toBe(true);
  const taken = await admin.answer('POST', qemu(300, '/clone'), { newid: 310 });
  expect(taken.reason).toMatch(/already exists/);
});
