/**
 * What every storage driver must do, as vitest checks: a driver's test calls `driverConformance` with a function that
 * makes a fresh, empty storage. What the driver does not declare in its capabilities must fail as 'unsupported'.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, type ConformanceSubject, fails, fileNames, MiB } from './conformance-bench.ts';
import { fileChecks } from './conformance-files.ts';
import { imageChecks } from './conformance-images.ts';
import { snapshotChecks } from './conformance-snapshots.ts';
import type { StorageDriver } from './driver.ts';

export { type ConformanceSubject, imageChecks };

type Part = (at: () => Bench) => void;

/** `parts`: those that a second way of setting up the same driver is worth; default all. */
export function driverConformance(
  name: string,
  make: () => Promise<ConformanceSubject>,
  parts: readonly Part[] = [stateChecks, imageChecks, snapshotChecks, fileChecks, nameChecks],
): void {
  describe(`storage driver ${name}`, () => {
    let bench: Bench;
    const at = () => bench;

    beforeEach(async () => {
      bench = new Bench(await make(), await mkdtemp(join(tmpdir(), 'ryokan-conformance-')));
      await bench.driver.activate();
    });
    afterEach(async () => {
      await bench.subject.cleanup();
      await rm(bench.folder, { recursive: true });
    });

    for (const part of parts) part(at);
  });
}

function stateChecks(at: () => Bench): void {
  describe('state', () => {
    it('can be activated again, and again after a deactivation', async () => {
      const bench = at();
      const volume = await bench.allocate(100);
      await bench.driver.activate();
      await bench.driver.deactivate();
      await bench.driver.deactivate();
      await bench.driver.activate();
      expect((await bench.driver.info(volume)).name).toBe(volume);
    });

    it('says how much space there is', async () => {
      const bench = at();
      const { total, used, available, active } = await bench.driver.status();
      expect(active).toBe(true);
      for (const value of [total, used, available]) expect(Number.isSafeInteger(value)).toBe(true);
      expect(total).toBeGreaterThan(0);
      expect(used + available).toBeLessThanOrEqual(total);
    });

    it('declares at least one content type and a format for images', () => {
      const bench = at();
      const { content, imageFormats, snapshot, linkedClone } = bench.driver.capabilities;
      expect(content.length).toBeGreaterThan(0);
      if (content.includes('images')) expect(imageFormats.length).toBeGreaterThan(0);
      for (const format of [...snapshot, ...linkedClone]) expect(imageFormats).toContain(format);
    });
  });
}

function nameChecks(at: () => Bench): void {
  describe('names', () => {
    it('of volumes that are not there are not found, whatever is asked', async () => {
      const bench = at();
      const volume = await bench.allocate(100);
      await bench.driver.remove(volume);
      await fails('not-found', bench.driver.info(volume));
      await fails('not-found', bench.driver.remove(volume));
      if (bench.driver.capabilities.resize) await fails('not-found', bench.driver.resize(volume, 8 * MiB));
    });

    it('outside the grammar are refused before anything happens', async () => {
      const bench = at();
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
        await fails('parameter', bench.driver.info(bad));
        await fails('parameter', bench.driver.remove(bad));
        expect(() => bench.driver.path(bad)).toThrow(RyokanError);
        expect(() => bench.driver.blockSource(bad)).toThrow(RyokanError);
      }
    });

    it('lead to a path where the bench.driver says so', async () => {
      const bench = at();
      const volume = await bench.allocate(100);
      if (bench.driver.capabilities.localPath) {
        expect(bench.driver.path(volume).startsWith('/')).toBe(true);
        const stats = await stat(bench.driver.path(volume));
        expect(stats.isDirectory() ? bench.first() : stats.size).not.toBe(0);
        expect(['file', 'host_device']).toContain(bench.driver.blockSource(volume).driver);
      } else await fails('unsupported', async () => bench.driver.path(volume));
    });

    it('are seen by other processes', async () => {
      const bench = at();
      const volume = await bench.allocate(100);
      expect((await bench.subject.other.info(volume)).name).toBe(volume);
      expect(await bench.subject.other.list()).toHaveLength(1);
    });
  });

  it('lists by content and by owner', async () => {
    const bench = at();
    const images = [await bench.allocate(100), await bench.allocate(101)];
    const files = [];
    for (const content of bench.contents()) files.push(await bench.adopt(content));
    const names = async (filter: Parameters<StorageDriver['list']>[0]) =>
      (await bench.driver.list(filter)).map((info) => info.name).sort();
    expect(await names({})).toEqual([...images, ...files].sort());
    expect(await names({ content: 'images' })).toEqual([...images].sort());
    expect(await names({ content: 'images', vmid: 101 })).toEqual([images[1]]);
    for (const content of bench.contents()) {
      expect(await names({ content })).toEqual([`${content}/${fileNames[content]}`]);
    }
  });
}
