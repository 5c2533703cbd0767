/** What is special to `dir`: headers that lie, owners and modes, sizes of lists, leftovers. */
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../host/exec.ts';
import type { StorageDriver } from '../driver.ts';
import { readImageHeader } from '../image-header.ts';
import { demandSelfContained } from '../untrusted-image.ts';
import { createDirDriver } from './dir.ts';
import { isMountPoint } from './mount-point.ts';

const MiB = 1024 * 1024;
let path: string;
let driver: StorageDriver;

const make = (properties: Record<string, string> = {}) =>
  createDirDriver(
    { storage: 'local', type: 'dir', properties: { path, ...properties } },
    { owner: { uid: 4711, gid: 4712 } },
  );

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'ryokan-dirfiles-'));
  driver = make();
  await driver.activate();
});
afterEach(() => rm(path, { recursive: true }));

describe('files of a dir storage', () => {
  it('belong to the user of guests, images closed to all others', async () => {
    const image = await driver.allocate({ vmid: 100, format: 'qcow2', size: MiB });
    const facts = await stat(driver.path(image));
    expect([facts.uid, facts.gid, facts.mode & 0o777]).toEqual([4711, 4712, 0o600]);
    const base = await stat(driver.path(await driver.makeBase(image)));
    expect([base.uid, base.mode & 0o777]).toEqual([4711, 0o440]);
    const mode = async (name: string) => (await stat(join(path, name))).mode & 0o777;
    expect(await mode('images')).toBe(0o711);
    expect(await mode('images/100')).toBe(0o711);
    expect(await mode('template/iso')).toBe(0o755);
    expect(await mode('dump')).toBe(0o711);
  });

  it('can be reached by guests whatever the umask of the daemon', async () => {
    const fresh = join(path, 'fresh');
    const before = process.umask(0o077);
    try {
      await createDirDriver(
        { storage: 'local', type: 'dir', properties: { path: fresh } },
        { owner: { uid: 4711, gid: 4712 } },
      ).activate();
    } finally {
      process.umask(before);
    }
    for (const name of ['template', 'template/iso', 'images']) {
      expect((await stat(join(fresh, name))).mode & 0o001, name).toBe(1);
    }
  });

  it('may stand in other folders', async () => {
    const moved = make({ 'content-dirs': 'iso=isos/all,images=disks' });
    await moved.activate();
    expect(moved.path('iso/x.iso')).toBe(join(path, 'isos/all/x.iso'));
    const image = await moved.allocate({ vmid: 100, format: 'raw', size: MiB });
    expect(moved.path(image)).toBe(join(path, 'disks/100/vm-100-disk-0.raw'));
  });

  it('are preallocated when the storage says so', async () => {
    const full = make({ preallocation: 'falloc' });
    const image = await full.allocate({ vmid: 100, format: 'raw', size: 4 * MiB });
    expect((await full.info(image)).used).toBe(4 * MiB);
    const meta = make({ preallocation: 'metadata' });
    const qcow2 = await meta.allocate({ vmid: 100, format: 'qcow2', size: 4 * MiB });
    expect((await meta.info(qcow2)).size).toBe(4 * MiB);
  });

  it('that were left unfinished a day ago go', async () => {
    await driver.allocate({ vmid: 100, format: 'raw', size: MiB });
    const folder = join(path, 'images/100');
    await writeFile(join(folder, '.staging-old.raw'), 'x');
    await writeFile(join(folder, '.staging-new.raw'), 'x');
    const dayBefore = new Date(Date.now() - 25 * 3600 * 1000);
    await utimes(join(folder, '.staging-old.raw'), dayBefore, dayBefore);
    expect(await driver.list()).toHaveLength(1);
    await driver.allocate({ vmid: 100, format: 'raw', size: MiB });
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual(['.staging-new.raw']);
  });

  it('that are no volumes are not listed', async () => {
    await mkdir(join(path, 'images/100/sub.raw'), { recursive: true });
    await mkdir(join(path, 'images/not-a-vmid'));
    await mkdir(join(path, 'template/iso/folder.iso'));
    await run('mkfifo', [join(path, 'template/iso/pipe.iso')]);
    for (const name of ['images/100/notes.txt', 'images/stray.raw', 'template/iso/README', 'dump/x.log']) {
      await writeFile(join(path, name), 'x');
    }
    expect(await driver.list()).toEqual([]);
    await expect(driver.info('iso/pipe.iso')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(driver.info('iso/folder.iso')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('disappear between list and look without harm', async () => {
    await symlink('gone.iso', join(path, 'template/iso/dangling.iso'));
    await symlink('loop.iso', join(path, 'template/iso/loop.iso'));
    expect(await driver.list()).toEqual([]);
    await expect(driver.info('iso/dangling.iso')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('cannot be made where the folder may not be made', async () => {
    const strict = createDirDriver({
      storage: 'x1',
      type: 'dir',
      properties: { path: join(path, 'missing'), 'create-base-path': '0' },
    });
    await expect(strict.activate()).rejects.toThrow(/ENOENT/);
    expect(await readdir(path)).not.toContain('missing');
  });

  it('that a guest has open say so', async () => {
    const image = await driver.allocate({ vmid: 100, format: 'qcow2', size: MiB });
    // qemu-io holds the same locks as a running guest while its input is open.
    const controller = new AbortController();
    const guest = run('qemu-io', ['-f', 'qcow2', '-c', 'sleep 20000', driver.path(image)], {
      signal: controller.signal,
    }).catch(() => undefined);
    try {
      await expect
        .poll(() =>
          driver.snapshotCreate(image, `s${Date.now()}`).then(
            () => 'free',
            (e: Error) => e.message,
          ),
        )
        .toBe('the image is in use by a running guest or another program');
      await expect(driver.resize(image, 2 * MiB)).rejects.toMatchObject({ code: 'state' });
      expect((await driver.info(image)).size).toBe(MiB);
      expect(Array.isArray(await driver.snapshotList(image))).toBe(true);
    } finally {
      controller.abort();
      await guest;
    }
  });

  it('are listed by the thousand without a program each', async () => {
    const first = await driver.allocate({ vmid: 100, format: 'qcow2', size: 8 * MiB });
    const head = (await readFile(driver.path(first))).subarray(0, 512);
    for (let vmid = 101; vmid < 111; vmid++) {
      await mkdir(join(path, `images/${vmid}`));
      const files = Array.from({ length: 100 }, (_, i) => `images/${vmid}/vm-${vmid}-disk-${i}.qcow2`);
      await Promise.all(files.map((file) => writeFile(join(path, file), head)));
    }
    const started = performance.now();
    const list = await driver.list();
    const took = performance.now() - started;
    expect(list).toHaveLength(1001);
    expect(list.every((image) => image.size === 8 * MiB)).toBe(true);
    // A qemu-img for each takes about 20 s.
    expect(took).toBeLessThan(3000);
  });

  it('that changed are read again', async () => {
    const image = await driver.allocate({ vmid: 100, format: 'qcow2', size: MiB });
    expect((await driver.list())[0]?.size).toBe(MiB);
    await run('qemu-img', ['resize', '-q', '-f', 'qcow2', driver.path(image), '3M']);
    expect((await driver.list())[0]?.size).toBe(3 * MiB);
  });
});

describe('image headers', () => {
  const file = () => join(path, 'image');
  const header = (fields: { at: number; value: bigint; bytes: 4 | 8 }[] = []) => {
    const head = Buffer.alloc(65536);
    head.writeUInt32BE(0x514649fb, 0);
    head.writeUInt32BE(3, 4);
    head.writeUInt32BE(16, 20);
    head.writeBigUInt64BE(5n * BigInt(MiB), 24);
    head.writeUInt32BE(104, 100);
    for (const { at, value, bytes } of fields) {
      if (bytes === 4) head.writeUInt32BE(Number(value), at);
      else head.writeBigUInt64BE(value, at);
    }
    return head;
  };

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['a short file', Buffer.from('QFI')],
    ['other content', Buffer.alloc(65536, 'x')],
    ['an unknown version', header([{ at: 4, value: 9n, bytes: 4 }])],
    ['clusters too large', header([{ at: 20, value: 63n, bytes: 4 }])],
    ['a size beyond all numbers', header([{ at: 24, value: 2n ** 64n - 1n, bytes: 8 }])],
    [
      'a backing file far out',
      header([
        { at: 8, value: 2n ** 63n, bytes: 8 },
        { at: 16, value: 10n, bytes: 4 },
      ]),
    ],
    [
      'a backing name of 4 GiB',
      header([
        { at: 8, value: 112n, bytes: 8 },
        { at: 16, value: 2n ** 32n - 1n, bytes: 4 },
      ]),
    ],
    ['a backing name of no length', header([{ at: 8, value: 112n, bytes: 8 }])],
  ])('survive %s', async (_what, data) => {
    await writeFile(file(), data);
    expect(await readImageHeader(file(), 'qcow2')).toBeUndefined();
    await mkdir(join(path, 'images/100'));
    await writeFile(join(path, 'images/100/vm-100-disk-0.qcow2'), data);
    expect((await driver.list())[0]).toMatchObject({ name: '100/vm-100-disk-0.qcow2', size: 0 });
  });

  it('with a backing file outside the images name no parent', async () => {
    await mkdir(join(path, 'images/100'));
    const image = join(path, 'images/100/vm-100-disk-0.qcow2');
    for (const backing of [
      '/etc/passwd',
      '../../../etc/passwd',
      '../101/../102/base-102-disk-0.raw',
      'nbd:x:1',
    ]) {
      const data = header([
        { at: 8, value: 200n, bytes: 8 },
        { at: 16, value: BigInt(backing.length), bytes: 4 },
      ]);
      data.write(backing, 200);
      await writeFile(image, data);
      const [info] = await driver.list();
      expect(info).toMatchObject({ name: '100/vm-100-disk-0.qcow2', size: 5 * MiB });
      expect(info?.parent).toBeUndefined();
    }
  });

  it('of vmdk give the size', async () => {
    await run('qemu-img', ['create', '-q', '-f', 'vmdk', file(), '7M']);
    expect(await readImageHeader(file(), 'vmdk')).toEqual({ virtualSize: 7 * MiB });
  });
});

describe('images from elsewhere', () => {
  const image = (ending = 'qcow2') => join(path, `image.${ending}`);
  const create = (...args: string[]) => run('qemu-img', ['create', '-q', ...args]);
  const problem = (ending: string) =>
    demandSelfContained(image(ending), ending).then(
      () => 'fine',
      (error: Error) => error.message,
    );

  it('pass when they hold all of themselves', async () => {
    await create('-f', 'qcow2', image(), '4M');
    expect(await problem('qcow2')).toBe('fine');
    await create('-f', 'qcow2', '-o', 'compat=0.10', image(), '4M');
    expect(await problem('qcow2')).toBe('fine');
    for (const type of ['monolithicSparse', 'streamOptimized']) {
      await create('-f', 'vmdk', '-o', `subformat=${type}`, image('vmdk'), '4M');
      expect(await problem('vmdk')).toBe('fine');
    }
    await writeFile(image('raw'), 'anything');
    expect(await problem('raw')).toBe('fine');
  });

  it('are refused when they lead to other files', async () => {
    const other = join(path, 'other');
    await create('-f', 'raw', other, '4M');
    await create('-f', 'qcow2', '-b', other, '-F', 'raw', image());
    expect(await problem('qcow2')).toMatch(/backing file/);
    await create('-f', 'qcow2', '-o', `data_file=${other},data_file_raw=on`, image(), '4M');
    expect(await problem('qcow2')).toMatch(/another file/);
    await create('-f', 'vmdk', join(path, 'parent.vmdk'), '4M');
    await create('-f', 'vmdk', '-b', join(path, 'parent.vmdk'), '-F', 'vmdk', image('vmdk'));
    expect(await problem('vmdk')).toMatch(/parent image/);
    await rm(image('vmdk'));
    await create('-f', 'vmdk', '-o', 'subformat=monolithicFlat', image('vmdk'), '4M');
    expect(await problem('vmdk')).toMatch(/descriptor of other files/);
    await create('-f', 'vmdk', image('vmdk'), '4M');
    await run('dd', ['if=/dev/zero', `of=${image('vmdk')}`, 'bs=1', 'seek=12', 'count=8', 'conv=notrunc']);
    expect(await problem('vmdk')).toMatch(/size is 0/);
  });

  it('are refused when they are cut off or something else', async () => {
    await create('-f', 'qcow2', image(), '4M');
    await truncate(image(), 80);
    expect(await problem('qcow2')).toMatch(/cut off/);
    await truncate(image(), 0);
    expect(await problem('qcow2')).toMatch(/does not begin like one/);
    await writeFile(image('vmdk'), 'x');
    await chmod(image('vmdk'), 0o600);
    expect(await problem('vmdk')).toMatch(/does not begin like one/);
  });
});

it('knows mount points', async () => {
  expect(await isMountPoint('/proc')).toBe(true);
  expect(await isMountPoint(path)).toBe(false);
  expect(await isMountPoint(join(path, 'missing'))).toBe(false);
});
