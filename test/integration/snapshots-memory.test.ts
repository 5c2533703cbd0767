/** The memory of a running guest in a snapshot and on disk (suspend). A tiny Linux remembers what its shell was told. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { booted, inGuest } from '../lib/serial-shell.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';

let node: TestNode;
let admin: ApiSession;
const vmid = 320;

beforeAll(async () => {
  const tiny = await buildTinyGuest(testCacheDir());
  node = await startNode();
  admin = await node.admin();
  const folder = join(node.dataDir, 'storage/template/iso');
  await mkdir(folder, { recursive: true });
  await copyFile(tiny.iso, join(folder, 'tiny.iso'));
  await admin.run('POST', `${node.path}/qemu`, {
    ...{ vmid, memory: 128, serial0: 'socket', boot: 'order=ide2', cores: 2, machine: 'q35' },
    ...{ ide2: 'local:iso/tiny.iso,media=cdrom', scsihw: 'virtio-scsi-single' },
    ...{ scsi0: 'local:1,iothread=1', virtio0: 'local:1,format=qcow2', net0: 'virtio' },
    vmgenid: '1',
  });
  await admin.run('POST', qemu('/status/start'));
  await booted(port());
}, 300_000);
afterAll(() => node?.stop());

const qemu = (path = '') => `${node.path}/qemu/${vmid}${path}`;
const port = () => node.guestSocket(vmid, 'serial0');
const shell = (command: string) => inGuest(port(), command);
const config = () => admin.get<Record<string, string>>(qemu('/config'));
const section = (name: string) => admin.get<Record<string, string>>(qemu(`/snapshot/${name}/config`));
const qmpStatus = async () => (await admin.get<{ qmpstatus: string }>(qemu('/status/current'))).qmpstatus;
const images = () => readdir(join(node.dataDir, 'storage/images', String(vmid)));
const states = async () => (await images()).filter((name) => name.includes('-state-'));

/** The shell's variable, what the disks hold, and which boot this is: all that a snapshot with memory brings back. */
const remember = (word: string) =>
  shell(`W=${word}; for d in /dev/sda /dev/vda; do echo ${word} | dd of=$d conv=fsync 2>/dev/null; done`);
const recall = () => shell('echo $W; for d in /dev/sda /dev/vda; do head -n 1 $d; done');
const bootId = () => shell('cat /proc/sys/kernel/random/boot_id');

describe('a snapshot with memory', () => {
  test('has a volume for it, and says what the guest runs on', async () => {
    await remember('before');
    const { log } = await admin.run('POST', qemu('/snapshot'), { snapname: 'warm', vmstate: 1 });
    expect(log.join('\n')).toMatch(/made volume 'local:320\/vm-320-state-warm\.raw'/);
    expect(log.join('\n')).toMatch(/saved [\d.]+ MiB of memory/);
    expect(log.join('\n')).toMatch(/the guest stood still for \d+ ms/);
    expect(await section('warm')).toMatchObject({
      vmstate: 'local:320/vm-320-state-warm.raw',
      runningmachine: expect.stringMatching(/^pc-q35-\d+\.\d+$/),
      runningcpu: expect.stringMatching(/^max|^kvm64/),
    });
    expect(await states()).toEqual(['vm-320-state-warm.raw']);
    expect((await config()).vmstate).toBeUndefined();
    const rows = await admin.get<{ name: string; vmstate?: number }[]>(qemu('/snapshot'));
    expect(rows).toContainEqual(expect.objectContaining({ name: 'warm', vmstate: 1 }));
  });

  test('the guest goes on, and goes back to the very moment', async () => {
    expect(await qmpStatus()).toBe('running');
    const boot = await bootId();
    await remember('after');
    expect(await recall()).toBe('after\nafter\nafter');
    await admin.run('POST', qemu('/snapshot/warm/rollback'));
    expect(await qmpStatus()).toBe('running');
    expect(await recall()).toBe('before\nbefore\nbefore');
    expect(await bootId()).toBe(boot);
    // Once more: the state is read, not used up.
    await remember('again');
    await admin.run('POST', qemu('/snapshot/warm/rollback'), { start: 1 });
    expect(await recall()).toBe('before\nbefore\nbefore');
  });

  test('of a paused guest leaves it paused; without its volume nobody goes back to it', async () => {
    await admin.run('POST', qemu('/status/suspend'));
    await admin.run('POST', qemu('/snapshot'), { snapname: 'cold', vmstate: 1 });
    expect(await qmpStatus()).toBe('paused');
    await admin.run('POST', qemu('/status/resume'));
    expect(await recall()).toBe('before\nbefore\nbefore');
    await rm(join(node.dataDir, 'storage/images/320/vm-320-state-cold.raw'));
    expect((await admin.answer('POST', qemu('/snapshot/cold/rollback'))).reason).toMatch(/memory .* is gone/);
    await admin.run('DELETE', qemu('/snapshot/cold'));
  });

  test('removing it removes the volume', async () => {
    await admin.run('DELETE', qemu('/snapshot/warm'));
    expect(await states()).toEqual([]);
    expect(await recall()).toBe('before\nbefore\nbefore');
  });
});

