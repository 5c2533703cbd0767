/** Snapshots and linked clones. Part of driver-conformance.ts. */
import { describe, expect, it } from 'vitest';
import { type Bench, diskNumber, fails, MiB } from './conformance-bench.ts';
import type { VolumeFormat } from './driver.ts';

/** Snapshots of the tree below with the first bytes of three blocks in each. */
const tree = {
  root: [1, 0, 0],
  left: [2, 2, 0],
  'left-2': [3, 2, 0],
  right: [4, 4, 0],
  'right-2': [5, 4, 5],
};

/**
 * root - left - left-2
 *      \ right - right-2 - (current, first block 9)
 */
async function makeTree(bench: Bench, format: VolumeFormat): Promise<string> {
  const volume = await bench.allocate(100, format);
  const block = (index: number) => index * MiB;
  const step = async (name: keyof typeof tree, writes: readonly number[]) => {
    for (const index of writes) await bench.subject.poke(volume, block(index), tree[name][index] ?? 0);
    await bench.driver.snapshotCreate(volume, name);
  };
  await step('root', [0]);
  await step('left', [0, 1]);
  await step('left-2', [0]);
  await bench.driver.snapshotRollback(volume, 'root');
  await step('right', [0, 1]);
  await step('right-2', [0, 2]);
  await bench.subject.poke(volume, 0, 9);
  return volume;
}

async function peekAll(bench: Bench, volume: string): Promise<number[]> {
  const found: number[] = [];
  for (const index of [0, 1, 2]) found.push(await bench.subject.peek(volume, index * MiB));
  return found;
}

