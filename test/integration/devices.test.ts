/** Devices of running guests that do something by themselves: balloon, watchdog, TPM. */
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { GuestShell } from '../lib/guest-shell.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { signal } from '../lib/signal.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
const shells = new Map<number, GuestShell>();

beforeAll(async () => {
  const tiny = await buildTinyGuest(testCacheDir());
  node = await startNode();
  admin = await node.admin();
  const folder = join(node.dataDir, 'storage/template/iso');
  await mkdir(folder, { recursive: true });
  await copyFile(tiny.iso, join(folder, 'tiny.iso'));
  // Under pressure from the first moment: what is started stays at its minimum.
  await admin.call('PUT', `${node.path}/config`, { 'ballooning-target': 0 });
  await boot(100, { memory: 512, balloon: 256, shares: 2000, watchdog: 'i6300esb,action=reset' });
}, 300_000);
afterAll(async () => {
  for (const shell of shells.values()) shell.close();
  await node?.stop();
});

const mib = 1024 * 1024;
const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const act = (vmid: number, action: string) => admin.run('POST', qemu(vmid, `/status/${action}`));

interface Status {
  readonly status: string;
  readonly qmpstatus: string;
  readonly mem: number;
  readonly memhost: number;
  readonly maxmem: number;
  readonly freemem?: number;
  readonly balloon?: number;
  readonly ballooninfo?: Record<string, number>;
  readonly warning?: string;
}
const status = (vmid: number) => admin.get<Status>(qemu(vmid, '/status/current'));

/** Starts a tiny guest and waits for its shell. */
async function boot(vmid: number, params: Record<string, string | number>): Promise<GuestShell> {
  await admin.run('POST', `${node.path}/qemu`, {
    vmid,
    serial0: 'socket',
    ide2: 'local:iso/tiny.iso,media=cdrom',
    ...params,
    start: 1,
  });
  return shellOf(vmid);
}

async function shellOf(vmid: number): Promise<GuestShell> {
  shells.get(vmid)?.close();
  const shell = new GuestShell(node.guestSocket(vmid, 'serial0'));
  shells.set(vmid, shell);
  await shell.ready();
  return shell;
}

const bootId = (shell: GuestShell) => shell.run('cat /proc/sys/kernel/random/boot_id');

/** Milliseconds until the card's two stages have run out. */
const watchdogTime = 100;
/** Starts the i6300esb by its registers (Intel 6300ESB datasheet, chapter 16); nothing feeds it afterwards. */
const startWatchdog = `
d=/sys/bus/pci/devices/0000:00:04.0
echo 1 > $d/enable
b=$(head -n1 $d/resource | cut -d' ' -f1)
unlock() { devmem $((b+12)) 16 0x80; devmem $((b+12)) 16 0x86; }
unlock; devmem $((b)) 32 ${watchdogTime}
unlock; devmem $((b+4)) 32 ${watchdogTime}
unlock; devmem $((b+12)) 16 0x100
printf '\\002' | dd of=$d/config bs=1 seek=104 conv=notrunc 2>/dev/null`
  .trim()
  .split('\n')
  .join('; ');

describe('balloon', () => {
  test('the figures are those that the guest itself tells', async () => {
    const told = await waitFor(
      async () => {
        const now = await status(100);
        return now.freemem === undefined || now.balloon !== 256 * mib ? undefined : now;
      },
      { timeout: 120, what: 'a report of the balloon driver with the memory at its minimum' },
    );
    const { balloon = 0, ballooninfo = {}, freemem = 0, maxmem, mem, memhost } = told;
    expect(maxmem).toBe(512 * mib);
    expect(balloon).toBe(256 * mib);
    expect(told).toMatchObject({ balloon_min: 256 * mib, shares: 2000 });
    expect(ballooninfo).toMatchObject({ actual: balloon, max_mem: maxmem, free_mem: freemem });
    expect(mem).toBe((ballooninfo.total_mem ?? 0) - freemem);
    expect(mem).toBeLessThan(balloon);
    expect(memhost).toBeGreaterThan(mem);
    await admin.call('PUT', `${node.path}/config`, { 'ballooning-target': 100 });
  });
});

