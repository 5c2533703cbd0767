/**
 * Containers cloned, moved, made templates of and given back their past: on a storage of type dir, whose volumes are
 * images, and on one of type btrfs, whose volumes are folders that have snapshots.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import { type ContainerLab, openContainerLab } from '../lib/containers.ts';

let lab: ContainerLab;
/** Of the storages. */
let folder: string;

beforeAll(async () => {
  lab = await openContainerLab('ctc', { natBridge: false });
  folder = await mkdtemp('/tmp/ryokan-copies-');
  const [pool, image] = [join(folder, 'pool'), join(folder, 'pool.img')];
  await mkdir(pool);
  await run('truncate', ['--size', '1500M', image]);
  await run('mkfs.btrfs', ['-q', image]);
  await run('mount', ['-o', 'loop', image, pool]);
  for (const [storage, params] of Object.entries({
    pool: { type: 'btrfs', path: pool },
    second: { type: 'dir', path: join(folder, 'second') },
  })) {
    await lab.admin.call('POST', '/storage', { storage, ...params, content: 'rootdir,images' });
  }
  await lab.create(300, { mp0: 'local:0.05,mp=/srv/data', net0: 'name=eth0,hwaddr=BC:24:11:00:00:01' });
  await lab.power(300, 'start');
  await lab.inside(300, fill);
});
afterAll(async () => {
  await lab?.close();
  await run('umount', [join(folder, 'pool')]);
  await rm(folder, { recursive: true });
});

/** Files that a careless copy loses something of. */
const fill = [
  'echo word > /root/word && chmod 640 /root/word && chown 7:8 /root/word',
  'ln /root/word /root/second-name && ln -s /etc/passwd /root/link && ln -s ../../../../etc/shadow /root/far',
  'dd if=/dev/zero of=/root/holes bs=1 count=1 seek=20000000 2>/dev/null',
  'chmod 4755 /bin/busybox && mkdir -p /srv/data/deep/er && echo data > /srv/data/deep/er/file',
  'head -c 3000000 /dev/urandom > /root/noise',
].join(' && ');
const look = [
  'stat -c "%a %u:%g %h" /root/word && ls -l /root/link /root/far | grep -o "/root.*"',
  'stat -c "%s" /root/holes && [ $(stat -c %b /root/holes) -lt 1000 ] && echo sparse',
  'stat -c "%a %u" /bin/busybox /root /tmp && cat /root/second-name /srv/data/deep/er/file',
  'cksum < /root/noise 2>/dev/null || wc -c < /root/noise',
].join(' && ');

const task = (verb: 'POST' | 'PUT' | 'DELETE', vmid: number, path: string, params = {}) =>
  lab.admin.run(verb, lab.path(vmid, path), params);
const clone = (vmid: number, newid: number, params = {}) =>
  task('POST', vmid, '/clone', { newid, ...params });
const move = (vmid: number, volume: string, params = {}) =>
  task('POST', vmid, '/move_volume', { volume, ...params });
const feature = (vmid: number, name: string, snapname?: string) =>
  lab.admin.get<{ hasFeature: number; reason?: string }>(
    lab.path(vmid, `/feature?feature=${name}${snapname ? `&snapname=${snapname}` : ''}`),
  );
/** Starts a container, looks at its files, and stops it. */
async function seen(vmid: number): Promise<string> {
  await lab.power(vmid, 'start');
  const found = await lab.inside(vmid, look);
  await lab.power(vmid, 'stop');
  return found;
}
let original: string;

test('a storage without snapshots says so and what would help; a running container is not copied from it', async () => {
  original = await lab.inside(300, look);
  expect(original).toMatch(/^640 7:8 2\n.*sparse\n4755 0\n/s);
  expect(await feature(300, 'snapshot')).toMatchObject({
    hasFeature: 0,
    reason: expect.stringMatching(/'rootfs' on storage 'local' has the format raw; .*type btrfs/),
  });
  await expect(task('POST', 300, '/snapshot', { snapname: 'no' })).rejects.toThrow('type btrfs');
  expect(await feature(300, 'copy')).toMatchObject({
    hasFeature: 0,
    reason: expect.stringContaining('stop CT 300'),
  });
  await expect(clone(300, 301)).rejects.toThrow('stop CT 300');
  await expect(move(300, 'rootfs', { storage: 'pool' })).rejects.toThrow('stop CT 300');
  await lab.power(300, 'stop');
  expect(await feature(300, 'copy')).toEqual({ hasFeature: 1 });
  expect(await feature(300, 'clone')).toMatchObject({ hasFeature: 0 });
});

test('a full clone has all files, and a name and an address of its own', async () => {
  await clone(300, 301, { hostname: 'twin', description: 'a copy' });
  const config = await lab.config(301);
  expect(config).toMatchObject({ hostname: 'twin', description: 'a copy', unprivileged: 1 });
  expect(config.rootfs).toMatch(/^local:301\/vm-301-disk-0\.raw,size=103M$/);
  expect(config.net0).not.toContain('BC:24:11:00:00:01');
  expect(await seen(301)).toBe(original);
  await clone(301, 302, { storage: 'second' });
  expect(await lab.config(302)).toMatchObject({ hostname: 'Copy-of-CT-twin' });
});

