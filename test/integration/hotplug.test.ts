/** Changes of running guests that hold at once: QEMU does them, and the Linux in the guest sees them. */
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { GuestShell } from '../lib/guest-shell.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
let iso: string;
/** Two guests with Linux, booted at the same time: 300 on the chipset pc, 301 on q35. */
const shells = new Map<number, GuestShell>();

beforeAll(async () => {
  ({ iso } = await buildTinyGuest(testCacheDir()));
  node = await startNode({ natBridge: true });
  admin = await node.admin();
  await node.namespace.run('ip', 'link', 'add', 'vmbr1', 'type', 'bridge');
  await node.namespace.run('ip', 'link', 'set', 'vmbr1', 'up');
  const folder = join(node.dataDir, 'storage/template/iso');
  await mkdir(folder, { recursive: true });
  for (const name of ['tiny.iso', 'other.iso']) await copyFile(iso, join(folder, name));
  const numa = { cores: 2, vcpus: 1, numa: 1, memory: 1024, shares: 0 };
  const hotplug = 'network,disk,usb,cpu,memory,cloudinit';
  await Promise.all([
    bootGuest(300, { machine: 'pc', scsi0: 'local:1', ide0: 'local:cloudinit', hotplug, ...numa }),
    bootGuest(301, { machine: 'q35', memory: 128 }),
  ]);
}, 400_000);
afterAll(async () => {
  for (const shell of shells.values()) shell.close();
  await node?.stop();
});

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const put = (vmid: number, params: Record<string, string | number | undefined>) =>
  admin.call('PUT', qemu(vmid, '/config'), params);
const current = (vmid: number) => admin.get<Record<string, string>>(qemu(vmid, '/config'), { current: 1 });
const monitor = (vmid: number, command: string) =>
  admin.call<string>('POST', qemu(vmid, '/monitor'), { command });

/** Keys that wait for the next start. */
async function pendingKeys(vmid: number): Promise<string[]> {
  const rows = await admin.get<{ key: string; pending?: unknown; delete?: number }[]>(qemu(vmid, '/pending'));
  return rows.filter((row) => row.pending !== undefined || row.delete).map((row) => row.key);
}

async function bootGuest(vmid: number, params: Record<string, unknown>): Promise<void> {
  await admin.run('POST', `${node.path}/qemu`, {
    ...{ vmid, serial0: 'socket', scsihw: 'virtio-scsi-single', boot: 'order=ide2' },
    ...{ ide2: 'local:iso/tiny.iso,media=cdrom', ...params },
  });
  await admin.run('POST', qemu(vmid, '/status/start'), {}, 60);
  const shell = new GuestShell(node.guestSocket(vmid, 'serial0'));
  shells.set(vmid, shell);
  await shell.ready();
}

/** The shell in a booted guest. */
function shellOf(vmid: number): GuestShell {
  const shell = shells.get(vmid);
  if (!shell) throw new Error(`guest ${vmid} has not booted`);
  return shell;
}

const stop = async (vmid: number) => admin.run('POST', qemu(vmid, '/status/stop'));

describe.each([300, 301])('guest %i', (vmid) => {
  test('disks and cards come and go, and the guest sees it', async () => {
    const shell = shellOf(vmid);
    await put(vmid, { virtio1: 'local:1', scsi3: 'local:1,iothread=1', net0: 'virtio=BC:24:11:00:00:77' });
    await shell.sees('ls /sys/block', vmid === 300 ? /\bsdb\b[\s\S]*\bvda\b/ : /\bsda\b[\s\S]*\bvda\b/);
    await shell.sees('cat /sys/class/net/eth0/address', /bc:24:11:00:00:77/);
    await put(vmid, { net7: 'virtio=BC:24:11:00:00:78,link_down=1' });
    await shell.sees('ip link set eth1 up; cat /sys/class/net/eth1/carrier', /^0$/m);
    await put(vmid, { net7: 'virtio=BC:24:11:00:00:78' });
    await shell.sees('cat /sys/class/net/eth1/carrier', /^1$/m);
    expect(await pendingKeys(vmid)).toEqual([]);
    expect(await current(vmid)).toMatchObject({ net0: 'virtio=BC:24:11:00:00:77' });
    await put(vmid, { delete: 'virtio1,scsi3,net0' });
    await shell.sees(
      'ls /sys/block /sys/class/net',
      vmid === 300 ? /^(?!.*\b(vda|sdb|eth0)\b)/s : /^(?!.*\b(vda|sda|eth0)\b)/s,
    );
    const config = await current(vmid);
    expect([config.virtio1, config.scsi3, config.net0]).toEqual([undefined, undefined, undefined]);
    expect([config.unused0, config.unused1]).toEqual([expect.any(String), expect.any(String)]);
    expect(await monitor(vmid, 'info block')).not.toMatch(/virtio1|scsi3/);
    // Where they were, they can come back.
    await put(vmid, { scsi3: config.unused1 });
    await shell.sees('ls /sys/block', vmid === 300 ? /\bsdb\b/ : /\bsda\b/);
  });
});