describe('watchdog', () => {
  test('action=reset: a guest that hangs boots again', async () => {
    const shell = shells.get(100) as GuestShell;
    const before = await bootId(shell);
    shell.type(startWatchdog);
    await shell.ready();
    expect(await bootId(shell)).not.toBe(before);
    expect(await status(100)).toMatchObject({
      status: 'running',
      'running-machine': expect.stringMatching(/^pc-i440fx-\d+\.\d+$/),
      'running-qemu': expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });
});

test('with room on the node the guest gets its memory back', async () => {
  await waitFor(async () => ((await status(100)).balloon ?? 0) > 256 * mib, {
    timeout: 60,
    every: 500,
    what: 'the balloon to shrink',
  });
  const total = await (shells.get(100) as GuestShell).run('grep MemTotal /proc/meminfo');
  expect(Number(/\d+/.exec(total)?.[0]) * 1024).toBeGreaterThan(256 * mib - 64 * mib);
  await admin.call('PUT', `${node.path}/config`, { 'ballooning-target': 0 });
});

describe('TPM', () => {
  const pidFile = (vmid: number) => node.guestSocket(vmid, 'tpm-pid');
  const tpmPid = async (vmid: number) => Number.parseInt(await readFile(pidFile(vmid), 'utf8'), 10);
  const warning = (vmid: number) =>
    waitFor(async () => (await status(vmid)).warning, { timeout: 20, what: 'the warning' });

  test('swtpm dies: the guest says so and what to do, and has it again after the next start', async () => {
    await admin.run('POST', `${node.path}/qemu`, {
      vmid: 110,
      memory: 64,
      tpmstate0: 'local:1,version=v2.0',
      // It stands still: QEMU ends when a guest without a TPM that answers is reset.
      freeze: 1,
      start: 1,
    });
    const state = join(node.dataDir, 'storage/images/110/vm-110-disk-0.raw');
    const before = await readFile(state);
    expect((await status(110)).warning).toBeUndefined();
    signal(await tpmPid(110), 'SIGKILL');
    expect(await warning(110)).toMatch(
      /^tpmstate0: the TPM emulator \(swtpm\) has ended.*stop the guest and start it again/,
    );
    const rows = await admin.get<{ vmid: number; status: string; warning?: string }[]>('/cluster/resources', {
      type: 'vm',
    });
    expect(rows.find((row) => row.vmid === 110)).toMatchObject({
      status: 'running',
      warning: expect.stringContaining('swtpm'),
    });
    // It shows after a restart of the daemon too.
    await node.down();
    await node.up();
    expect(await warning(110)).toContain('swtpm');
    await act(110, 'stop');
    expect((await status(110)).warning).toBeUndefined();
    await act(110, 'start');
    expect((await status(110)).warning).toBeUndefined();
    expect((await readFile(state)).length).toBe(before.length);
  });

  test('a swtpm that hangs when its QEMU is killed does not keep the guest from starting', async () => {
    const stuck = await tpmPid(110);
    signal(stuck, 'SIGSTOP');
    signal(await node.guestPid(110), 'SIGKILL');
    await waitFor(async () => (await status(110)).status === 'stopped', {
      timeout: 20,
      what: 'the end of QEMU',
    });
    await act(110, 'start');
    expect(await tpmPid(110)).not.toBe(stuck);
    await act(110, 'stop');
    await expect(stat(pidFile(110))).rejects.toThrow('ENOENT');
  });
});

test('under pressure the guest gives memory back, down to its minimum', async () => {
  await waitFor(async () => (await status(100)).balloon === 256 * mib, {
    timeout: 90,
    every: 500,
    what: 'the balloon to grow',
  });
});

test('watchdog action=poweroff: a guest that hangs is off, and can be started again', async () => {
  await act(100, 'stop');
  await admin.call('PUT', qemu(100, '/config'), { watchdog: 'model=i6300esb,action=poweroff' });
  await act(100, 'start');
  const shell = await shellOf(100);
  shell.type(startWatchdog);
  await waitFor(async () => (await status(100)).status === 'stopped', {
    timeout: 30,
    what: 'the guest to be off',
  });
  await act(100, 'start');
});
