/** What goes wrong below the disks of guests: no space, storages that vanish, images that cannot be opened. */
import { spawn } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
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
/** Where the small storages are mounted, each with how it is undone. */
let mounts: string;
const mounted: string[] = [];

beforeAll(async () => {
  const tiny = await buildTinyGuest(testCacheDir());
  node = await startNode();
  admin = await node.admin();
  const folder = join(node.dataDir, 'storage/template/iso');
  await mkdir(folder, { recursive: true });
  await copyFile(tiny.iso, join(folder, 'tiny.iso'));
  mounts = `${node.dataDir}-mounts`;
  await mkdir(mounts);
}, 300_000);
afterAll(async () => {
  await node?.stop();
  for (const path of mounted) await run('umount', [path]);
  if (mounts) await rm(mounts, { recursive: true, force: true });
});

async function addStorage(storage: string, mount: (path: string) => string[]): Promise<string> {
  const path = join(mounts, storage);
  await mkdir(path, { recursive: true });
  await run('mount', mount(path));
  mounted.push(path);
  await admin.call('POST', '/storage', { type: 'dir', storage, path, content: 'images', is_mountpoint: 1 });
  return path;
}

interface Status {
  readonly status: string;
  readonly qmpstatus: string;
  readonly pid?: number;
  readonly warning?: string;
}

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const act = (vmid: number, action: string, params = {}) =>
  admin.run('POST', qemu(vmid, `/status/${action}`), params);
const create = (vmid: number, params = {}) =>
  admin.run('POST', `${node.path}/qemu`, { vmid, memory: 32, ...params });

/** Waits until the guest is in a state and its warning matches; gives the warning. */
async function shows(vmid: number, qmpstatus: string, warning?: RegExp): Promise<string> {
  let now: Status | undefined;
  await waitFor(
    async () => {
      now = await admin.get<Status>(qemu(vmid, '/status/current'));
      const told = warning ? warning.test(now.warning ?? '') : now.warning === undefined;
      return told && now.qmpstatus === qmpstatus;
    },
    { timeout: 30, what: () => `VM ${vmid} to be ${qmpstatus} with ${warning}: ${JSON.stringify(now)}` },
  );
  return now?.warning ?? '';
}

async function boot(vmid: number, params: Record<string, unknown>): Promise<GuestShell> {
  await create(vmid, {
    ...{ memory: 192, serial0: 'socket', scsihw: 'virtio-scsi-single', boot: 'order=ide2' },
    ...{ ide2: 'local:iso/tiny.iso,media=cdrom', ...params },
  });
  await act(vmid, 'start');
  const shell = new GuestShell(node.guestSocket(vmid, 'serial0'));
  await shell.ready();
  return shell;
}