test('limits of a disk change at once, its cache with the next start, discs are exchanged', async () => {
  const { scsi0 = '' } = await current(300);
  await put(300, { scsi0: `${scsi0},iops_rd=100` });
  expect((await current(300)).scsi0).toMatch(/iops_rd=100/);
  const limits = () => monitor(300, 'qom-get /objects/throttle-scsi0 limits');
  expect(await limits()).toMatch(/"iops-read": 100\b/);
  await put(300, { scsi0 });
  expect(await limits()).toMatch(/"iops-read": 0\b/);
  await put(300, { scsi0: `${scsi0},cache=writeback` });
  expect(await pendingKeys(300)).toEqual(['scsi0']);
  await put(300, { revert: 'scsi0' });
  await put(300, { ide2: 'local:iso/other.iso,media=cdrom' });
  expect(await monitor(300, 'info block')).toMatch(/other\.iso/);
  await put(300, { ide2: 'none,media=cdrom' });
  expect(await monitor(300, 'info block')).not.toMatch(/\.iso/);
  // A disc that cannot be opened: the drive stays as it was, and the change waits.
  await put(300, { ide2: 'local:iso/tiny.iso,media=cdrom' });
  const answer = await admin.answer('PUT', qemu(300, '/config'), { ide2: 'cdrom,media=cdrom' });
  expect([answer.status, answer.body.toString()]).toEqual([
    400,
    expect.stringMatching(/hotplug problem - the node has no '\/dev\/cdrom'/),
  ]);
  expect(await monitor(300, 'info block')).toMatch(/tiny\.iso/);
  await put(300, { revert: 'ide2' });
  expect(await pendingKeys(300)).toEqual([]);
});

test('files and devices of the node as drives: for root', async () => {
  const own = await admin.answer('PUT', qemu(301, '/config'), { ide2: `${iso},media=cdrom` });
  expect(own.reason).toMatch(/only root can use a path of the host as 'ide2'/);
  const file = join(node.dataDir, 'backing.img');
  await run('truncate', ['-s', '48M', file]);
  const loop = (await run('losetup', ['--find', '--show', file])).stdout.trim();
  try {
    await run('install', ['-m', '644', iso, join(node.dataDir, 'run/qemu/own.iso')]);
    await node.cli('qm', 'set', '301', '--ide2', `${join(node.dataDir, 'run/qemu/own.iso')},media=cdrom`);
    expect(await monitor(301, 'info block')).toMatch(/own\.iso/);
    await node.cli('qm', 'set', '301', '--virtio5', loop);
    await shellOf(301).sees('cat /sys/block/vd?/size', /^98304$/m);
    await node.cli('qm', 'set', '301', '--delete', 'virtio5');
    await node.cli('qm', 'set', '301', '--ide2', 'local:iso/tiny.iso,media=cdrom');
    expect(await pendingKeys(301)).toEqual([]);
  } finally {
    await run('losetup', ['--detach', loop]);
  }
});

test('a CPU and memory are plugged in, memory goes again, the balloon moves', async () => {
  const shell = shellOf(300);
  await put(300, { vcpus: 2 });
  await shell.sees('ls -d /sys/devices/system/cpu/cpu1', /^\/sys.*cpu1$/m);
  // What is to go again must hold nothing that cannot move.
  await shell.run('echo online_movable > /sys/devices/system/memory/auto_online_blocks');
  await put(300, { memory: 1536 });
  const memory = /MemTotal: +1[3-5]\d{5} kB/;
  await shell.sees('grep MemTotal /proc/meminfo', memory);
  expect(await current(300)).toMatchObject({ vcpus: 2, memory: '1536' });
  await put(300, { memory: 1024 });
  await shell.sees('grep MemTotal /proc/meminfo', /MemTotal: +\d{6} kB/);
  expect(await current(300)).toMatchObject({ memory: '1024' });
  await put(300, { balloon: 512 });
  await waitFor(async () => /actual=512\b/.test(await monitor(300, 'info balloon')), {
    timeout: 30,
    what: 'the balloon to grow',
  });
  await put(300, { balloon: 1024 });
  await waitFor(async () => /actual=1024\b/.test(await monitor(300, 'info balloon')), {
    timeout: 30,
    what: 'the balloon to shrink',
  });
  expect(await pendingKeys(300)).toEqual([]);
  await put(301, { memory: 256 });
  expect(await pendingKeys(301)).toEqual(['memory']);
  await put(301, { revert: 'memory' });
});

