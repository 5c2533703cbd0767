/** Images: making, naming, sizes. Part of driver-conformance.ts. */

import { RyokanError } from '@ryokan/api/errors.ts';
import { describe, expect, it } from 'vitest';
import { type Bench, diskNumber, extensionOf, fails, MiB, nameLike } from './conformance-bench.ts';
import type { VolumeFormat } from './driver.ts';

/** `at` gives the storage of the running check. */
export function imageChecks(at: () => Bench): void {
  describe('images', () => {
    it('are made, shown and removed in each declared format', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.imageFormats) {
        const volume = await bench.allocate(100, format);
        const info = await bench.driver.info(volume);
        expect(info).toMatchObject({ name: volume, content: 'images', format, vmid: 100, size: 4 * MiB });
        expect(info.parent).toBeUndefined();
        if (bench.driver.capabilities.thin) expect(info.used).toBeLessThan(2 * MiB);
        expect(await bench.driver.list()).toEqual([info]);
        await bench.driver.remove(volume);
        expect(await bench.driver.list()).toEqual([]);
        await fails('not-found', bench.driver.info(volume));
      }
    });

    it('read as zeros and keep what is written', async () => {
      const bench = at();
      const volume = await bench.allocate(100);
      expect(await bench.subject.peek(volume, 0)).toBe(0);
      await bench.subject.poke(volume, MiB, 0xab);
      expect(await bench.subject.peek(volume, MiB)).toBe(0xab);
      expect(await bench.subject.peek(volume, 2 * MiB)).toBe(0);
    });

    it('get the next free number, also one that became free', async () => {
      const bench = at();
      const volumes = [await bench.allocate(100), await bench.allocate(100), await bench.allocate(100)];
      expect(volumes.map(diskNumber)).toEqual([0, 1, 2]);
      expect(diskNumber(await bench.allocate(1001))).toBe(0);
      await bench.driver.remove(volumes[1] as string);
      expect(diskNumber(await bench.allocate(100))).toBe(1);
    });

    it('get the name that was asked for, once', async () => {
      const bench = at();
      const named = nameLike(await bench.allocate(100), 'vm-100-cloudinit');
      const volume = await bench.driver.allocate({
        vmid: 100,
        format: bench.first(),
        size: MiB,
        name: named,
      });
      expect(volume.endsWith(named)).toBe(true);
      await fails(
        'exists',
        bench.driver.allocate({ vmid: 100, format: bench.first(), size: MiB, name: named }),
      );
      expect(await bench.driver.list({ content: 'images' })).toHaveLength(2);
    });

    it('have sizes in whole KiB, never less than asked', async () => {
      const bench = at();
      const volume = await bench.driver.allocate({ vmid: 100, format: bench.first(), size: 540_673 });
      const { size } = await bench.driver.info(volume);
      expect(size).toBeGreaterThanOrEqual(540_673);
      expect(size % 1024).toBe(0);
    });

    it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])(
      'refuse the size %d',
      async (size) => {
        const bench = at();
        if (size === 0 && bench.first() === 'subvol') return;
        await fails(
          ['parameter', 'no-space'],
          bench.driver.allocate({ vmid: 100, format: bench.first(), size }),
        );
        expect(await bench.driver.list()).toEqual([]);
      },
    );

    it('that are subvolumes can do without a limit', async () => {
      const bench = at();
      if (!bench.driver.capabilities.imageFormats.includes('subvol')) return;
      const volume = await bench.driver.allocate({ vmid: 100, format: 'subvol', size: 0 });
      expect(await bench.driver.info(volume)).toMatchObject({ format: 'subvol', size: 0 });
      await bench.driver.resize(volume, 8 * MiB);
      expect((await bench.driver.info(volume)).size).toBe(8 * MiB);
    });

    it('refuse formats that are not declared', async () => {
      const bench = at();
      const all: VolumeFormat[] = ['raw', 'qcow2', 'vmdk', 'subvol', 'iso', 'ova'];
      for (const format of all) {
        if (bench.driver.capabilities.imageFormats.includes(format)) continue;
        await fails('unsupported', bench.driver.allocate({ vmid: 100, format, size: MiB }));
      }
    });

    it('refuse names that are not their own', async () => {
      const bench = at();
      const ending = extensionOf(await bench.allocate(100));
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
        await fails(
          'parameter',
          bench.driver.allocate({ vmid: 100, format: bench.first(), size: MiB, name: one }),
        );
      }
      expect(await bench.driver.list()).toHaveLength(1);
    });

    it('refuse to be larger than the free space', async () => {
      const bench = at();
      const { available } = await bench.driver.status();
      const promise = bench.driver.allocate({
        vmid: 100,
        format: bench.first(),
        size: available + 1024 ** 4,
      });
      const error = await fails('no-space', promise);
      expect(error.message).toMatch(/free/);
      expect(await bench.driver.list()).toEqual([]);
    });

    it('never get the same name when many are made at once', async () => {
      const bench = at();
      const { other } = bench.subject;
      const makers = Array.from({ length: 12 }, (_, i) => (i % 2 ? other : bench.driver));
      const volumes = await Promise.all(
        makers.map((one) => one.allocate({ vmid: 100, format: bench.first(), size: MiB })),
      );
      expect(new Set(volumes).size).toBe(12);
      expect(volumes.map(diskNumber).sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
      expect(await bench.driver.list()).toHaveLength(12);
    });

    it('of one name are made once when two ask at once', async () => {
      const bench = at();
      const named = nameLike(await bench.allocate(100), 'vm-100-cloudinit');
      const request = { vmid: 100, format: bench.first(), size: MiB, name: named };
      const results = await Promise.allSettled([
        bench.driver.allocate(request),
        bench.subject.other.allocate(request),
      ]);
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      const refused = results.find((result) => result.status === 'rejected');
      expect(refused?.reason).toMatchObject({ code: 'exists' });
    });
  });

  describe('renaming', () => {
    it('gives an image with its data to another guest, under the next free number', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.imageFormats) {
        const taken = await bench.allocate(200, format);
        const volume = await bench.allocate(100, format);
        await bench.subject.poke(volume, MiB, 0x5a);
        const placed: string[] = [];
        const renamed = await bench.driver.rename(volume, 200, { onPlaced: (name) => placed.push(name) });
        expect(placed.filter((name) => name !== renamed)).toEqual([]);
        expect(diskNumber(renamed)).toBe(diskNumber(taken) + 1);
        expect(await bench.driver.info(renamed)).toMatchObject({
          name: renamed,
          vmid: 200,
          format,
          size: 4 * MiB,
        });
        expect(await bench.subject.peek(renamed, MiB)).toBe(0x5a);
        await fails('not-found', bench.driver.info(volume));
        expect((await bench.driver.list({ vmid: 100 })).map((info) => info.name)).toEqual([]);
        await bench.driver.remove(renamed);
        await bench.driver.remove(taken);
      }
    });

    it('takes the name that was asked for, unless it is taken or somebody else’s', async () => {
      const bench = at();
      const volume = await bench.allocate(100);
      const wanted = nameLike(volume, 'vm-200-disk-7');
      const renamed = await bench.driver.rename(volume, 200, { name: wanted });
      expect(renamed.endsWith(wanted)).toBe(true);
      const second = await bench.allocate(100);
      await fails('exists', bench.driver.rename(second, 200, { name: wanted }));
      await fails('parameter', bench.driver.rename(second, 200, { name: nameLike(volume, 'vm-100-disk-1') }));
      await fails('parameter', bench.driver.rename(second, 200, { name: '../x' }));
      expect((await bench.driver.info(second)).vmid).toBe(100);
      const back = await bench.driver.rename(renamed, 200);
      expect(diskNumber(back)).toBe(0);
      await fails('not-found', bench.driver.rename(renamed, 300));
    });

    it('keeps a linked clone on its base, and leaves base images alone', async () => {
      const bench = at();
      const format = bench.driver.capabilities.linkedClone[0];
      if (!format) return;
      const volume = await bench.allocate(100, format);
      await bench.subject.poke(volume, 0, 0x42);
      const base = await bench.driver.makeBase(volume);
      await fails('state', bench.driver.rename(base, 200));
      const clone = await bench.driver.linkedClone(base, 101);
      const renamed = await bench.driver.rename(clone, 200);
      const alone = bench.driver.capabilities.independentClones.includes(format);
      expect(await bench.driver.info(renamed)).toMatchObject({ name: renamed, vmid: 200 });
      expect((await bench.driver.info(renamed)).parent).toBe(alone ? undefined : base);
      expect(await bench.subject.peek(renamed, 0)).toBe(0x42);
      if (!alone) await fails('state', bench.driver.remove(base));
    });

    it('gives different names when many come at once', async () => {
      const bench = at();
      const volumes = await Promise.all(Array.from({ length: 6 }, () => bench.allocate(100)));
      const drivers = [bench.driver, bench.subject.other];
      const renamed = await Promise.all(
        volumes.map((volume, i) => (drivers[i % 2] as typeof bench.driver).rename(volume, 200)),
      );
      expect(renamed.map(diskNumber).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(await bench.driver.list()).toHaveLength(6);
    });
  });

  describe('clones of snapshots', () => {
    it('hold the state of the snapshot and need no base, or are not declared', async () => {
      const bench = at();
      const { snapshot, snapshotClone } = bench.driver.capabilities;
      for (const format of snapshotClone) expect(snapshot).toContain(format);
      for (const format of snapshot) {
        const volume = await bench.allocate(100, format);
        await bench.subject.poke(volume, 0, 1);
        await bench.driver.snapshotCreate(volume, 'one');
        await bench.subject.poke(volume, 0, 2);
        if (!snapshotClone.includes(format)) {
          await fails('unsupported', bench.driver.linkedClone(volume, 101, { snapshot: 'one' }));
          continue;
        }
        await fails('not-found', bench.driver.linkedClone(volume, 101, { snapshot: 'two' }));
        const clone = await bench.driver.linkedClone(volume, 101, { snapshot: 'one' });
        expect(await bench.subject.peek(clone, 0)).toBe(1);
        await bench.subject.poke(clone, 0, 3);
        expect(await bench.subject.peek(volume, 0)).toBe(2);
      }
    });

    it('and copies of snapshots can be read by QEMU, where volumes can', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.snapshot) {
        const volume = await bench.allocate(100, format);
        await bench.driver.snapshotCreate(volume, 'one');
        await fails('not-found', bench.driver.snapshotSource(volume, 'two'));
        const result = await bench.driver.snapshotSource(volume, 'one').then(
          (found) => found.format,
          (error: unknown) => (error instanceof RyokanError ? error.code : error),
        );
        expect(result).toBe(bench.driver.capabilities.localPath ? format : 'unsupported');
      }
    });
  });

  describe('resizing', () => {
    it('grows and keeps the data, or is not declared', async () => {
      const bench = at();
      const volume = await bench.allocate(100);
      if (!bench.driver.capabilities.resize) {
        await fails('unsupported', bench.driver.resize(volume, 8 * MiB));
        return;
      }
      await bench.subject.poke(volume, 0, 0x11);
      await bench.driver.resize(volume, 8 * MiB);
      expect((await bench.driver.info(volume)).size).toBe(8 * MiB);
      expect(await bench.subject.peek(volume, 0)).toBe(0x11);
      await bench.driver.resize(volume, 8 * MiB);
      await fails('parameter', bench.driver.resize(volume, 4 * MiB));
      await fails('parameter', bench.driver.resize(volume, -1));
      const { available } = await bench.driver.status();
      await fails('no-space', bench.driver.resize(volume, available + 1024 ** 4));
      expect((await bench.driver.info(volume)).size).toBe(8 * MiB);
    });

    it('in other formats works or is refused in words', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.imageFormats) {
        const volume = await bench.allocate(100, format);
        const result = await bench.driver.resize(volume, 8 * MiB).then(
          () => 'grown',
          (error: unknown) => (error instanceof RyokanError ? error.code : error),
        );
        expect(['grown', 'unsupported']).toContain(result);
        expect((await bench.driver.info(volume)).size).toBe(result === 'grown' ? 8 * MiB : 4 * MiB);
      }
    });
  });
}