describe('a storage runs full under a running guest', () => {
  test('the guest is paused, the reason shows, it goes on by itself once there is room, and no write is lost', async () => {
    const path = await addStorage('small', (at) => ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', at]);
    const shell = await boot(400, { scsi0: 'small:0.03125,format=qcow2,cache=writeback,iothread=1' });
    const ballast = join(path, 'ballast');
    await run('fallocate', ['-l', '52M', ballast]);
    const before = await shell.run(
      'dd if=/dev/urandom of=/tmp/data bs=1M count=24 2>/dev/null; md5sum < /tmp/data',
    );
    shell.type('dd if=/tmp/data of=/dev/sda bs=1M conv=fsync; echo writ""ten');
    const warning = await shows(400, 'io-error', /no space left/);
    expect(warning).toMatch(
      /^disk scsi0 \(small:400\/vm-400-disk-0\.qcow2\): no space left on storage 'small' \([\d.]+ \w+ of 64\.00 MiB are free\)/,
    );
    const rows = await admin.get<{ vmid: number; status: string; warning?: string }[]>('/cluster/resources', {
      type: 'vm',
    });
    expect(rows.find(({ vmid }) => vmid === 400)).toMatchObject({ status: 'paused', warning });
    // A daemon that was not there when it happened knows it too; a resume without room ends where it began.
    process.kill(await node.daemonPid(), 'SIGKILL');
    await node.up();
    await shows(400, 'io-error', /^disk scsi0 .*no space left/);
    await act(400, 'resume');
    await shows(400, 'io-error', /^disk scsi0 .*no space left/);
    await rm(ballast);
    await shows(400, 'running');
    await shell.run('sync');
    const after = await shell.run(
      'echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/sda bs=1M count=24 2>/dev/null | md5sum',
    );
    expect(after).toMatch(/^[0-9a-f]{32}/);
    expect(after).toBe(before);
    shell.close();
    await act(400, 'stop');
  });
});

describe('a storage vanishes under a running guest', () => {
  test('paused or told, as the disk has it; the start afterwards names what is missing', async () => {
    const image = join(mounts, 'ext4.img');
    await run('truncate', ['-s', '256M', image]);
    await run('mkfs.ext4', ['-q', image]);
    const path = await addStorage('lost', (at) => ['-o', 'loop', image, at]);
    const shell = await boot(410, {
      scsi0: 'lost:0.03125,format=qcow2,cache=writethrough,werror=stop,rerror=stop',
      virtio0: 'lost:0.03125,format=qcow2,cache=writethrough',
    });
    // EXT4_IOC_SHUTDOWN: the file system fails at every call, as one on a disk that was pulled out.
    const shutdown =
      'open(F, "<", $ARGV[0]) or die; my $flags = pack("L", 2); ioctl(F, 0x8004587d, $flags) or die $!';
    await run('perl', ['-e', shutdown, path]);
    await shell.run('dd if=/dev/zero of=/dev/vda bs=1M count=1 conv=fsync');
    expect(await shows(410, 'running', /virtio0/)).toMatch(
      /^disk virtio0 \(lost:410\/vm-410-disk-1\.qcow2\): it cannot (?:read|write): .+\. The guest was told so/,
    );
    shell.type('dd if=/dev/zero of=/dev/sda bs=1M count=1 conv=fsync');
    expect(await shows(410, 'io-error', /scsi0/)).toMatch(
      /disk scsi0 .*: it cannot (?:read|write): .+\. The guest is paused.*: mend the storage, then resume/,
    );
    shell.close();
    await act(410, 'stop');
    await run('umount', [path]);
    mounted.splice(mounted.indexOf(path), 1);
    const end = await admin.taskEnd(await admin.call('POST', qemu(410, '/status/start')));
    expect(end.exitstatus).toMatch(/^scsi0: .*'lost'.*take 'scsi0' out of the configuration$/);
  });
});

describe('an image that cannot be opened: the start says why, and leaves nothing behind', () => {
  let image: string;
  beforeAll(async () => {
    await create(420, { scsi0: 'local:1' });
    image = join(node.dataDir, 'storage/images/420/vm-420-disk-0.qcow2');
  });

  /** How a start fails. */
  async function refusal(): Promise<string> {
    const end = await admin.taskEnd(await admin.call('POST', qemu(420, '/status/start')));
    expect(await node.guestPid(420)).toBeUndefined();
    return end.exitstatus;
  }

  test('missing', async () => {
    await rename(image, `${image}.away`);
    expect(await refusal()).toMatch(
      /^scsi0: volume 'local:420\/vm-420-disk-0\.qcow2' does not exist: bring it back/,
    );
    await rename(`${image}.away`, image);
  });

  test('in use by another program', async () => {
    const other = spawn('qemu-io', [image], { stdio: ['pipe', 'pipe', 'ignore'] });
    await new Promise((resolve) => other.stdout.once('data', resolve));
    expect(await refusal()).toMatch(
      new RegExp(
        `scsi0: the image '${image}' is in use by process ${other.pid} \\(qemu-io .*\\): wait until`,
      ),
    );
    other.stdin.end('quit\n');
    await new Promise((resolve) => other.once('exit', resolve));
  });

  test("not the guests' to open", async () => {
    await chmod(image, 0o600);
    await chown(image, 0, 0);
    expect(await refusal()).toMatch(
      /scsi0: QEMU may not open '.*', which belongs to uid 0 \(mode 600\): .*chown/,
    );
    await run('chown', ['ryokan-qemu', image]);
  });

  test('damaged, or of another format than its name says', async () => {
    const whole = await readFile(image);
    const file = await open(image, 'r+');
    await file.write(Buffer.from('nonsense'), 0, 8, 0);
    await file.close();
    expect(await refusal()).toMatch(/scsi0: .*(?:is no qcow2 image|damaged)/);
    // A broken table of clusters: the header is fine.
    const table = Buffer.from(whole);
    table.writeBigUInt64BE(0x7fff_ffff_ffff_0000n, 40);
    await writeFile(image, table);
    expect(await refusal()).toMatch(/scsi0|L1/);
    await writeFile(image, whole);
    await act(420, 'start');
    await act(420, 'stop');
  });
});