test('a card moves to another bridge, its rate and its cable change, while the guest keeps it', async () => {
  const net0 = 'virtio=BC:24:11:00:00:79';
  const shell = shellOf(300);
  const masterOf = async () => {
    const text = await node.namespace.run('ip', '-json', 'link', 'show', 'tap300i0');
    return (JSON.parse(text) as { master?: string }[])[0]?.master;
  };
  const shaped = async () =>
    /\btbf\b/.test(await node.namespace.run('tc', 'qdisc', 'show', 'dev', 'tap300i0'));
  await put(300, { net0: `${net0},bridge=vmbr0` });
  await shell.sees('ip link set eth0 up; cat /sys/class/net/eth0/carrier', /^1$/m);
  expect([await masterOf(), await shaped()]).toEqual(['vmbr0', false]);
  const index = await shell.run('cat /sys/class/net/eth0/ifindex');
  await put(300, { net0: `${net0},bridge=vmbr1,rate=2` });
  expect([await masterOf(), await shaped()]).toEqual(['vmbr1', true]);
  await put(300, { net0: `${net0},bridge=vmbr1,link_down=1` });
  await shell.sees('cat /sys/class/net/eth0/carrier', /^0$/m);
  expect(await shaped()).toBe(false);
  const refused = await admin.answer('PUT', qemu(300, '/config'), { net0: `${net0},bridge=nosuchbr` });
  expect(refused.body.toString()).toMatch(/hotplug problem - .*nosuchbr/);
  expect(await masterOf()).toBe('vmbr1');
  expect(await shell.run('cat /sys/class/net/eth0/ifindex')).toBe(index);
  await put(300, { revert: 'net0' });
});

test("with 'hotplug: cloudinit' a change is on the guest's disc at once", async () => {
  const disc = join(node.dataDir, 'storage/images/300/vm-300-cloudinit.qcow2');
  const content = async () => {
    const raw = join(node.dataDir, 'cloudinit.raw');
    await run('qemu-img', ['convert', '-U', '-O', 'raw', disc, raw]);
    return readFile(raw, 'latin1');
  };
  expect(await content()).not.toMatch(/hanako/);
  await put(300, { ciuser: 'hanako' });
  expect(await content()).toMatch(/hanako/);
  expect(await monitor(300, 'info block')).toMatch(/vm-300-cloudinit\.qcow2/);
  const rows = await admin.get<{ key: string; pending?: string }[]>(qemu(300, '/cloudinit'));
  expect(rows.filter(({ pending }) => pending !== undefined)).toEqual([]);
});

test('two clients with one digest: one changes the running guest, the other is told, and leaves nothing', async () => {
  const { digest } = await current(301);
  const before = (await readdir(join(node.dataDir, 'storage/images/301'))).length;
  const answers = await Promise.all([
    admin.answer('PUT', qemu(301, '/config'), { virtio8: 'local:1', digest }),
    admin.answer('PUT', qemu(301, '/config'), { virtio9: 'local:1', digest }),
  ]);
  const late = answers.filter(({ status }) => status !== 200);
  expect(late.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/detected modified configuration/),
  ]);
  const config = await current(301);
  expect([config.virtio8, config.virtio9].filter(Boolean).length).toBe(1);
  expect((await readdir(join(node.dataDir, 'storage/images/301'))).length).toBe(before + 1);
  expect((await monitor(301, 'info block')).match(/^drive-virtio\d/gm)?.length).toBe(1);
});

