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
        await fails(
          ['parameter', 'no-space'],
          bench.driver.allocate({ vmid: 100, format: bench.first(), size }),
        );
        expect(await bench.driver.list()).toEqual([]);
      },
    );

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
