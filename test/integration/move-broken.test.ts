/**
 * Copies of disks that break off while the guest writes: a killed worker, a stopped task, at any moment. The guest goes
 * on with all that it has written, nothing of the copy stays, configuration and QEMU agree.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { GuestShell } from '../lib/guest-shell.ts';
import type { Parameters } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { qmp } from '../lib/qmp.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
let shell: GuestShell;
/** GiB. */
const diskSize = 0.015625;
/** KiB/s: a copy of the disk takes two seconds. */
const slow = 8 * 1024;

beforeAll(async () => {
  const tiny = await buildTinyGuest(testCacheDir());
  node = await startNode();
  admin = await node.admin();
  const folder = join(node.dataDir, 'storage/template/iso');
  await mkdir(folder, { recursive: true });
  await copyFile(tiny.iso, join(folder, 'tiny.iso'));
  await admin.run('POST', `${node.path}/qemu`, {
    ...{ vmid: 300, memory: 128, serial0: 'socket', scsihw: 'virtio-scsi-single', boot: 'order=ide2' },
    ...{ ide2: 'local:iso/tiny.iso,media=cdrom' },
    ...{ scsi0: `local:${diskSize},iothread=1`, scsi1: `local:${diskSize / 2},format=raw` },
  });
  await admin.run('POST', qemu(300, '/status/start'));
  shell = new GuestShell(node.guestSocket(300, 'serial0'));
  await shell.ready();
  // Which of them the guest finds first is chance: they are told apart by their size (sectors).
  await shell.run(
    'for d in sda sdb; do [ $(cat /sys/block/$d/size) = 32768 ] && ln -s /dev/$d /tmp/scsi0 || ln -s /dev/$d /tmp/scsi1; done',
  );
  for (const disk of ['scsi0', 'scsi1'])
    await shell.run(`dd if=/dev/urandom of=/tmp/${disk} bs=1M conv=notrunc; sync`, 120);
  await shell.run(`echo ${Buffer.from(writer).toString('base64')} | base64 -d > /tmp/write`);
});
afterAll(async () => {
  shell?.close();
  await node?.stop();
});

/**
 * Counts, and writes each number to both disks, one after the other, past the guest's cache; and noise all over the disk.
 * Whoever has the number 7 on the second disk has it on the first one too.
 */
const writer = `i=0
while [ ! -e /tmp/enough ]; do
  i=$((i+1))
  for disk in scsi0 scsi1; do
    printf '%08d' $i | dd of=/tmp/$disk bs=512 count=1 conv=notrunc,fsync 2>/dev/null
  done
  dd if=/dev/urandom of=/tmp/scsi0 bs=64k count=4 seek=$((16 + i * 37 % 224)) conv=notrunc,fsync 2>/dev/null
  echo $i > /tmp/count
done
touch /tmp/stopped
`;

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const config = (vmid: number) => admin.get<Record<string, string>>(qemu(vmid, '/config'));
const storage = () => join(node.dataDir, 'storage/images');
const fileOf = (value = '') => join(storage(), (value.split(',')[0] ?? '').replace(/^local:/, ''));
const images = async (vmid: number) =>
  (await readdir(join(storage(), String(vmid))).catch(() => [])).map((file) => `${vmid}/${file}`).sort();

/** Content of a disk that nobody writes to at this moment. */
async function contentOf(value: string | undefined): Promise<Buffer> {
  const raw = join(node.dataDir, 'content.raw');
  const path = fileOf(value);
  const format = path.endsWith('.raw') ? 'raw' : 'qcow2';
  await run('qemu-img', ['convert', '-U', '-f', format, '-O', 'raw', path, raw]);
  try {
    return await readFile(raw);
  } finally {
    await rm(raw);
  }
}

const startWriter = () => shell.run('rm -f /tmp/enough /tmp/stopped; sh /tmp/write >/dev/null 2>&1 & true');
/** Ends the writing; gives how often it wrote. */
async function stopWriter(): Promise<number> {
  await shell.run('touch /tmp/enough');
  await shell.sees('ls /tmp/stopped', /^\/tmp\/stopped$/m);
  return Number(await shell.run('cat /tmp/count'));
}

/** MD5 of a disk as the guest reads it and as its image is, while nobody writes. */
async function sums(disk: string, value: string | undefined): Promise<[guest: string, image: string]> {
  const guest = await shell.run(`dd if=/tmp/${disk} bs=1M iflag=direct 2>/dev/null | md5sum`, 120);
  return [
    guest.split(' ')[0] ?? '',
    createHash('md5')
      .update(await contentOf(value))
      .digest('hex'),
  ];
}

/** The disks hold what the guest reads from them: on the images that configuration and QEMU name. */
async function demandSound(): Promise<void> {
  expect(await stopWriter()).toBeGreaterThan(0);
  const { scsi0, scsi1, lock } = await config(300);
  expect(lock).toBeUndefined();
  for (const [disk, value] of [
    ['scsi0', scsi0],
    ['scsi1', scsi1],
  ] as const) {
    const [guest, image] = await sums(disk, value);
    // Read again, a difference says on which side it is.
    const again = guest === image ? [] : await sums(disk, value);
    expect([disk, guest, again]).toEqual([disk, image, []]);
  }
}