test('what the guest lets go of later than anybody waited is completed then', async () => {
  expect((await current(301)).net7).toBeDefined();
  await admin.run('POST', qemu(301, '/status/suspend'));
  const answer = await admin.answer('PUT', qemu(301, '/config'), { delete: 'net7' });
  expect([answer.status, answer.body.toString()]).toEqual([
    400,
    expect.stringMatching(/hotplug problem - 'net7' cannot be unplugged now: the guest is paused/),
  ]);
  expect(await pendingKeys(301)).toEqual(['net7']);
  const rows = await admin.get<{ key: string; reason?: string }[]>(qemu(301, '/pending'));
  expect(rows.find(({ key }) => key === 'net7')?.reason).toMatch(/the guest is paused/);
  // A disk goes without the guest; the controller that it had to itself goes when the guest runs again.
  await put(301, { delete: 'scsi3' });
  expect(await monitor(301, 'info block')).not.toMatch(/scsi3/);
  expect(await monitor(301, 'info qtree')).toMatch(/virtioscsi3/);
  await admin.run('POST', qemu(301, '/status/resume'));
  await waitFor(async () => !/virtioscsi3/.test(await monitor(301, 'info qtree')), {
    timeout: 30,
    what: 'the guest to let go of the controller',
  });
  await waitFor(async () => (await pendingKeys(301)).length === 0, {
    timeout: 30,
    what: 'the pending removal to be completed',
  });
  expect((await current(301)).net7).toBeUndefined();
  expect(await monitor(301, 'info network')).not.toMatch(/net7/);
  await put(301, { scsi3: 'local:1,iothread=1' });
  expect(await pendingKeys(301)).toEqual([]);
  await stop(301);
});

test('a CPU goes again', async () => {
  // Last of all: the emulator of QEMU 7.2 does not get over the loss of a CPU for long.
  await put(300, { vcpus: 1 });
  expect(await pendingKeys(300)).toEqual([]);
  expect(await current(300)).toMatchObject({ vcpus: 1 });
  expect(await monitor(300, 'info cpus')).not.toMatch(/CPU #1/);
  await stop(300);
});

test('what the guest does not let go of stays pending with the reason, and goes with the next start', async () => {
  // Without an operating system nobody answers the request to let a PCI card go.
  await admin.run('POST', `${node.path}/qemu`, { vmid: 325, memory: 64, net0: 'virtio', tablet: 1 });
  await admin.run('POST', qemu(325, '/status/start'));
  const upid = await admin.call<string>('POST', qemu(325, '/config'), { delete: 'net0', name: 'still-here' });
  const end = await admin.taskEnd(upid, 60);
  expect(end.exitstatus).toBe('WARNINGS: 1');
  expect(end.log.join('\n')).toMatch(/WARN: net0: hotplug problem - .*let go/);
  expect(await pendingKeys(325)).toEqual(['net0']);
  expect(await current(325)).toMatchObject({ name: 'still-here', net0: expect.stringMatching(/^virtio=/) });
  // The pointer is on USB, which asks nobody, not even of a guest that stands still.
  await admin.run('POST', qemu(325, '/status/suspend'));
  expect(await monitor(325, 'info usb')).toMatch(/tablet/i);
  await put(325, { tablet: 0 });
  expect(await monitor(325, 'info usb')).not.toMatch(/tablet/i);
  await put(325, { tablet: 1 });
  expect(await monitor(325, 'info usb')).toMatch(/tablet/i);
  await stop(325);
  await admin.run('POST', qemu(325, '/status/start'));
  expect((await current(325)).net0).toBeUndefined();
  expect(await pendingKeys(325)).toEqual([]);
  await stop(325);
});

test('a plug that fails leaves nothing behind', async () => {
  await admin.run('POST', `${node.path}/qemu`, { vmid: 326, memory: 64, scsihw: 'virtio-scsi-single' });
  await admin.run('POST', qemu(326, '/status/start'));
  const answer = await admin.answer('PUT', qemu(326, '/config'), { net0: 'virtio,bridge=nosuchbr' });
  expect(answer.body.toString()).toMatch(/hotplug problem - bridge 'nosuchbr' does not exist/);
  expect(await pendingKeys(326)).toEqual(['net0']);
  expect(await monitor(326, 'info network')).not.toMatch(/net0/);
  await put(326, { revert: 'net0' });
  await put(326, { net0: 'virtio' });
  expect(await pendingKeys(326)).toEqual([]);
  expect(await monitor(326, 'info network')).toMatch(/net0/);
  await stop(326);
});

test('20 changes at once: none is lost; with one digest, one wins and the others are told', async () => {
  await admin.run('POST', `${node.path}/qemu`, { vmid: 330, memory: 64 });
  const keys = Array.from({ length: 20 }, (_, number) => `net${number}`);
  await Promise.all(keys.map((key) => put(330, { [key]: 'virtio' })));
  const config = await current(330);
  expect(keys.filter((key) => config[key] === undefined)).toEqual([]);
  const { digest } = config;
  const answers = await Promise.all(
    keys.map((key) => admin.answer('PUT', qemu(330, '/config'), { delete: key, digest })),
  );
  expect(answers.filter((answer) => answer.status === 200).length).toBe(1);
  expect(answers.filter((answer) => /detected modified configuration/.test(answer.reason)).length).toBe(19);
  expect(keys.filter((key) => config[key] !== undefined).length).toBe(20);
});
