/** Volumes of containers: subvolumes of a real btrfs, their limits and end; the care of raw ones, with ext4 and XFS. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSubvolume } from '../../packages/server/src/host/btrfs.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import { type ContainerLab, openContainerLab } from '../lib/containers.ts';

const MiB = 1024 ** 2;
let lab: ContainerLab;
let folder: string;
let pool: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-lxc-btrfs-'));
  const image = join(folder, 'image');
  await writeFile(image, '');
  await truncate(image, 1024 ** 3);
  await run('mkfs.btrfs', ['-q', image]);
  pool = join(folder, 'pool');
  await mkdir(pool);
  await run('mount', ['-o', 'loop', image, pool]);
  lab = await openContainerLab('ct-btrfs', { natBridge: false });
  const definition = { type: 'btrfs', storage: 'pool', path: pool, content: 'images,rootdir' };
  await lab.admin.call('POST', '/storage', { ...definition, is_mountpoint: 'yes' });
});
afterAll(async () => {
  await lab?.close();
  await run('umount', [pool]);
  await rm(folder, { recursive: true });
});

const tree = (vmid: number, disk: number) => join(pool, `images/${vmid}/subvol-${vmid}-disk-${disk}.subvol`);
const fill = (path: string, count: number) =>
  lab.inside(400, `dd if=/dev/zero of=${path} bs=1M count=${count} && sync`);

test('a folder on another file system is no storage of this type, and stays as it is', async () => {
  const path = join(folder, 'elsewhere');
  const define = (more: Record<string, string>) =>
    lab.admin.call('POST', '/storage', { type: 'btrfs', storage: 'wrong', path, ...more });
  await expect(define({})).rejects.toThrow('not on a btrfs file system');
  await expect(define({ is_mountpoint: 'yes' })).rejects.toThrow('nothing is mounted');
  expect(existsSync(path)).toBe(false);
});

test('its volumes are subvolumes that belong to its root', async () => {
  await lab.create(400, { rootfs: 'pool:0.1', mp0: 'pool:0.05,mp=/srv/data', start: 1 });
  expect(await lab.config(400)).toMatchObject({
    rootfs: 'pool:400/subvol-400-disk-0.subvol,size=103M',
    mp0: 'pool:400/subvol-400-disk-1.subvol,mp=/srv/data,size=52M',
  });
  expect(await lab.inside(400, 'echo x > /srv/data/file; stat -c %u / /srv/data /srv/data/file')).toBe(
    '0\n0\n0',
  );
  for (const path of [tree(400, 0), tree(400, 1), join(tree(400, 1), 'file')]) {
    expect(statSync(path).uid).toBe(100_000);
  }
  // Nobody but root gets to its files by the node.
  expect(statSync(dirname(tree(400, 0))).mode & 0o777).toBe(0o700);
});

test('a full volume is full for itself alone, and has room again after a removal or a larger size', async () => {
  await expect(fill('/srv/data/big', 60)).rejects.toThrow('quota exceeded');
  await fill('/other', 10);
  await lab.inside(400, 'rm /srv/data/big; sync');
  await fill('/srv/data/big', 30);
  await lab.admin.run('PUT', lab.path(400, '/resize'), { disk: 'mp0', size: '100M' });
  expect((await lab.config(400)).mp0).toContain('size=100M');
  await fill('/srv/data/more', 60);
  const [volume] = (
    await lab.admin.get<{ volid: string; size: number; used: number }[]>(
      `${lab.node.path}/storage/pool/content?vmid=400`,
    )
  ).filter(({ volid }) => volid.includes('disk-1'));
  expect(volume?.size).toBe(100 * MiB);
  expect(volume?.used).toBeGreaterThan(85 * MiB);
  expect(volume?.used).toBeLessThan(100 * MiB);
});

test('what it uses is what its own volumes take, not what the pool does', async () => {
  await run('btrfs', ['filesystem', 'sync', pool]);
  const state = await lab.admin.get<Record<string, number>>(lab.path(400, '/status/current'));
  expect(state.maxdisk).toBe(103 * MiB);
  expect(state.disk).toBeGreaterThan(10 * MiB);
  expect(state.disk).toBeLessThan(30 * MiB);
  const rows = await lab.admin.get<Record<string, number | string>[]>(lab.path(400, '/df'));
  expect(rows).toMatchObject([
    { key: 'rootfs', mp: '/' },
    { key: 'mp0', mp: '/srv/data', size: 100 * MiB },
  ]);
  const { used, available } = rows[1] as { used: number; available: number };
  expect(used).toBeGreaterThan(85 * MiB);
  expect(used + available).toBe(100 * MiB);
});

test('it cannot make subvolumes, which no limit would hold for', async () => {
  const { stdout } = await run('ldd', ['/usr/bin/btrfs']);
  for (const path of ['/usr/bin/btrfs', ...(stdout.match(/\/\S+/g) ?? [])]) {
    const target = join(tree(400, 0), path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(path, target);
  }
  await expect(lab.inside(400, '/usr/bin/btrfs subvolume create /inner')).rejects.toThrow(
    'Inappropriate ioctl',
  );
});

test('what does not fit makes no container, and says why', async () => {
  await expect(lab.create(401, { rootfs: 'pool:0.001' })).rejects.toThrow('too small');
  expect(existsSync(join(pool, 'images/401'))).toBe(false);
});

const image = (disk: number) => join(lab.node.dataDir, `storage/images/402/vm-402-disk-${disk}.raw`);
/** Bytes that a file takes on the disk. */
const taken = (path: string) => statSync(path).blocks * 512;
const pct = (...args: string[]) => lab.node.cli('pct', ...args);