test('a guest that works on all its CPUs while its memory is saved comes back sound', async () => {
  // What QEMU misses of the memory of an emulated guest that runs meanwhile, its kernel falls over within seconds.
  const complaints = () => shell('dmesg | grep -cE "corruption|Oops|BUG:"');
  const before = await complaints();
  await shell('while [ ! -e /tmp/enough ]; do ls -R /sys; cat /proc/self/maps; done >/dev/null 2>&1 & true');
  await admin.run('POST', qemu('/snapshot'), { snapname: 'busy', vmstate: 1 });
  for (let round = 0; round < 2; round++) {
    await admin.run('POST', qemu('/snapshot/busy/rollback'));
    expect(await complaints()).toBe(before);
  }
  await shell('touch /tmp/enough');
  await admin.run('DELETE', qemu('/snapshot/busy'));
});

describe('suspending to disk', () => {
  test('ends QEMU and keeps the memory; a start goes on from it', async () => {
    const boot = await bootId();
    await remember('asleep');
    await node.cli('qm', 'suspend', String(vmid), '--todisk', '1');
    const asleep = await config();
    expect(asleep.lock).toBe('suspended');
    expect(asleep.vmstate).toMatch(/^local:320\/vm-320-state-suspend-\d{4}-\d\d-\d\d\.raw$/);
    expect(await admin.get(qemu('/status/current'))).toMatchObject({ status: 'stopped', lock: 'suspended' });
    expect(await states()).toHaveLength(1);
    expect((await admin.answer('POST', qemu('/snapshot'), { snapname: 'no' })).reason).toMatch(/locked/);
    await admin.run('POST', qemu('/status/start'));
    const awake = await config();
    for (const key of ['lock', 'vmstate', 'runningmachine', 'runningcpu']) expect(awake[key]).toBeUndefined();
    expect(await states()).toEqual([]);
    expect(await recall()).toBe('asleep\nasleep\nasleep');
    expect(await bootId()).toBe(boot);
  });

  test('on a storage of the choice, and back by resume; the storage must be one', async () => {
    const refused = await admin.answer('POST', qemu('/status/suspend'), { todisk: 1, statestorage: 'none' });
    expect(refused.reason).toMatch(/storage 'none' does not exist/);
    await admin.run('POST', qemu('/status/suspend'), { todisk: 1, statestorage: 'local' });
    await node.cli('qm', 'resume', String(vmid));
    expect(await recall()).toBe('asleep\nasleep\nasleep');
  });

  test('removing the guest removes the memory of its snapshots', async () => {
    await admin.run('POST', qemu('/snapshot'), { snapname: 'last', vmstate: 1 });
    await admin.run('POST', qemu('/status/stop'));
    expect(await states()).toHaveLength(1);
    await admin.run('DELETE', qemu());
    expect(existsSync(join(node.dataDir, 'storage/images', String(vmid)))).toBe(false);
  });
});
