/** Files of all content types. Part of driver-conformance.ts. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileContent, fileContents } from '@ryokan/api/schema/volume-id.ts';
import { describe, expect, it } from 'vitest';
import { type Bench, fails, fileNames, MiB } from './conformance-bench.ts';

/** `at` gives the storage of the running check. */
export function fileChecks(at: () => Bench): void {
  describe('files', () => {
    it('are taken in, shown and removed for each declared content', async () => {
      const bench = at();
      for (const content of bench.contents()) {
        const path = await bench.source('12345');
        const volume = await bench.driver.adopt(content, fileNames[content], path);
        await expect(stat(path)).rejects.toThrow();
        const info = await bench.driver.info(volume);
        expect(info).toMatchObject({ name: `${content}/${fileNames[content]}`, content, size: 5 });
        expect(await bench.driver.list({ content })).toEqual([info]);
        await bench.driver.remove(volume);
        await fails('not-found', bench.driver.info(volume));
      }
    });

    it('are refused for content that is not declared, and for images', async () => {
      const bench = at();
      for (const content of [...fileContents, 'images', 'rootdir'] as const) {
        if (bench.contents().includes(content as FileContent)) continue;
        const path = await bench.source();
        await fails('unsupported', bench.driver.adopt(content, 'debian.iso', path));
        expect((await stat(path)).isFile()).toBe(true);
      }
    });

    it('do not replace what is there', async () => {
      const bench = at();
      for (const content of bench.contents()) {
        const volume = await bench.adopt(content);
        const path = await bench.source('other content');
        await fails('exists', bench.driver.adopt(content, fileNames[content], path));
        expect((await stat(path)).size).toBe(13);
        expect((await bench.driver.info(volume)).size).toBe(7);
      }
    });

    it('of one name are taken once when two arrive at once', async () => {
      const bench = at();
      const content = bench.contents()[0];
      if (!content) return;
      const paths = [await bench.source('a'), await bench.source('bb')];
      const results = await Promise.allSettled([
        bench.driver.adopt(content, fileNames[content], paths[0] as string),
        bench.subject.other.adopt(content, fileNames[content], paths[1] as string),
      ]);
      expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await bench.driver.list({ content })).toHaveLength(1);
    });

    it('refuse names that could lead elsewhere or that clients could not say', async () => {
      const bench = at();
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
      for (const content of bench.contents()) {
        const path = await bench.source();
        for (const bad of names) await fails('parameter', bench.driver.adopt(content, bad, path));
        expect((await stat(path)).isFile()).toBe(true);
        expect(await bench.driver.list({ content })).toEqual([]);
      }
    });

    it('need a source', async () => {
      const bench = at();
      const content = bench.contents()[0];
      if (!content) return;
      await expect(
        bench.driver.adopt(content, fileNames[content], join(bench.folder, 'missing')),
      ).rejects.toThrow();
      expect(await bench.driver.list({ content })).toEqual([]);
    });

    it('have no snapshots, sizes to change or clones', async () => {
      const bench = at();
      for (const content of bench.contents()) {
        const volume = await bench.adopt(content);
        await fails('unsupported', bench.driver.resize(volume, MiB));
        await fails('unsupported', bench.driver.snapshotCreate(volume, 'one'));
        await fails('unsupported', bench.driver.makeBase(volume));
      }
    });

    it('carry notes and protection where declared', async () => {
      const bench = at();
      for (const content of bench.contents()) {
        const volume = await bench.adopt(content);
        if (!bench.driver.capabilities.attributes.includes(content)) {
          await fails('unsupported', bench.driver.setAttributes(volume, { notes: 'x' }));
          continue;
        }
        await bench.driver.setAttributes(volume, { notes: 'zwei\nZeilen 日本', protected: true });
        expect(await bench.driver.info(volume)).toMatchObject({
          notes: 'zwei\nZeilen 日本',
          protected: true,
        });
        expect(await bench.driver.list({ content })).toEqual([await bench.driver.info(volume)]);
        await fails('state', bench.driver.remove(volume));
        await bench.driver.setAttributes(volume, { protected: false });
        expect((await bench.driver.info(volume)).notes).toBe('zwei\nZeilen 日本');
        await bench.driver.setAttributes(volume, { notes: '' });
        expect((await bench.driver.info(volume)).notes).toBeUndefined();
        await bench.driver.remove(volume);
        expect(await bench.driver.list({ content })).toEqual([]);
      }
    });

    it('of backups know their owner and their time', async () => {
      const bench = at();
      if (!bench.driver.capabilities.content.includes('backup')) return;
      const volume = await bench.adopt('backup');
      expect(await bench.driver.info(volume)).toMatchObject({
        vmid: 104,
        ctime: new Date(2026, 0, 31, 10, 20, 30).getTime() / 1000,
      });
      expect(await bench.driver.list({ vmid: 104 })).toHaveLength(1);
      expect(await bench.driver.list({ vmid: 105 })).toHaveLength(0);
    });
  });
}