test('raw volumes give freed space back, running and stopped', async () => {
  await lab.create(402, {
    rootfs: 'local:0.1',
    mp0: 'local:0.05,mp=/srv/data',
    mp1: 'pool:0.1,mp=/pool',
    start: 1,
  });
  const fillAndRemove = () =>
    lab.inside(402, 'dd if=/dev/zero of=/srv/data/big bs=1M count=30; sync; rm /srv/data/big; sync');
  await fillAndRemove();
  expect(taken(image(1))).toBeGreaterThan(25 * MiB);
  const { stdout } = await pct('fstrim', '402');
  expect(stdout).toMatch(/mp0: .*trimmed/);
  expect(stdout).toContain('mp1: a subvolume');
  expect(taken(image(1))).toBeLessThan(15 * MiB);
  await fillAndRemove();
  await lab.power(402, 'stop');
  await pct('fstrim', '402');
  expect(taken(image(1))).toBeLessThan(15 * MiB);
  expect(await lab.leftovers(402)).toEqual([]);
});

test('a stopped container is mounted, which locks it, and checked', async () => {
  const { stdout } = await pct('mount', '402');
  const root = /mounted CT 402 in '(.+)'/.exec(stdout)?.[1] ?? '';
  expect(existsSync(join(root, 'bin/busybox'))).toBe(true);
  expect(existsSync(join(root, 'srv/data/lost+found'))).toBe(true);
  expect((await lab.config(402)).lock).toBe('mounted');
  await expect(lab.power(402, 'start')).rejects.toThrow('locked (mounted)');
  await expect(pct('fsck', '402')).rejects.toThrow('locked');
  await pct('unmount', '402');
  expect((await lab.config(402)).lock).toBeUndefined();
  expect(await lab.leftovers(402)).toEqual([]);
  expect((await pct('fsck', '402', '--force')).stdout).toMatch(/files .*blocks/);
  await expect(pct('fsck', '402', '--device', 'mp1')).rejects.toThrow('btrfs scrub');
  await pct('mount', '402');
  await pct('unlock', '402');
  expect(await lab.leftovers(402)).toEqual([]);
  await lab.power(402, 'start');
  await expect(pct('fsck', '402')).rejects.toThrow('is running');
  await expect(pct('mount', '402')).rejects.toThrow('is running');
  await lab.power(402, 'stop');
});

test('a mount point behind a link of the tree stays in the tree', async () => {
  const { stdout } = await pct('mount', '402');
  const root = /mounted CT 402 in '(.+)'/.exec(stdout)?.[1] ?? '';
  const outside = join(folder, 'outside');
  await mkdir(outside);
  await symlink(outside, join(root, 'way-out'));
  await pct('unmount', '402');
  await lab.set(402, { mp2: 'local:0.02,mp=/way-out/in' });
  await pct('mount', '402');
  expect(readdirSync(outside)).toEqual([]);
  expect(existsSync(join(root, outside, 'in/lost+found'))).toBe(true);
  await pct('unmount', '402');
  await lab.node.cli('pct', 'set', '402', '--delete', 'mp2');
});

test('XFS is mounted, grown and checked', async () => {
  await lab.set(402, { mp3: 'local:0.4,mp=/xfs,acl=1' });
  const path = image(3);
  await run('mkfs.xfs', ['-q', '-f', path]);
  await lab.power(402, 'start');
  const size = async () =>
    Number(await lab.inside(402, "stat -f -c '%b' /xfs")) *
    Number(await lab.inside(402, "stat -f -c '%S' /xfs"));
  const before = await size();
  await lab.admin.run('PUT', lab.path(402, '/resize'), { disk: 'mp3', size: '500M' });
  const grown = await size();
  expect(grown).toBeGreaterThan(before + 80 * MiB);
  await lab.power(402, 'stop');
  await lab.admin.run('PUT', lab.path(402, '/resize'), { disk: 'mp3', size: '600M' });
  expect((await pct('fsck', '402', '--device', 'mp3')).stdout).toContain('Phase 7');
  await lab.power(402, 'start');
  expect(await size()).toBeGreaterThan(grown + 80 * MiB);
  await lab.power(402, 'stop');
});

test('a rescan finds sizes and forgotten volumes', async () => {
  await truncate(image(1), 64 * MiB);
  await lab.admin.call('POST', `${lab.node.path}/storage/local/content`, {
    ...{ vmid: 402, filename: 'vm-402-disk-9.raw', size: '4M', format: 'raw' },
  });
  const { stdout } = await pct('rescan', '--vmid', '402', '--dryrun', '1');
  expect(stdout).toContain("'mp0' has 64M");
  await pct('rescan');
  const config = await lab.config(402);
  expect(config.mp0).toContain('size=64M');
  expect(Object.values(config)).toContain('local:402/vm-402-disk-9.raw');
  await lab.admin.run('DELETE', lab.path(402));
});

test('it goes with all its subvolumes', async () => {
  await lab.power(400, 'stop');
  expect(await lab.leftovers(400)).toEqual([]);
  await createSubvolume(join(tree(400, 0), 'srv/inner'));
  await createSubvolume(join(tree(400, 0), 'srv/inner/most'));
  await lab.admin.run('DELETE', lab.path(400));
  expect(existsSync(join(pool, 'images/400'))).toBe(false);
  expect((await run('btrfs', ['subvolume', 'list', pool])).stdout).toBe('');
});
