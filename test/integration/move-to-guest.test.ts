/** Disks that are given to another guest, and volumes that a look at the storages finds. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import type { Parameters } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { qmp } from '../lib/qmp.ts';

let node: TestNode;
let admin: ApiSession;
beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  const guest = { memory: 32, scsihw: 'virtio-scsi-single' };
  await admin.run('POST', `${node.path}/qemu`, {
    ...guest,
    vmid: 400,
    scsi0: 'local:1',
    scsi1: 'local:1,discard=on,iothread=1',
    boot: 'order=scsi0;scsi1',
  });
  await admin.run('POST', `${node.path}/qemu`, { ...guest, vmid: 401, scsi0: 'local:1' });
});
afterAll(() => node?.stop());

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const config = (vmid: number) => admin.get<Record<string, string>>(qemu(vmid, '/config'));
const image = (vmid: number, file: string) => join(node.dataDir, 'storage/images', String(vmid), file);
const write = (path: string, byte: number) =>
  run('qemu-io', ['-f', 'qcow2', '-c', `write -q -P ${byte} 1M 64k`, path]);
const check = async (path: string, byte: number) => {
  const args = ['-r', '-U', '-f', 'qcow2', '-c', `read -P ${byte} 1M 64k`, path];
  const { stdout } = await run('qemu-io', args, { okCodes: [0, 1] });
  return /read 65536\/65536/.test(stdout) && !/verification failed/.test(stdout);
};
const give = (vmid: number, params: Parameters) => admin.run('POST', qemu(vmid, '/move_disk'), params);
const refused = async (vmid: number, params: Parameters) => {
  const answer = await admin.answer('POST', qemu(vmid, '/move_disk'), params);
  expect(answer.status).not.toBe(200);
  return `${answer.reason} ${answer.body.toString()}`;
};

describe('giving a disk to another guest', () => {
  test('the volume, its data and its options go over; the boot order forgets it', async () => {
    await write(image(400, 'vm-400-disk-1.qcow2'), 0x21);
    const { digest } = await config(400);
    const target = (await config(401)).digest;
    const params = { disk: 'scsi1', 'target-vmid': 401, digest, 'target-digest': target };
    await give(400, params);
    const [from, to] = [await config(400), await config(401)];
    expect(from.scsi1).toBeUndefined();
    expect(from.boot).toBe('order=scsi0');
    expect(to.scsi1).toBe('local:401/vm-401-disk-1.qcow2,discard=on,iothread=1,size=1G');
    expect(existsSync(image(400, 'vm-400-disk-1.qcow2'))).toBe(false);
    expect(await check(image(401, 'vm-401-disk-1.qcow2'), 0x21)).toBe(true);
  });

  test('back by the command line, as an unused disk, and from there into use', async () => {
    await node.cli('qm', 'disk', 'move', '401', 'scsi1', '--target-vmid', '400', '--target-disk', 'unused0');
    expect((await config(400)).unused0).toBe('local:400/vm-400-disk-1.qcow2');
    await admin.call('PUT', qemu(400, '/config'), { scsi1: 'local:400/vm-400-disk-1.qcow2' });
    expect((await config(400)).unused0).toBeUndefined();
    expect(await check(image(400, 'vm-400-disk-1.qcow2'), 0x21)).toBe(true);
  });

  test('what cannot be is refused, and says why', async () => {
    const toOther = { 'target-vmid': 401, 'target-disk': 'scsi5' };
    expect(await refused(400, { disk: 'scsi1' })).toMatch(/both 'storage' and 'target-vmid' missing/);
    expect(await refused(400, { disk: 'scsi1', storage: 'local', ...toOther })).toMatch(/but not both/);
    expect(await refused(400, { disk: 'scsi1', 'target-vmid': 400 })).toMatch(/different than source VMID/);
    expect(await refused(400, { disk: 'scsi1', 'target-vmid': 999 })).toMatch(/999.conf' does not exist/);
    expect(await refused(400, { disk: 'scsi9', ...toOther })).toMatch(/Disk 'scsi9' for VM '400' does not/);
    expect(await refused(400, { disk: 'scsi0', 'target-vmid': 401 })).toMatch(/'scsi0' is already in use/);
    const stale = { digest: '0'.repeat(40) };
    expect(await refused(400, { disk: 'scsi1', ...toOther, ...stale })).toMatch(/VM 400: detected modified/);
    const staleTarget = { 'target-digest': '0'.repeat(40) };
    expect(await refused(400, { disk: 'scsi1', ...toOther, ...staleTarget })).toMatch(/VM 401: detected/);
    await admin.call('PUT', qemu(400, '/config'), { scsi1: 'local:400/vm-400-disk-1.qcow2,iothread=1' });
    const ide = { 'target-vmid': 401, 'target-disk': 'ide1' };
    expect(await refused(400, { disk: 'scsi1', ...ide })).toMatch(/options of 'scsi1' do not fit 'ide1'/);
    await admin.run('POST', qemu(400, '/snapshot'), { snapname: 'one' });
    expect(await refused(400, { disk: 'scsi1', ...toOther })).toMatch(/used by a snapshot/);
    await admin.run('DELETE', qemu(400, '/snapshot/one'));
    expect((await config(400)).scsi1).toMatch(/^local:400\/vm-400-disk-1/);
  });

  test('running guests: the giver has to let go first, the taker gets it at once', async () => {
    await admin.run('POST', qemu(400, '/status/start'));
    await admin.run('POST', qemu(401, '/status/start'));
    const params = { disk: 'scsi1', 'target-vmid': 401, 'target-disk': 'scsi4' };
    expect(await refused(400, params)).toMatch(/source VM is running - detach first/);
    // Unplugging asks the guest, and this one has no system that would answer: it is taken away stopped.
    await admin.run('POST', qemu(400, '/status/stop'));
    await admin.call('PUT', qemu(400, '/unlink'), { idlist: 'scsi1' });
    await admin.run('POST', qemu(400, '/status/start'));
    await give(400, { ...params, disk: 'unused0' });
    const current = await admin.get<Record<string, string>>(qemu(401, '/config'), { current: 1 });
    expect(current.scsi4).toBe('local:401/vm-401-disk-1.qcow2,size=1G');
    const blocks = await qmp(node.guestSocket(401, 'qmp'), 'query-block');
    expect(JSON.stringify(blocks)).toContain('vm-401-disk-1.qcow2');
    for (const vmid of [400, 401]) await admin.run('POST', qemu(vmid, '/status/stop'));
  });

  test('a linked clone stays one, and its base stays in use', async () => {
    await write(image(401, 'vm-401-disk-1.qcow2'), 0x22);
    await admin.run('POST', qemu(401, '/template'));
    await admin.run('POST', qemu(401, '/clone'), { newid: 402 });
    await give(402, { disk: 'scsi4', 'target-vmid': 400, 'target-disk': 'scsi4' });
    const { scsi4 } = await config(400);
    expect(scsi4).toMatch(/^local:401\/base-401-disk-1\.qcow2\/400\/vm-400-disk-1\.qcow2,/);
    expect(await check(image(400, 'vm-400-disk-1.qcow2'), 0x22)).toBe(true);
    const upid = await admin.call<string>('DELETE', qemu(401));
    expect((await admin.taskEnd(upid)).exitstatus).toMatch(/still in use by linked clone/);
    expect(await refused(401, { disk: 'scsi0', 'target-vmid': 400, 'target-disk': 'scsi7' })).toMatch(
      /Can't move disks from or to template VMs/,
    );
    await admin.run('POST', qemu(400, '/status/start'));
    await admin.run('POST', qemu(400, '/status/stop'));
  });
});

test('a look at the storages: sizes become right, forgotten volumes become unused disks', async () => {
  await run('qemu-img', ['resize', '-q', '-f', 'qcow2', image(400, 'vm-400-disk-0.qcow2'), '3G']);
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', image(400, 'vm-400-disk-9.qcow2'), '1G']);
  const before = await config(400);
  await node.cli('qm', 'rescan', '--vmid', '400', '--dryrun', '1');
  expect(await config(400)).toEqual(before);
  const { stdout } = await node.cli('qm', 'disk', 'rescan');
  expect(stdout).toContain("VM 400: 'scsi0' has 3G");
  const after = await config(400);
  expect(after.scsi0).toMatch(/size=3G$/);
  expect(after.unused0).toBe('local:400/vm-400-disk-9.qcow2');
  expect(Object.keys(after).sort()).toEqual([...Object.keys(before), 'unused0'].sort());
  await node.cli('qm', 'disk', 'unlink', '400', '--idlist', 'unused0', '--force', '1');
  expect(existsSync(image(400, 'vm-400-disk-9.qcow2'))).toBe(false);
});
