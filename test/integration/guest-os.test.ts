/** A real, tiny Linux in the guest: firmware, power button, restart with pending changes, start order. */
import { copyFile, mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
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
  await copyFile(tiny.iso, join(folder, 'tiny.iso'));
}, 300_000);
afterAll(() => node?.stop());

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const status = (vmid: number) => admin.get<{ status: string; pid?: number }>(qemu(vmid, '/status/current'));
const create = (vmid: number, params = {}) =>
  admin.run('POST', `${node.path}/qemu`, {
    vmid,
    memory: 128,
    serial0: 'socket',
    ide2: 'local:iso/tiny.iso,media=cdrom',
    ...params,
  });
const act = (vmid: number, action: string, params = {}) =>
  admin.run('POST', qemu(vmid, `/status/${action}`), params, 90);

/** Reads the serial port of a guest from now on. */
function serial(vmid: number): { text: () => string; close: () => void } {
  const socket = connect(node.guestSocket(vmid, 'serial0'));
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  return { text: () => text, close: () => socket.destroy() };
}

async function boots(vmid: number): Promise<void> {
  const port = serial(vmid);
  await waitFor(async () => (/ready boot=/.test(port.text()) ? true : undefined), {
    timeout: 90,
    what: () => `VM ${vmid} to boot: ${JSON.stringify(port.text().slice(-300))}`,
  });
  port.close();
}

describe('a guest with an operating system', () => {
  test('boots from an ISO, and shuts down by the power button', async () => {
    await create(100, { boot: 'order=ide2' });
    await act(100, 'start');
    await boots(100);
    await act(100, 'shutdown', { timeout: 60 });
    expect((await status(100)).status).toBe('stopped');
  });

  test('a reboot carries pending changes out', async () => {
    await act(100, 'start');
    await boots(100);
    await admin.call('PUT', qemu(100, '/config'), { cores: 2 });
    const before = (await status(100)).pid;
    await act(100, 'reboot', { timeout: 60 });
    expect(await admin.get(qemu(100, '/config'), { current: 1 })).toMatchObject({ cores: 2 });
    expect((await status(100)).pid).not.toBe(before);
    await act(100, 'stop');
  });

  test('UEFI boots on q35, with and without a volume for its variables', async () => {
    const iso = { ide2: 'none,media=cdrom' };
    await create(101, {
      ...iso,
      bios: 'ovmf',
      machine: 'q35',
      efidisk0: 'local:1,efitype=4m',
      vga: 'serial0',
    });
    const config = await admin.get<Record<string, string>>(qemu(101, '/config'));
    expect(config.efidisk0).toMatch(/^local:101\/vm-101-disk-0\.qcow2,efitype=4m,size=528K$/);
    await create(102, { ...iso, bios: 'ovmf', machine: 'q35', vga: 'serial0' });
    for (const vmid of [101, 102]) {
      await act(vmid, 'start');
      const port = serial(vmid);
      await waitFor(async () => (/BdsDxe|UEFI|Shell/.test(port.text()) ? true : undefined), {
        timeout: 60,
        what: () => `the firmware of VM ${vmid}: ${JSON.stringify(port.text().slice(-200))}`,
      });
      port.close();
      await act(vmid, 'stop');
    }
  });
});

describe('start order', () => {
  test('startall takes guests with onboot, in their order; stopall all, in the reverse', async () => {
    for (const [vmid, startup] of [
      [110, 'order=2'],
      [111, 'order=1,up=1'],
      [112, undefined],
    ] as const) {
      await create(vmid, { onboot: 1, ide2: 'none,media=cdrom', ...(startup ? { startup } : {}) });
    }
    await create(113, { ide2: 'none,media=cdrom' });
    const started = await admin.run('POST', `${node.path}/startall`, {}, 60);
    const order = started.log.map((line) => /^started VM (\d+)/.exec(line)?.[1]).filter(Boolean);
    expect(order).toEqual(['111', '110', '112']);
    expect((await status(113)).status).toBe('stopped');
    const stopped = await admin.call<string>('POST', `${node.path}/stopall`, { timeout: 1 });
    const end = await admin.taskEnd(stopped, 60);
    expect(end.exitstatus).toBe('OK');
    expect(end.log.map((line) => /^VM (\d+) is down/.exec(line)?.[1]).filter(Boolean)).toEqual([
      '112',
      '110',
      '111',
    ]);
    for (const vmid of [110, 111, 112]) expect((await status(vmid)).status).toBe('stopped');
  });

  test('after a boot of the machine the node starts them by itself, after a restart of the daemon it does not', async () => {
    await node.down();
    await node.up();
    expect((await status(110)).status).toBe('stopped');
    await node.down();
    // What the node knows of the last boot: another one.
    await copyFile('/proc/sys/kernel/random/uuid', join(node.dataDir, 'run/boot-id'));
    await node.up();
    await waitFor(async () => ((await status(112)).status === 'running' ? true : undefined), {
      timeout: 30,
      what: 'the guests to start',
    });
    await act(110, 'stop');
  });
});
