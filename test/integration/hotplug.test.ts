/** Changes of running guests that hold at once: QEMU does them, and the Linux in the guest sees them. */
import { copyFile, mkdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;

beforeAll(async () => {
  const tiny = await buildTinyGuest(testCacheDir());
  node = await startNode();
  admin = await node.admin();
  const folder = join(node.dataDir, 'storage/template/iso');
  await mkdir(folder, { recursive: true });
  for (const name of ['tiny.iso', 'other.iso']) await copyFile(tiny.iso, join(folder, name));
}, 300_000);
afterAll(() => node?.stop());

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

class Shell {
  #text = '';
  readonly #socket: Socket;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on('data', (chunk) => {
      this.#text += chunk.toString('latin1');
    });
    this.#socket.on('error', () => {});
  }

  ready(): Promise<true> {
    return waitFor(async () => (/ready boot=/.test(this.#text) ? true : undefined), {
      timeout: 90,
      what: () => `the guest to boot: ${JSON.stringify(this.#text.slice(-300))}`,
    });
  }

  /** What a command prints in the guest, as soon as that matches. */
  sees(command: string, wanted: RegExp): Promise<true> {
    return waitFor(
      async () => {
        this.#text = '';
        // The mark is written in two parts, so that the echo of the typing does not look like the answer.
        this.#socket.write(`${command}; echo en''d\n`);
        await waitFor(async () => (/^end/m.test(this.#text) ? true : undefined), {
          timeout: 20,
          what: () => `'${command}' to end: ${JSON.stringify(this.#text.slice(-300))}`,
        });
        return wanted.test(this.#text.replaceAll('\r', '').split('\n').slice(1).join('\n'))
          ? true
          : undefined;
      },
      { timeout: 30, what: () => `${wanted} from '${command}': ${JSON.stringify(this.#text.slice(-300))}` },
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function bootGuest(vmid: number, params: Record<string, unknown>): Promise<Shell> {
  await admin.run('POST', `${node.path}/qemu`, {
    ...{ vmid, memory: 128, serial0: 'socket', scsihw: 'virtio-scsi-single', boot: 'order=ide2' },
    ...{ ide2: 'local:iso/tiny.iso,media=cdrom', ...params },
  });
  await admin.run('POST', qemu(vmid, '/status/start'), {}, 60);
  const shell = new Shell(node.guestSocket(vmid, 'serial0'));
  await shell.ready();
  return shell;
}

const stop = async (vmid: number) => admin.run('POST', qemu(vmid, '/status/stop'));

describe.each([
  [300, 'pc'],
  [301, 'q35'],
])('guest %i, machine %s', (vmid, machine) => {
  test('disks and cards come and go, and the guest sees it', async () => {
    const shell = await bootGuest(vmid, { machine });
    await put(vmid, { virtio1: 'local:1' });
    await shell.sees('ls /sys/block', /\bvda\b/);
    await put(vmid, { scsi3: 'local:1,iothread=1' });
    await shell.sees('ls /sys/block', /\bsda\b/);
    await put(vmid, { net0: 'virtio=BC:24:11:00:00:77' });
    await shell.sees('cat /sys/class/net/eth0/address', /bc:24:11:00:00:77/);
    await put(vmid, { net7: 'virtio=BC:24:11:00:00:78,link_down=1' });
    await shell.sees('ip link set eth1 up; cat /sys/class/net/eth1/carrier', /^0$/m);
    await put(vmid, { net7: 'virtio=BC:24:11:00:00:78' });
    await shell.sees('cat /sys/class/net/eth1/carrier', /^1$/m);
    expect(await pendingKeys(vmid)).toEqual([]);
    expect(await current(vmid)).toMatchObject({ net0: 'virtio=BC:24:11:00:00:77' });
    await put(vmid, { delete: 'virtio1,scsi3,net0' });
    await shell.sees('ls /sys/block /sys/class/net', /^(?!.*\b(vda|sda|eth0)\b)/s);
    const config = await current(vmid);
    expect([config.virtio1, config.scsi3, config.net0]).toEqual([undefined, undefined, undefined]);
    expect([config.unused0, config.unused1]).toEqual([expect.any(String), expect.any(String)]);
    expect(await monitor(vmid, 'info block')).not.toMatch(/virtio1|scsi3/);
    // Where they were, they can come back.
    await put(vmid, { scsi3: config.unused1 });
    await shell.sees('ls /sys/block', /\bsda\b/);
    shell.close();
    await stop(vmid);
  });
});

test('limits of a disk change at once, its cache with the next start, discs are exchanged', async () => {
  const shell = await bootGuest(310, { scsi0: 'local:1' });
  const { scsi0 = '' } = await current(310);
  await put(310, { scsi0: `${scsi0},iops_rd=100` });
  expect((await current(310)).scsi0).toMatch(/iops_rd=100/);
  const limits = () => monitor(310, 'qom-get /objects/throttle-scsi0 limits');
  expect(await limits()).toMatch(/"iops-read": 100\b/);
  await put(310, { scsi0 });
  expect(await limits()).toMatch(/"iops-read": 0\b/);
  await put(310, { scsi0: `${scsi0},cache=writeback` });
  expect(await pendingKeys(310)).toEqual(['scsi0']);
  await put(310, { revert: 'scsi0' });
  await put(310, { ide2: 'local:iso/other.iso,media=cdrom' });
  expect(await monitor(310, 'info block')).toMatch(/other\.iso/);
  await put(310, { ide2: 'none,media=cdrom' });
  expect(await monitor(310, 'info block')).not.toMatch(/\.iso/);
  await put(310, { ide2: 'local:iso/tiny.iso,media=cdrom' });
  expect(await pendingKeys(310)).toEqual([]);
  shell.close();
  await stop(310);
});

test('CPUs and memory', async () => {
  const shell = await bootGuest(320, {
    cores: 2,
    vcpus: 1,
    numa: 1,
    memory: 1024,
    hotplug: 'cpu,memory,disk',
  });
  await put(320, { vcpus: 2 });
  await shell.sees('ls -d /sys/devices/system/cpu/cpu1', /^\/sys.*cpu1$/m);
  await put(320, { memory: 1536 });
  await shell.sees(
    'echo online > /sys/devices/system/memory/auto_online_blocks; for m in /sys/devices/system/memory/memory*; do echo online > $m/state 2>/dev/null; done; grep MemTotal /proc/meminfo',
    /MemTotal: +1[3-5]\d{5} kB/,
  );
  expect(await current(320)).toMatchObject({ vcpus: 2, memory: '1536' });
  expect(await pendingKeys(320)).toEqual([]);
  await put(320, { net0: 'virtio' });
  expect(await pendingKeys(320)).toEqual(['net0']);
  shell.close();
  await stop(320);
});

test('what the guest does not let go of stays pending with the reason, and goes with the next start', async () => {
  // A guest that stands still does not answer the request to let a PCI card go.
  await admin.run('POST', `${node.path}/qemu`, { vmid: 325, memory: 64, net0: 'virtio', tablet: 1 });
  await admin.run('POST', qemu(325, '/status/start'));
  await admin.run('POST', qemu(325, '/status/suspend'));
  const answer = await admin.answer('PUT', qemu(325, '/config'), { delete: 'net0' });
  expect([answer.status, answer.body.toString()]).toEqual([
    400,
    expect.stringMatching(/hotplug problem - 'net0'/),
  ]);
  expect(await pendingKeys(325)).toEqual(['net0']);
  expect((await current(325)).net0).toMatch(/^virtio=/);
  const upid = await admin.call<string>('POST', qemu(325, '/config'), { delete: 'net0', name: 'still-here' });
  const end = await admin.taskEnd(upid, 60);
  expect(end.exitstatus).toBe('WARNINGS: 1');
  expect(end.log.join('\n')).toMatch(/WARN: net0: hotplug problem - .*let go/);
  expect(await current(325)).toMatchObject({ name: 'still-here' });
  // The pointer is on USB, which asks nobody.
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