test('to a storage of folders and back: image, folder, image', async () => {
  for (const volume of ['rootfs', 'mp0']) await move(300, volume, { storage: 'pool', delete: 1 });
  expect((await lab.config(300)).rootfs).toMatch(/^pool:300\/subvol-300-disk-0\.subvol/);
  expect(await seen(300)).toBe(original);
  await clone(300, 303, { storage: 'second' });
  expect((await lab.config(303)).rootfs).toMatch(/^second:303\/vm-303-disk-0\.raw/);
  expect(await seen(303)).toBe(original);
  await move(303, 'rootfs', { storage: 'local' });
  const moved = await lab.config(303);
  expect(moved).toMatchObject({ unused0: 'second:303/vm-303-disk-0.raw' });
  await expect(move(303, 'rootfs', { storage: 'local' })).rejects.toThrow('same storage');
  expect(await lab.leftovers(300)).toEqual([]);
  expect(await lab.leftovers(303)).toEqual([]);
});

test('snapshot, break it, go back: it works again', async () => {
  expect(await feature(300, 'snapshot')).toEqual({ hasFeature: 1 });
  await lab.power(300, 'start');
  await task('POST', 300, '/snapshot', { snapname: 'whole', description: 'before the end' });
  expect(await lab.inside(300, 'cat /root/word')).toBe('word');
  await lab.inside(300, 'rm -r /sbin/init /root /srv/data/deep');
  await lab.set(300, { description: 'broken' });
  await task('POST', 300, '/snapshot/whole/rollback', { start: 1 });
  expect(await lab.inside(300, look)).toBe(original);
  const rows = await lab.admin.get<Record<string, unknown>[]>(lab.path(300, '/snapshot'));
  expect(rows).toMatchObject([
    { name: 'whole', description: 'before the end' },
    { name: 'current', parent: 'whole', running: 1 },
  ]);
  await expect(task('POST', 300, '/snapshot', { snapname: 'whole' })).rejects.toThrow('already used');
});

test('of a snapshot: clones of a running container, full and linked; notes; removal by the command line', async () => {
  expect(await feature(300, 'clone', 'whole')).toEqual({ hasFeature: 1 });
  await lab.inside(300, 'echo later > /root/word');
  await clone(300, 304, { snapname: 'whole', full: 1, storage: 'second' });
  await clone(300, 305, { snapname: 'whole', full: 0 });
  for (const vmid of [304, 305]) expect(await seen(vmid)).toBe(original);
  await lab.admin.call('PUT', lab.path(300, '/snapshot/whole/config'), { description: 'other words' });
  expect(await lab.admin.get(lab.path(300, '/snapshot/whole/config'))).toMatchObject({
    description: 'other words',
    unprivileged: 1,
  });
  expect((await lab.node.cli('pct', 'listsnapshot', '300')).stdout).toContain('other words');
  await lab.node.cli('pct', 'delsnapshot', '300', 'whole');
  await expect(lab.admin.get(lab.path(300, '/snapshot/whole/config'))).rejects.toThrow('does not exist');
  expect(await lab.inside(300, 'cat /root/word')).toBe('later');
});

test('a template does not start; clones of it share its folders where the storage can', async () => {
  await expect(lab.admin.call('POST', lab.path(300, '/template'))).rejects.toThrow('running');
  await lab.power(300, 'stop');
  const tried = await lab.admin.call('POST', lab.path(300, '/template'), { 'dry-run': 1 });
  expect(tried).toMatchObject({
    accepted: 1,
    complete: 1,
    effects: [/subvol-300/, /subvol-300/].map((one) => expect.stringMatching(one)),
  });
  expect(await lab.config(300)).not.toHaveProperty('template');
  await lab.admin.call('POST', lab.path(300, '/template'));
  expect(await lab.config(300)).toMatchObject({
    template: 1,
    rootfs: expect.stringMatching(/^pool:300\/basevol-300-disk-0\.subvol/),
  });
  await expect(lab.power(300, 'start')).rejects.toThrow('template');
  await Promise.all([clone(300, 306), clone(300, 307, { full: 1, storage: 'local' })]);
  expect(await feature(300, 'clone')).toEqual({ hasFeature: 1 });
  await lab.power(306, 'start');
  expect(await lab.inside(306, 'cat /root/word; echo own > /root/word; cat /root/word')).toBe('later\nown');
  await lab.admin.call('POST', lab.path(301, '/template'));
  await expect(clone(301, 308)).rejects.toThrow('full clone');
  await clone(301, 308, { full: 1 });
  expect(await seen(308)).toBe(original);
});

test('a volume goes to another container, whose user ids have to be the same', async () => {
  await move(302, 'mp0', { 'target-vmid': 308, 'target-volume': 'mp5' });
  expect((await lab.config(308)).mp5).toMatch(/^second:308\/vm-308-disk-0\.raw,mp=\/srv\/data/);
  expect(await lab.config(302)).not.toHaveProperty('mp0');
  await expect(move(302, 'rootfs', { 'target-vmid': 308 })).rejects.toThrow('root file system');
  await lab.node.cli(
    'pct',
    'create',
    '309',
    'local:vztmpl/busybox.tar.gz',
    '--rootfs',
    'local:0.1',
    '--unprivileged',
    '0',
  );
  await expect(move(308, 'mp5', { 'target-vmid': 309 })).rejects.toThrow('different user ids');
  await lab.node.cli(
    'pct',
    'move-volume',
    '308',
    'mp5',
    '--target-vmid',
    '302',
    '--target-volume',
    'unused3',
  );
  expect(await lab.config(302)).toMatchObject({ unused3: 'second:302/vm-302-disk-1.raw' });
});
