/** Containers on btrfs: subvolumes as volumes, their limits, what becomes of them. A real file system in a file. */
import { existsSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
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

test('it goes with all its subvolumes', async () => {
  await lab.power(400, 'stop');
  expect(await lab.leftovers(400)).toEqual([]);
  await createSubvolume(join(tree(400, 0), 'srv/inner'));
  await createSubvolume(join(tree(400, 0), 'srv/inner/most'));
  await lab.admin.run('DELETE', lab.path(400));
  expect(existsSync(join(pool, 'images/400'))).toBe(false);
  expect((await run('btrfs', ['subvolume', 'list', pool])).stdout).toBe('');
});