/** `at` gives the storage of the running check. */
export function snapshotChecks(at: () => Bench): void {
  describe('snapshots', () => {
    it('are refused in formats that do not have them', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.imageFormats) {
        if (bench.driver.capabilities.snapshot.includes(format)) continue;
        const volume = await bench.allocate(100, format);
        await fails('unsupported', bench.driver.snapshotCreate(volume, 'before'));
        await fails('unsupported', bench.driver.snapshotDelete(volume, 'before'));
        await fails('unsupported', bench.driver.snapshotRollback(volume, 'before'));
        await fails('unsupported', bench.driver.snapshotList(volume));
      }
    });

    it('keep a state, come back to it and go', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.snapshot) {
        const volume = await bench.allocate(100, format);
        expect(await bench.driver.snapshotList(volume)).toEqual([]);
        await bench.subject.poke(volume, 0, 1);
        await bench.driver.snapshotCreate(volume, 'one');
        await bench.subject.poke(volume, 0, 2);
        await bench.driver.snapshotCreate(volume, 'two-b');
        await bench.subject.poke(volume, 0, 3);
        expect(await bench.driver.snapshotList(volume)).toEqual(['one', 'two-b']);
        await fails('exists', bench.driver.snapshotCreate(volume, 'one'));
        await bench.driver.snapshotRollback(volume, 'one');
        expect(await bench.subject.peek(volume, 0)).toBe(1);
        await bench.driver.snapshotRollback(volume, 'two-b');
        expect(await bench.subject.peek(volume, 0)).toBe(2);
        await bench.driver.snapshotDelete(volume, 'two-b');
        expect(await bench.driver.snapshotList(volume)).toEqual(['one']);
        expect(await bench.subject.peek(volume, 0)).toBe(2);
        await fails('not-found', bench.driver.snapshotDelete(volume, 'two-b'));
        await fails('not-found', bench.driver.snapshotRollback(volume, 'two-b'));
        await bench.driver.remove(volume);
      }
    });

    it.each(Object.keys(tree))('form a tree, of which %s can go', async (doomed) => {
      const bench = at();
      for (const format of bench.driver.capabilities.snapshot) {
        const volume = await makeTree(bench, format);
        await bench.driver.snapshotDelete(volume, doomed);
        expect(await bench.subject.peek(volume, 0)).toBe(9);
        const kept = Object.entries(tree).filter(([name]) => name !== doomed);
        expect((await bench.driver.snapshotList(volume)).sort()).toEqual(kept.map(([name]) => name).sort());
        for (const [name, blocks] of kept) {
          await bench.driver.snapshotRollback(volume, name);
          expect([name, ...(await peekAll(bench, volume))]).toEqual([name, ...blocks]);
        }
        await bench.driver.remove(volume);
        expect(await bench.driver.list()).toEqual([]);
      }
    });

    it('go one after the other, and the state stays', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.snapshot) {
        const volume = await makeTree(bench, format);
        for (const name of ['root', 'right', 'left', 'left-2', 'right-2']) {
          await bench.driver.snapshotDelete(volume, name);
        }
        expect(await peekAll(bench, volume)).toEqual([9, 4, 5]);
        expect(await bench.driver.snapshotList(volume)).toEqual([]);
        await bench.driver.remove(volume);
      }
    });

    it('of a linked clone leave it one', async () => {
      const bench = at();
      const { snapshot, linkedClone, independentClones } = bench.driver.capabilities;
      const format = snapshot.find((one) => linkedClone.includes(one) && !independentClones.includes(one));
      if (!format) return;
      const base = await bench.driver.makeBase(await bench.allocate(100, format));
      const clone = await bench.driver.linkedClone(base, 101);
      await bench.driver.snapshotCreate(clone, 'one');
      await bench.driver.snapshotCreate(clone, 'two');
      expect(await bench.driver.info(clone)).toMatchObject({ name: clone, parent: base });
      await fails('state', bench.driver.remove(base));
      await bench.driver.snapshotDelete(clone, 'one');
      await bench.driver.snapshotRollback(clone, 'two');
      expect(await bench.driver.info(clone)).toMatchObject({ name: clone, parent: base });
      await bench.driver.remove(clone);
      await bench.driver.remove(base);
    });

    it('are declared with who takes them while a guest runs', async () => {
      const { capabilities, layers } = at().driver;
      expect(layers !== undefined).toBe(capabilities.liveSnapshot === 'layers');
    });

    it('bring the size back that the image had', async () => {
      const bench = at();
      const format = bench.driver.capabilities.snapshot[0];
      if (!format || !bench.driver.capabilities.resize) return;
      const volume = await bench.allocate(100, format);
      await bench.driver.snapshotCreate(volume, 'small');
      await bench.driver.resize(volume, 8 * MiB);
      await bench.driver.snapshotRollback(volume, 'small');
      expect((await bench.driver.info(volume)).size).toBe(4 * MiB);
    });

    it('refuse bad names and missing volumes', async () => {
      const bench = at();
      const format = bench.driver.capabilities.snapshot[0];
      if (!format) return;
      const volume = await bench.allocate(100, format);
      for (const bad of ['', '1', '-d', 'a b', 'a/b', 'x'.repeat(41), 'ü']) {
        await fails('parameter', bench.driver.snapshotCreate(volume, bad));
        await fails('parameter', bench.driver.snapshotDelete(volume, bad));
      }
      await bench.driver.remove(volume);
      await fails('not-found', bench.driver.snapshotCreate(volume, 'one'));
      await fails('not-found', bench.driver.snapshotList(volume));
    });
  });

  describe('linked clones', () => {
    it('are refused in formats that do not have them', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.imageFormats) {
        if (bench.driver.capabilities.linkedClone.includes(format)) continue;
        const volume = await bench.allocate(100, format);
        await fails('unsupported', bench.driver.makeBase(volume));
        await fails('unsupported', bench.driver.linkedClone(volume, 101));
        expect((await bench.driver.info(volume)).name).toBe(volume);
      }
    });

    it('rest on a base, which stays as long as they do unless they need it no more', async () => {
      const bench = at();
      for (const format of bench.driver.capabilities.linkedClone) {
        const volume = await bench.allocate(100, format);
        await bench.subject.poke(volume, 0, 7);
        await fails('state', bench.driver.linkedClone(volume, 101));
        const base = await bench.driver.makeBase(volume);
        await fails('not-found', bench.driver.info(volume));
        expect(await bench.driver.info(base)).toMatchObject({ name: base, vmid: 100, size: 4 * MiB });
        await fails('state', bench.driver.makeBase(base));
        await fails('state', bench.driver.resize(base, 8 * MiB));

        const clone = await bench.driver.linkedClone(base, 101);
        const alone = bench.driver.capabilities.independentClones.includes(format);
        expect(await bench.driver.info(clone)).toMatchObject({ name: clone, vmid: 101, size: 4 * MiB });
        expect((await bench.driver.info(clone)).parent).toBe(alone ? undefined : base);
        expect(await bench.driver.list({ vmid: 101 })).toEqual([await bench.driver.info(clone)]);
        expect(await bench.subject.peek(clone, 0)).toBe(7);
        await bench.subject.poke(clone, 0, 8);
        expect(await bench.subject.peek(clone, 0)).toBe(8);
        expect(await bench.subject.peek(base, 0)).toBe(7);

        const second = await bench.driver.linkedClone(base, 101);
        expect(diskNumber(second)).toBe(diskNumber(clone) + 1);
        if (alone) {
          await bench.driver.remove(base);
          expect(await bench.subject.peek(clone, 0)).toBe(8);
          expect(await bench.subject.peek(second, 0)).toBe(7);
        } else {
          const error = await fails('state', bench.driver.remove(base));
          expect(error.message).toContain(clone);
        }
        await bench.driver.remove(clone);
        await bench.driver.remove(second);
        if (!alone) await bench.driver.remove(base);
        expect(await bench.driver.list()).toEqual([]);
      }
    });

    it('count the number of a base as taken', async () => {
      const bench = at();
      const format = bench.driver.capabilities.linkedClone[0];
      if (!format) return;
      await bench.driver.makeBase(await bench.allocate(100, format));
      expect(diskNumber(await bench.allocate(100, format))).toBe(1);
    });

    it('need a base that is there', async () => {
      const bench = at();
      const format = bench.driver.capabilities.linkedClone[0];
      if (!format) return;
      const base = await bench.driver.makeBase(await bench.allocate(100, format));
      await bench.driver.remove(base);
      await fails('not-found', bench.driver.linkedClone(base, 101));
      await fails('not-found', bench.driver.makeBase(base));
    });
  });
}
