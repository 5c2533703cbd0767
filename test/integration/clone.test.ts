/** Clones and templates by the API, read back from the images. */
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { qmp } from '../lib/qmp.ts';

let node: TestNode;
let admin: ApiSession;
/** Folder of a second storage. */
let second: string;
beforeAll(async () => {
  second = await mkdtemp(join(tmpdir(), 'ryokan-second-'));
  // The guests' user has to pass.
  await chmod(second, 0o755);
  node = await startNode();
  admin = await node.admin();
});
afterAll(async () => {
  await node?.stop();
  await rm(second, { recursive: true, force: true });
});

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
    ['drive-scsi0-2', 'file-scsi0-2', 'format-scsi0-2'].sort(),
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

test('limits of a disk hold for its guest, not for its move, and go along', async () => {
  const limited = async () => {
    const socket = node.guestSocket(303, 'qmp');
    const objects = (await qmp(socket, 'qom-list', { path: '/objects' })) as { name: string }[];
    const groups = objects.map((one) => one.name).filter((name) => name.startsWith('throttle-'));
    const limits = groups.map((name) =>
      qmp(socket, 'qom-get', { path: `/objects/${name}`, property: 'limits' }),
    );
    return ((await Promise.all(limits)) as { 'bps-write': number }[]).map(
      (one) => one['bps-write'] / 1024 ** 2,
    );
  };
  await admin.run('POST', `${node.path}/qemu`, { vmid: 303, memory: 32, scsi0: 'local:0.0625,mbps_wr=1' });
  const path = pathOf((await config(303)).scsi0);
  await run('qemu-io', ['-f', formatOf(path), '-c', 'write -q -P 7 0 48M', path]);
  await admin.run('POST', qemu(303, '/status/start'));
  const begun = performance.now();
  await admin.run('POST', qemu(303, '/move_disk'), {
    disk: 'scsi0',
    storage: 'local',
    format: 'raw',
    delete: 1,
  });
  // With its limit it would take 48 s.
  expect(performance.now() - begun).toBeLessThan(30_000);
  expect(await limited()).toEqual([1]);
  await admin.run('POST', qemu(303, '/config'), {
    scsi0: (await config(303)).scsi0?.replace('wr=1', 'wr=2'),
  });
  expect(await limited()).toEqual([2]);
  await admin.run('POST', qemu(303, '/status/stop'));
  await admin.run('DELETE', qemu(303));
});

test('a clone of a snapshot has its disks, on another storage and in another format, and its configuration', async () => {
  await admin.call('POST', '/storage', {
    ...{ storage: 'second', type: 'dir', content: 'images', path: second },
  });
  await admin.run('POST', `${node.path}/qemu`, {
    ...{
      vmid: 330,
      name: 'shop',
      memory: 64,
      description: 'of the shop',
      scsi0: 'local:1',
      virtio3: 'local:1',
    },
    ...{ bios: 'ovmf', efidisk0: 'local:1,efitype=4m', ide2: 'local:cloudinit', ciuser: 'me', cores: 2 },
  });
  const before = await config(330);
  await write(before.scsi0, 0x31);
  await write(before.virtio3, 0x32);
  await admin.run('POST', qemu(330, '/snapshot'), { snapname: 'then', description: 'of then' });
  await write(before.scsi0, 0x41);
  await admin.call('PUT', qemu(330, '/config'), { cores: 1, delete: 'virtio3' });
  await admin.run('POST', qemu(330, '/clone'), {
    ...{ newid: 331, name: 'shop-then', snapname: 'then', storage: 'second', format: 'raw', bwlimit: 0 },
  });
  const clone = await config(331);
  expect(clone).toMatchObject({
    ...{ name: 'shop-then', description: 'of the shop', cores: 2, ciuser: 'me' },
    scsi0: 'second:331/vm-331-disk-0.raw,size=1G',
    virtio3: 'second:331/vm-331-disk-1.raw,size=1G',
    efidisk0: 'second:331/vm-331-disk-2.raw,efitype=4m,size=528K',
    ide2: 'second:331/vm-331-cloudinit.qcow2,media=cdrom,size=4M',
  });
  for (const key of ['parent', 'snaptime', 'snapstate', 'unused0']) expect(clone[key]).toBeUndefined();
  const image = (disk: number) => join(second, `images/331/vm-331-disk-${disk}.raw`);
  for (const [disk, byte] of [
    [0, 0x31],
    [1, 0x32],
  ] as const) {
    const { stdout } = await run('qemu-io', ['-r', '-f', 'raw', '-c', `read -P ${byte} 1M 64k`, image(disk)]);
    expect(stdout).not.toMatch(/verification failed/);
  }
  await run('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', pathOf(before.efidisk0), image(2)]);
  await admin.run('POST', qemu(331, '/status/start'));
  await admin.run('POST', qemu(331, '/status/stop'));
  const refused = await admin.answer('POST', qemu(330, '/clone'), { newid: 332, snapname: 'never' });
  expect(refused.reason).toBe("snapshot 'never' does not exist");
  const linked = await admin.answer('POST', qemu(330, '/clone'), { newid: 332, snapname: 'then', full: 0 });
  expect(linked.reason).toMatch(/^Linked clone feature is not supported for drive 'scsi0'/);
});

test('firmware variables of a running guest are copied, moved when it is stopped; the state of a TPM too', async () => {
  await admin.run('DELETE', qemu(330, '/snapshot/then'));
  // Halted before its first instruction, so that both copies are of the same moment.
  await admin.call('PUT', qemu(330, '/config'), { freeze: 1 });
  await admin.run('POST', qemu(330, '/status/start'));
  await admin.run('POST', qemu(330, '/clone'), { newid: 332 });
  const status = (await qmp(node.guestSocket(330, 'qmp'), 'query-status')) as { status: string };
  expect(status.status).toBe('prelaunch');
  await admin.run('POST', qemu(330, '/status/stop'));
  await admin.run('POST', qemu(330, '/move_disk'), { disk: 'efidisk0', storage: 'second', delete: 1 });
  const { efidisk0 } = await config(330);
  expect(efidisk0).toMatch(/^second:330\/vm-330-disk-0\.qcow2,efitype=4m,size=528K$/);
  const [ours, copy] = [join(second, 'images/330/vm-330-disk-0.qcow2'), (await config(332)).efidisk0];
  await run('qemu-img', ['compare', '-f', 'qcow2', '-F', 'qcow2', ours, pathOf(copy)]);
  await admin.call('PUT', qemu(332, '/config'), { tpmstate0: 'local:1,version=v2.0' });
  await admin.run('POST', qemu(332, '/status/start'));
  const refused = await admin.answer('POST', qemu(332, '/clone'), { newid: 333 });
  expect(refused.reason).toMatch(/cannot clone TPM state while VM 332 is running/);
  await admin.run('POST', qemu(332, '/status/stop'));
  await admin.run('POST', qemu(332, '/clone'), { newid: 333 });
  const states = await Promise.all([332, 333].map(async (vmid) => pathOf((await config(vmid)).tpmstate0)));
  await run('cmp', states);
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
