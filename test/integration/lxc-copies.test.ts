/**
 * Containers cloned, moved, made templates of and given back their past: on a storage of type dir, whose volumes are
 * images, and on one of type btrfs, whose volumes are folders that have snapshots.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stage } from '../../packages/server/src/guests/lxc/host-input.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import { processStat } from '../../packages/server/src/host/procfs.ts';
import { type ContainerLab, openContainerLab } from '../lib/containers.ts';
import { type FaultAction, type Faults, prepareFaults } from '../lib/faults.ts';
import { waitFor } from '../lib/wait.ts';

let lab: ContainerLab;
let faults: Faults;
/** Of the storages. */
let folder: string;

beforeAll(async () => {
  faults = await prepareFaults();
  lab = await openContainerLab('ctc', { env: faults.env });
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
  await faults?.remove();
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

test('a clone of a running container is of one moment, which its storage keeps meanwhile', async () => {
  expect(await feature(300, 'copy')).toEqual({ hasFeature: 1 });
  const { log } = await clone(300, 310, { storage: 'second' });
  expect(log.join('\n')).toMatch(/the container stood still for \d+ ms/);
  expect((await readdir(join(folder, 'pool/images/300'))).filter((name) => name.includes('@'))).toEqual([]);
  await lab.power(310, 'start');
  expect(await lab.inside(310, 'cat /root/word')).toBe('later');
});

test('ACLs, attributes, capabilities and devices are in a copy; as fast as allowed', async () => {
  await lab.power(300, 'stop');
  const tree = join(folder, 'pool/images/300/subvol-300-disk-0.subvol');
  await run('setfacl', ['-m', 'u:100033:rw,d:g:100044:r', join(tree, 'root')]);
  await run('setfattr', ['-n', 'user.note', '-v', 'kept', join(tree, 'root/word')]);
  await run('setcap', ['cap_net_raw=ep', join(tree, 'bin/busybox')]);
  await run('mknod', [join(tree, 'root/pipe'), 'p']);
  const begin = performance.now();
  await move(300, 'rootfs', { storage: 'second', delete: 1, bwlimit: 2000 });
  expect(performance.now() - begin).toBeGreaterThan(1500);
  await move(300, 'rootfs', { storage: 'pool', delete: 1 });
  const attributes = async (path: string) =>
    (await run('getfacl', ['-np', join(tree, path)])).stdout.replaceAll(tree, '') +
    (await run('getfattr', ['-d', '-m', '-', '-e', 'hex', join(tree, path)])).stdout;
  expect(await attributes('root')).toMatch(/user:100033:rw-.*default:group:100044:r--/s);
  expect(await attributes('root/word')).toContain('user.note=0x6b657074');
  expect(await attributes('bin/busybox')).toContain('security.capability=0x');
  expect((await run('stat', ['-c', '%F %u', join(tree, 'root/pipe')])).stdout).toBe('fifo 0\n');
  await lab.power(300, 'start');
});

/** On the pool with an image beside the tree, whose file system is held while snapshots are taken. */
async function makeHeld(): Promise<void> {
  await lab.create(320, { rootfs: 'pool:0.1' });
  const volume = await lab.admin.call<string>('POST', `${lab.node.path}/storage/pool/content`, {
    ...{ vmid: 320, filename: 'vm-320-disk-1.raw', size: '64M', format: 'raw' },
  });
  await run('mkfs.ext4', [
    '-q',
    '-E',
    'root_owner=100000:100000',
    join(folder, 'pool/images/320/vm-320-disk-1/disk.raw'),
  ]);
  await lab.set(320, { mp0: `${volume},mp=/srv/image` });
  await lab.power(320, 'start');
  await lab.inside(320, 'echo first > /root/word && echo first > /srv/image/word');
  await task('POST', 320, '/snapshot', { snapname: 'first' });
}

const breakable = {
  snapshot: () => lab.admin.call<string>('POST', lab.path(320, '/snapshot'), { snapname: 'made' }),
  removal: () => lab.admin.call<string>('DELETE', lab.path(320, '/snapshot/made')),
  clone: () => lab.admin.call<string>('POST', lab.path(320, '/clone'), { newid: 321, storage: 'second' }),
  rollback: () => lab.admin.call<string>('POST', lab.path(320, '/snapshot/first/rollback'), { start: 1 }),
};

/** The step of a snapshot that comes when all is held. */
const inHold = 'run btrfs (3)';
const breaks: readonly (readonly [keyof typeof breakable, string, FaultAction])[] = [
  ['snapshot', 'run nsenter', 'fail'],
  ['snapshot', 'run nsenter', 'kill-after'],
  ['snapshot', inHold, 'fail'],
  ['clone', 'run mount', 'kill-after'],
  ['removal', 'run btrfs', 'kill-after'],
  ['rollback', 'run btrfs (3)', 'kill-after'],
];

test('broken off: it goes on, nothing is locked, document and volumes agree', async () => {
  await makeHeld();
  for (const [name, step, action] of breaks) {
    const at = `${name}, ${step}: ${action}`;
    if (name === 'removal') await task('POST', 320, '/snapshot', { snapname: 'made' });
    await faults.arm(step, action);
    const { exitstatus, log } = await lab.admin.taskEnd(await breakable[name]());
    expect(await faults.disarm(), at).toBe(step);
    expect(exitstatus, at).not.toBe('OK');
    expect(
      log.filter((line) => line.startsWith('could not take back')),
      at,
    ).toEqual([]);
    if (name === 'rollback') await lab.power(320, 'start');
    // In a frozen container, or on a frozen file system, this would wait for ever.
    expect(
      await lab.inside(320, 'echo on > /root/on && echo on > /srv/image/on && sync && cat /root/word'),
      at,
    ).toBe('first');
    expect(await lab.config(320), at).not.toHaveProperty('lock');
    if (name === 'removal') await task('DELETE', 320, '/snapshot/made');
    const rows = await lab.admin.get<{ name: string }[]>(lab.path(320, '/snapshot'));
    expect(
      rows.map((row) => row.name),
      at,
    ).toEqual(['first', 'current']);
    // What a rollback had in the making the storage itself clears away some time.
    const images = (await readdir(join(folder, 'pool/images/320'))).filter((image) => !image.startsWith('.'));
    expect(images.sort(), at).toEqual([
      ...[
        'subvol-320-disk-0.subvol',
        'subvol-320-disk-0.subvol@first',
        'vm-320-disk-1',
        'vm-320-disk-1@first',
      ],
    ]);
    await expect(lab.config(321), at).rejects.toThrow('does not exist');
    expect(await lab.leftovers(321), at).toEqual([]);
  }
  const volumes = await lab.admin.get<unknown[]>(`${lab.node.path}/storage/second/content?vmid=321`);
  expect(volumes).toEqual([]);
});

const hasLoop = async () => {
  const image = join(folder, 'pool/images/320/vm-320-disk-1/disk.raw');
  return (await run('losetup', ['--associated', image])).stdout !== '';
};

/** Brings a snapshot to the moment in which all is held; process ids of its worker and of the container's monitor. */
async function stopWhileHeld(): Promise<{ worker: number; monitor: number; upid: string }> {
  const monitor = await lab.monitor(320);
  await faults.arm(inHold, 'halt');
  const upid = await breakable.snapshot();
  const worker = Number.parseInt(upid.split(':')[2] ?? '', 16);
  await waitFor(() => processStat(worker)?.state === 'T', { timeout: 60, what: 'the held container' });
  expect(await faults.disarm()).toBe(inHold);
  const again = ['--target', String(monitor), '--mount', '--', 'fsfreeze', '--freeze', `${stage}/mp0`];
  await expect(run('nsenter', again)).rejects.toThrow('busy');
  return { worker, monitor, upid };
}

test.each([
  ['the monitor', true, false],
  ['the worker', false, true],
  ['both', true, true],
])('%s killed while it is held: nothing stays frozen or mounted', async (_who, monitorToo, workerToo) => {
  const { worker, monitor, upid } = await stopWhileHeld();
  if (monitorToo) process.kill(monitor, 'SIGKILL');
  process.kill(worker, workerToo ? 'SIGKILL' : 'SIGCONT');
  expect((await lab.admin.taskEnd(upid)).exitstatus === 'OK').toBe(!workerToo);
  if (monitorToo) {
    await lab.cleanedUp(320);
    expect(await hasLoop()).toBe(false);
    await lab.power(320, 'start');
  }
  expect(
    await lab.inside(320, 'echo on > /root/on && echo on > /srv/image/on && sync && cat /root/word'),
  ).toBe('first');
  if (!workerToo) await task('DELETE', 320, '/snapshot/made');
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
