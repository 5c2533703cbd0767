/**
 * What every storage driver must do, as vitest checks: a driver's test calls `driverConformance` with a function that
 * makes a fresh, empty storage. What the driver does not declare in its capabilities must fail as 'unsupported'.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ErrorCode, RyokanError } from '@ryokan/api/errors.ts';
import { type FileContent, fileContents } from '@ryokan/api/schema/volume-id.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageDriver, VolumeFormat } from './driver.ts';

export interface ConformanceSubject {
  readonly driver: StorageDriver;
  /** A second driver on the same backend, as another process would have it. */
  readonly other: StorageDriver;
  /** Writes 4 KiB of `byte` at `offset` into an image, as a guest would. */
  poke(name: string, offset: number, byte: number): Promise<void>;
  /** The byte at `offset`. */
  peek(name: string, offset: number): Promise<number>;
  cleanup(): Promise<void>;
}

const MiB = 1024 * 1024;

/** File names that fit each content type. */
const fileNames: Readonly<Record<FileContent, string>> = {
  iso: 'debian-12.iso',
  vztmpl: 'debian-12-standard_12.7-1_amd64.tar.zst',
  backup: 'vzdump-qemu-104-2026_01_31-10_20_30.vma.zst',
  snippets: 'user-data.yaml',
  import: 'cloud.qcow2',
};