/** Neither jobs nor nodes of a copy in QEMU, no images beside those of the configuration. */
async function demandClean(): Promise<void> {
  const values = await config(300);
  const named = Object.entries(values)
    .filter(([key]) => /^(scsi|unused)\d+$/.test(key))
    .map(([, value]) => (value.split(',')[0] ?? '').replace(/^local:/, ''));
  expect(await images(300)).toEqual(named.sort());
  expect(await qmp(node.guestSocket(300, 'qmp'), 'query-jobs')).toEqual([]);
  const nodes = (await qmp(node.guestSocket(300, 'qmp'), 'query-named-block-nodes', { flat: true })) as {
    'node-name': string;
    file: string;
  }[];
  expect(nodes.filter((one) => /scsi/.test(one['node-name']))).toHaveLength(6);
  const open = new Set(nodes.map((one) => one.file).filter((file) => file.startsWith(storage())));
  expect([...open].sort()).toEqual([values.scsi0, values.scsi1].map(fileOf).sort());
  const status = await admin.get<{ qmpstatus: string }>(qemu(300, '/status/current'));
  expect(status.qmpstatus).toBe('running');
}

const kill = (upid: string) => {
  try {
    process.kill(Number.parseInt(upid.split(':')[2] ?? '', 16), 'SIGKILL');
  } catch {
    // It was through already.
  }
};
const stop = (upid: string) => admin.answer('DELETE', `${node.path}/tasks/${encodeURIComponent(upid)}`);

/** Waits until QEMU is copying; by the daemon's own connection, as the task holds the other one. */
const copying = () =>
  waitFor(
    async () => {
      const text = await admin.call<string>('POST', qemu(300, '/monitor'), { command: 'info block-jobs' });
      return Number(/Completed (\d+) of/.exec(text)?.[1] ?? 0) > 4 * 1024 * 1024;
    },
    { timeout: 30, every: 50, what: 'a copy under way' },
  );

const moveParams = async (): Promise<Parameters> => {
  const format = /qcow2/.test((await config(300)).scsi0 ?? '') ? 'raw' : 'qcow2';
  return { disk: 'scsi0', storage: 'local', format, delete: 1 };
};

/** Ends a task while QEMU is copying for it. */
async function breakOff(upid: string, end: (upid: string) => unknown): Promise<void> {
  await copying();
  await end(upid);
  expect((await admin.taskEnd(upid, 120)).exitstatus).not.toBe('OK');
}

test.each([
  ['the worker is killed', kill],
  ['the task is stopped', stop],
])('%s in the middle of a live move', async (_name, end) => {
  await startWriter();
  const before = await config(300);
  const params = { ...(await moveParams()), bwlimit: slow };
  await breakOff(await admin.call<string>('POST', qemu(300, '/move_disk'), params), end);
  expect((await config(300)).scsi0).toBe(before.scsi0);
  await demandClean();
  await demandSound();
});

test('the task is stopped in the middle of a full clone of the running guest', async () => {
  await startWriter();
  const params = { newid: 301, full: 1, bwlimit: slow };
  await breakOff(await admin.call<string>('POST', qemu(300, '/clone'), params), stop);
  expect((await admin.answer('GET', qemu(301, '/config'))).status).toBe(500);
  expect(await images(301)).toEqual([]);
  await demandClean();
  await demandSound();
});

test('the worker is killed in the middle of a full clone of a stopped guest', async () => {
  await admin.run('POST', `${node.path}/qemu`, { vmid: 310, memory: 32, scsi0: `local:${diskSize}` });
  const { scsi0 } = await config(310);
  await run('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 7 0 16M', fileOf(scsi0)]);
  const upid = await admin.call<string>('POST', qemu(310, '/clone'), { newid: 301, bwlimit: slow / 2 });
  await waitFor(async () => (await images(301)).length === 1, { timeout: 60, every: 20, what: 'the target' });
  await sleep(500);
  kill(upid);
  expect((await admin.taskEnd(upid, 120)).exitstatus).not.toBe('OK');
  expect((await admin.answer('GET', qemu(301, '/config'))).status).toBe(500);
  expect(await images(301)).toEqual([]);
  await admin.run('DELETE', qemu(310));
});

test('a move whose worker is killed at any moment ends on one of the two images, with all data', async () => {
  for (let round = 0; round < 2; round++) {
    await startWriter();
    const upid = await admin.call<string>('POST', qemu(300, '/move_disk'), await moveParams());
    await sleep(80 + round * 200);
    kill(upid);
    await admin.taskEnd(upid, 60);
    // What was moved, but not yet removed when the worker died, stays as unused disk.
    const { unused0 } = await config(300);
    if (unused0 !== undefined) await admin.call('PUT', qemu(300, '/unlink'), { idlist: 'unused0', force: 1 });
    await demandClean();
    await demandSound();
  }
});

test('a move that is left to itself takes along what is written meanwhile', async () => {
  await startWriter();
  await admin.run('POST', qemu(300, '/move_disk'), { ...(await moveParams()), bwlimit: slow });
  await demandClean();
  await demandSound();
});

test('the disks of a clone are of one moment', async () => {
  await startWriter();
  // Faster than the guest writes: two disks share the limit, and a copy that never catches up never ends.
  await admin.run('POST', qemu(300, '/clone'), { newid: 301, full: 1, bwlimit: 8 * slow });
  await demandClean();
  const { scsi0, scsi1 } = await config(301);
  const [first, second] = [await contentOf(scsi0), await contentOf(scsi1)].map((content) =>
    Number(content.toString('latin1', 0, 8)),
  );
  expect(second).toBeGreaterThan(0);
  expect([second, Number(second) + 1]).toContain(first);
  expect(await stopWriter()).toBeGreaterThanOrEqual(first ?? 0);
  await admin.run('DELETE', qemu(301));
});