export function driverConformance(name: string, make: () => Promise<ConformanceSubject>): void {
  describe(`storage driver ${name}`, () => {
    let subject: ConformanceSubject;
    let driver: StorageDriver;
    let folder: string;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ryokan-conformance-'));
      subject = await make();
      driver = subject.driver;
      await driver.activate();
    });
    afterEach(async () => {
      await subject.cleanup();
      await rm(folder, { recursive: true });
    });

    const first = (): VolumeFormat => driver.capabilities.imageFormats[0] as VolumeFormat;
    const allocate = (vmid: number, format = first()) => driver.allocate({ vmid, format, size: 4 * MiB });
    const source = async (text = 'content') => {
      const path = join(folder, `source-${Math.random()}`);
      await writeFile(path, text);
      return path;
    };
    const adopt = async (content: FileContent, file = fileNames[content]) =>
      driver.adopt(content, file, await source());
    const contents = () => fileContents.filter((one) => driver.capabilities.content.includes(one));

    describe('state', () => {
      it('can be activated again, and again after a deactivation', async () => {
        const volume = await allocate(100);
        await driver.activate();
        await driver.deactivate();
        await driver.deactivate();
        await driver.activate();
        expect((await driver.info(volume)).name).toBe(volume);
      });

      it('says how much space there is', async () => {
        const { total, used, available, active } = await driver.status();
        expect(active).toBe(true);
        for (const value of [total, used, available]) expect(Number.isSafeInteger(value)).toBe(true);
        expect(total).toBeGreaterThan(0);
        expect(used + available).toBeLessThanOrEqual(total);
      });

      it('declares at least one content type and a format for images', () => {
        const { content, imageFormats, snapshot, linkedClone } = driver.capabilities;
        expect(content.length).toBeGreaterThan(0);
        if (content.includes('images')) expect(imageFormats.length).toBeGreaterThan(0);
        for (const format of [...snapshot, ...linkedClone]) expect(imageFormats).toContain(format);
      });
    });

    describe('images', () => {
      it('are made, shown and removed in each declared format', async () => {
        for (const format of driver.capabilities.imageFormats) {
          const volume = await allocate(100, format);
          const info = await driver.info(volume);
          expect(info).toMatchObject({ name: volume, content: 'images', format, vmid: 100, size: 4 * MiB });
          expect(info.parent).toBeUndefined();
          if (driver.capabilities.thin) expect(info.used).toBeLessThan(2 * MiB);
          expect(await driver.list()).toEqual([info]);
          await driver.remove(volume);
          expect(await driver.list()).toEqual([]);
          await fails('not-found', driver.info(volume));
        }
      });

      it('read as zeros and keep what is written', async () => {
        const volume = await allocate(100);
        expect(await subject.peek(volume, 0)).toBe(0);
        await subject.poke(volume, MiB, 0xab);
        expect(await subject.peek(volume, MiB)).toBe(0xab);
        expect(await subject.peek(volume, 2 * MiB)).toBe(0);
      });

      it('get the next free number, also one that became free', async () => {
        const volumes = [await allocate(100), await allocate(100), await allocate(100)];
        expect(volumes.map(diskNumber)).toEqual([0, 1, 2]);
        expect(diskNumber(await allocate(1001))).toBe(0);
        await driver.remove(volumes[1] as string);
        expect(diskNumber(await allocate(100))).toBe(1);
      });

      it('get the name that was asked for, once', async () => {
        const named = nameLike(await allocate(100), 'vm-100-cloudinit');
        const volume = await driver.allocate({ vmid: 100, format: first(), size: MiB, name: named });
        expect(volume.endsWith(named)).toBe(true);
        await fails('exists', driver.allocate({ vmid: 100, format: first(), size: MiB, name: named }));
        expect(await driver.list({ content: 'images' })).toHaveLength(2);
      });

      it('have sizes in whole KiB, never less than asked', async () => {
        const volume = await driver.allocate({ vmid: 100, format: first(), size: 540_673 });
        const { size } = await driver.info(volume);
        expect(size).toBeGreaterThanOrEqual(540_673);
        expect(size % 1024).toBe(0);
      });

      it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])(
        'refuse the size %d',
        async (size) => {
          await fails(['parameter', 'no-space'], driver.allocate({ vmid: 100, format: first(), size }));
          expect(await driver.list()).toEqual([]);
        },
      );

      it('refuse formats that are not declared', async () => {
        const all: VolumeFormat[] = ['raw', 'qcow2', 'vmdk', 'subvol', 'iso', 'ova'];
        for (const format of all) {
          if (driver.capabilities.imageFormats.includes(format)) continue;
          await fails('unsupported', driver.allocate({ vmid: 100, format, size: MiB }));
        }
      });

      it('refuse names that are not their own', async () => {
        const ending = extensionOf(await allocate(100));
        const names = [
          `vm-101-disk-0${ending}`,
          `../vm-100-disk-0${ending}`,
          `vm-100-../x${ending}`,
          `vm-100-a b${ending}`,
          `vm-100-${'x'.repeat(300)}${ending}`,
          `vm-100-\n${ending}`,
          `vm-100-ディスク${ending}`,
          `base-100-disk-0${ending}`,
          'vm-100-disk-0.sh',
          '',
        ];
        for (const one of names) {
          await fails('parameter', driver.allocate({ vmid: 100, format: first(), size: MiB, name: one }));
        }
        expect(await driver.list()).toHaveLength(1);
      });

      it('refuse to be larger than the free space', async () => {
        const { available } = await driver.status();
        const promise = driver.allocate({ vmid: 100, format: first(), size: available + 1024 ** 4 });
        const error = await fails('no-space', promise);
        expect(error.message).toMatch(/free/);
        expect(await driver.list()).toEqual([]);
      });

      it('never get the same name when many are made at once', async () => {
        const { other } = subject;
        const makers = Array.from({ length: 12 }, (_, i) => (i % 2 ? other : driver));
        const volumes = await Promise.all(
          makers.map((one) => one.allocate({ vmid: 100, format: first(), size: MiB })),
        );
        expect(new Set(volumes).size).toBe(12);
        expect(volumes.map(diskNumber).sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
        expect(await driver.list()).toHaveLength(12);
      });

      it('of one name are made once when two ask at once', async () => {
        const named = nameLike(await allocate(100), 'vm-100-cloudinit');
        const request = { vmid: 100, format: first(), size: MiB, name: named };
        const results = await Promise.allSettled([driver.allocate(request), subject.other.allocate(request)]);
        expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
        const refused = results.find((result) => result.status === 'rejected');
        expect(refused?.reason).toMatchObject({ code: 'exists' });
      });
    });

    describe('resizing', () => {
      it('grows and keeps the data, or is not declared', async () => {
        const volume = await allocate(100);
        if (!driver.capabilities.resize) {
          await fails('unsupported', driver.resize(volume, 8 * MiB));
          return;
        }
        await subject.poke(volume, 0, 0x11);
        await driver.resize(volume, 8 * MiB);
        expect((await driver.info(volume)).size).toBe(8 * MiB);
        expect(await subject.peek(volume, 0)).toBe(0x11);
        await driver.resize(volume, 8 * MiB);
        await fails('parameter', driver.resize(volume, 4 * MiB));
        await fails('parameter', driver.resize(volume, -1));
        const { available } = await driver.status();
        await fails('no-space', driver.resize(volume, available + 1024 ** 4));
        expect((await driver.info(volume)).size).toBe(8 * MiB);
      });

      it('in other formats works or is refused in words', async () => {
        for (const format of driver.capabilities.imageFormats) {
          const volume = await allocate(100, format);
          const result = await driver.resize(volume, 8 * MiB).then(
            () => 'grown',
            (error: unknown) => (error instanceof RyokanError ? error.code : error),
          );
          expect(['grown', 'unsupported']).toContain(result);
          expect((await driver.info(volume)).size).toBe(result === 'grown' ? 8 * MiB : 4 * MiB);
        }
      });
    });

    describe('snapshots', () => {
      it('are refused in formats that do not have them', async () => {
        for (const format of driver.capabilities.imageFormats) {
          if (driver.capabilities.snapshot.includes(format)) continue;
          const volume = await allocate(100, format);
          await fails('unsupported', driver.snapshotCreate(volume, 'before'));
          await fails('unsupported', driver.snapshotDelete(volume, 'before'));
          await fails('unsupported', driver.snapshotRollback(volume, 'before'));
          await fails('unsupported', driver.snapshotList(volume));
        }
      });

      it('keep a state, come back to it and go', async () => {
        for (const format of driver.capabilities.snapshot) {
          const volume = await allocate(100, format);
          expect(await driver.snapshotList(volume)).toEqual([]);
          await subject.poke(volume, 0, 1);
          await driver.snapshotCreate(volume, 'one');
          await subject.poke(volume, 0, 2);
          await driver.snapshotCreate(volume, 'two-b');
          await subject.poke(volume, 0, 3);
          expect(await driver.snapshotList(volume)).toEqual(['one', 'two-b']);
          await fails('exists', driver.snapshotCreate(volume, 'one'));
          await driver.snapshotRollback(volume, 'one');
          expect(await subject.peek(volume, 0)).toBe(1);
          await driver.snapshotRollback(volume, 'two-b');
          expect(await subject.peek(volume, 0)).toBe(2);
          await driver.snapshotDelete(volume, 'two-b');
          expect(await driver.snapshotList(volume)).toEqual(['one']);
          expect(await subject.peek(volume, 0)).toBe(2);
          await fails('not-found', driver.snapshotDelete(volume, 'two-b'));
          await fails('not-found', driver.snapshotRollback(volume, 'two-b'));
          await driver.remove(volume);
        }
      });

      it('bring the size back that the image had', async () => {
        const format = driver.capabilities.snapshot[0];
        if (!format || !driver.capabilities.resize) return;
        const volume = await allocate(100, format);
        await driver.snapshotCreate(volume, 'small');
        await driver.resize(volume, 8 * MiB);
        await driver.snapshotRollback(volume, 'small');
        expect((await driver.info(volume)).size).toBe(4 * MiB);
      });

      it('refuse bad names and missing volumes', async () => {
        const format = driver.capabilities.snapshot[0];
        if (!format) return;
        const volume = await allocate(100, format);
        for (const bad of ['', '1', '-d', 'a b', 'a/b', 'x'.repeat(41), 'ü']) {
          await fails('parameter', driver.snapshotCreate(volume, bad));
          await fails('parameter', driver.snapshotDelete(volume, bad));
        }
        await driver.remove(volume);
        await fails('not-found', driver.snapshotCreate(volume, 'one'));
        await fails('not-found', driver.snapshotList(volume));
      });
    });

    describe('linked clones', () => {
      it('are refused in formats that do not have them', async () => {
        for (const format of driver.capabilities.imageFormats) {
          if (driver.capabilities.linkedClone.includes(format)) continue;
          const volume = await allocate(100, format);
          await fails('unsupported', driver.makeBase(volume));
          await fails('unsupported', driver.linkedClone(volume, 101));
          expect((await driver.info(volume)).name).toBe(volume);
        }
      });

      it('rest on a base, which stays as long as they do', async () => {
        for (const format of driver.capabilities.linkedClone) {
          const volume = await allocate(100, format);
          await subject.poke(volume, 0, 7);
          await fails('state', driver.linkedClone(volume, 101));
          const base = await driver.makeBase(volume);
          await fails('not-found', driver.info(volume));
          expect(await driver.info(base)).toMatchObject({ name: base, vmid: 100, size: 4 * MiB });
          await fails('state', driver.makeBase(base));
          await fails('state', driver.resize(base, 8 * MiB));

          const clone = await driver.linkedClone(base, 101);
          expect(await driver.info(clone)).toMatchObject({
            name: clone,
            vmid: 101,
            parent: base,
            size: 4 * MiB,
          });
          expect(await driver.list({ vmid: 101 })).toEqual([await driver.info(clone)]);
          expect(await subject.peek(clone, 0)).toBe(7);
          await subject.poke(clone, 0, 8);
          expect(await subject.peek(clone, 0)).toBe(8);
          expect(await subject.peek(base, 0)).toBe(7);

          const error = await fails('state', driver.remove(base));
          expect(error.message).toContain(clone);
          const second = await driver.linkedClone(base, 101);
          expect(diskNumber(second)).toBe(diskNumber(clone) + 1);
          await driver.remove(clone);
          await driver.remove(second);
          await driver.remove(base);
          expect(await driver.list()).toEqual([]);
        }
      });

      it('count the number of a base as taken', async () => {
        const format = driver.capabilities.linkedClone[0];
        if (!format) return;
        await driver.makeBase(await allocate(100, format));
        expect(diskNumber(await allocate(100, format))).toBe(1);
      });

      it('need a base that is there', async () => {
        const format = driver.capabilities.linkedClone[0];
        if (!format) return;
        const base = await driver.makeBase(await allocate(100, format));
        await driver.remove(base);
        await fails('not-found', driver.linkedClone(base, 101));
        await fails('not-found', driver.makeBase(base));
      });
    });

    describe('files', () => {
      it('are taken in, shown and removed for each declared content', async () => {
        for (const content of contents()) {
          const path = await source('12345');
          const volume = await driver.adopt(content, fileNames[content], path);
          await expect(stat(path)).rejects.toThrow();
          const info = await driver.info(volume);
          expect(info).toMatchObject({ name: `${content}/${fileNames[content]}`, content, size: 5 });
          expect(await driver.list({ content })).toEqual([info]);
          await driver.remove(volume);
          await fails('not-found', driver.info(volume));
        }
      });

      it('are refused for content that is not declared, and for images', async () => {
        for (const content of [...fileContents, 'images', 'rootdir'] as const) {
          if (contents().includes(content as FileContent)) continue;
          const path = await source();
          await fails('unsupported', driver.adopt(content, 'debian.iso', path));
          expect((await stat(path)).isFile()).toBe(true);
        }
      });

      it('do not replace what is there', async () => {
        for (const content of contents()) {
          const volume = await adopt(content);
          const path = await source('other content');
          await fails('exists', driver.adopt(content, fileNames[content], path));
          expect((await stat(path)).size).toBe(13);
          expect((await driver.info(volume)).size).toBe(7);
        }
      });

      it('of one name are taken once when two arrive at once', async () => {
        const content = contents()[0];
        if (!content) return;
        const paths = [await source('a'), await source('bb')];
        const results = await Promise.allSettled([
          driver.adopt(content, fileNames[content], paths[0] as string),
          subject.other.adopt(content, fileNames[content], paths[1] as string),
        ]);
        expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
        expect(await driver.list({ content })).toHaveLength(1);
      });

      it('refuse names that could lead elsewhere or that clients could not say', async () => {
        const names = [
          '../x.iso',
          'a/b.iso',
          '/x.iso',
          '..',
          '.hidden.iso',
          'x\0.iso',
          'x\n.iso',
          'a b.iso',
          'x,y.iso',
          '%2e.iso',
          'ünïcode.iso',
          '日本語.iso',
          `${'x'.repeat(260)}.iso`,
          '',
        ];
        for (const content of contents()) {
          const path = await source();
          for (const bad of names) await fails('parameter', driver.adopt(content, bad, path));
          expect((await stat(path)).isFile()).toBe(true);
          expect(await driver.list({ content })).toEqual([]);
        }
      });

      it('need a source', async () => {
        const content = contents()[0];
        if (!content) return;
        await expect(driver.adopt(content, fileNames[content], join(folder, 'missing'))).rejects.toThrow();
        expect(await driver.list({ content })).toEqual([]);
      });

      it('have no snapshots, sizes to change or clones', async () => {
        for (const content of contents()) {
          const volume = await adopt(content);
          await fails('unsupported', driver.resize(volume, MiB));
          await fails('unsupported', driver.snapshotCreate(volume, 'one'));
          await fails('unsupported', driver.makeBase(volume));
        }
      });

      it('carry notes and protection where declared', async () => {
        for (const content of contents()) {
          const volume = await adopt(content);
          if (!driver.capabilities.attributes.includes(content)) {
            await fails('unsupported', driver.setAttributes(volume, { notes: 'x' }));
            continue;
          }
          await driver.setAttributes(volume, { notes: 'zwei\nZeilen 日本', protected: true });
          expect(await driver.info(volume)).toMatchObject({ notes: 'zwei\nZeilen 日本', protected: true });
          expect(await driver.list({ content })).toEqual([await driver.info(volume)]);
          await fails('state', driver.remove(volume));
          await driver.setAttributes(volume, { protected: false });
          expect((await driver.info(volume)).notes).toBe('zwei\nZeilen 日本');
          await driver.setAttributes(volume, { notes: '' });
          expect((await driver.info(volume)).notes).toBeUndefined();
          await driver.remove(volume);
          expect(await driver.list({ content })).toEqual([]);
        }
      });

      it('of backups know their owner and their time', async () => {
        if (!driver.capabilities.content.includes('backup')) return;
        const volume = await adopt('backup');
        expect(await driver.info(volume)).toMatchObject({
          vmid: 104,
          ctime: new Date(2026, 0, 31, 10, 20, 30).getTime() / 1000,
        });
        expect(await driver.list({ vmid: 104 })).toHaveLength(1);
        expect(await driver.list({ vmid: 105 })).toHaveLength(0);
      });
    });

    describe('names', () => {
      it('of volumes that are not there are not found, whatever is asked', async () => {
        const volume = await allocate(100);
        await driver.remove(volume);
        await fails('not-found', driver.info(volume));
        await fails('not-found', driver.remove(volume));
        if (driver.capabilities.resize) await fails('not-found', driver.resize(volume, 8 * MiB));
      });

      it('outside the grammar are refused before anything happens', async () => {
        for (const bad of [
          '',
          '..',
          '../x',
          '/etc/passwd',
          'iso/../x',
          '100/../x.raw',
          'iso/x\0.iso',
          'a'.repeat(5000),
        ]) {
          await fails('parameter', driver.info(bad));
          await fails('parameter', driver.remove(bad));
          expect(() => driver.path(bad)).toThrow(RyokanError);
          expect(() => driver.blockSource(bad)).toThrow(RyokanError);
        }
      });

      it('lead to a path where the driver says so', async () => {
        const volume = await allocate(100);
        if (driver.capabilities.localPath) {
          expect(driver.path(volume).startsWith('/')).toBe(true);
          expect((await stat(driver.path(volume))).size).toBeGreaterThan(0);
          expect(['file', 'host_device']).toContain(driver.blockSource(volume).driver);
        } else await fails('unsupported', async () => driver.path(volume));
      });

      it('are seen by other processes', async () => {
        const volume = await allocate(100);
        expect((await subject.other.info(volume)).name).toBe(volume);
        expect(await subject.other.list()).toHaveLength(1);
      });
    });

    it('lists by content and by owner', async () => {
      const images = [await allocate(100), await allocate(101)];
      const files = [];
      for (const content of contents()) files.push(await adopt(content));
      const names = async (filter: Parameters<StorageDriver['list']>[0]) =>
        (await driver.list(filter)).map((info) => info.name).sort();
      expect(await names({})).toEqual([...images, ...files].sort());
      expect(await names({ content: 'images' })).toEqual([...images].sort());
      expect(await names({ content: 'images', vmid: 101 })).toEqual([images[1]]);
      for (const content of contents()) {
        expect(await names({ content })).toEqual([`${content}/${fileNames[content]}`]);
      }
    });
  });
}

/** Demands that it fails with one of these codes and a text of one line; gives the error. */
async function fails(
  code: ErrorCode | readonly ErrorCode[],
  action: Promise<unknown> | (() => Promise<unknown>),
): Promise<RyokanError> {
  const error = await (typeof action === 'function' ? action() : action).then(
    () => new Error(`it worked, but should fail as ${String(code)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof RyokanError)) throw error;
  expect(typeof code === 'string' ? [code] : code).toContain(error.code);
  expect(error.message.length).toBeGreaterThan(10);
  return error;
}

/** The number of a disk, from the end of its name. */
function diskNumber(volume: string): number {
  return Number(/-disk-(\d+)(?:\.\w+)?$/.exec(volume)?.[1]);
}

function extensionOf(volume: string): string {
  return /\.\w+$/.exec(volume)?.[0] ?? '';
}

/** `stem` with the ending that images of this storage have. */
function nameLike(volume: string, stem: string): string {
  return stem + extensionOf(volume);
}
