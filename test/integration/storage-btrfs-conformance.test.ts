/** The conformance suite of storage drivers on `btrfs`, on a real file system in a file. */
import { mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { createSubvolume, deleteSubvolume } from '../../packages/server/src/host/btrfs.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import {
  type ConformanceSubject,
  driverConformance,
  imageChecks,
} from '../../packages/server/src/storage/driver-conformance.ts';
import { createBtrfsDriver } from '../../packages/server/src/storage/drivers/btrfs.ts';

let folder: string;
let mounted: string;
let subjects = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-btrfs-'));
  mounted = join(folder, 'mounted here');
  await mkdir(mounted);
  const image = join(folder, 'image');
  await writeFile(image, '');
  await truncate(image, 2 * 1024 ** 3);
  await run('mkfs.btrfs', ['-q', image]);
  await run('mount', ['-o', 'loop,nobarrier', image, mounted]);
});
afterAll(async () => {
  await run('umount', [mounted]);
  await rm(folder, { recursive: true });
});

async function subject(properties: Record<string, string> = {}): Promise<ConformanceSubject> {
  const path = join(mounted, String(++subjects));
  // A subvolume of its own, which goes with all that is in it.
  await createSubvolume(path);
  const config = { storage: 'pool', type: 'btrfs', properties: { path, ...properties } };
  const driver = createBtrfsDriver(config);
  /** Where bytes of the image stand: in a file of the tree, for containers. */
  const file = async (name: string) => {
    const { format } = await driver.info(name);
    return { format, path: format === 'subvol' ? join(driver.path(name), 'data') : driver.path(name) };
  };
  return {
    driver,
    other: createBtrfsDriver(config),
    poke: async (name, offset, byte) => {
      const { format, path } = await file(name);
      if (format !== 'subvol') {
        await run('qemu-io', ['-f', format, '-c', `write -q -P ${byte} ${offset} 4k`, path]);
        return;
      }
      await writeFile(path, '', { flag: 'a' });
      const handle = await open(path, 'r+');
      await handle.write(Buffer.alloc(4096, byte), 0, 4096, offset);
      await handle.close();
    },
    peek: async (name, offset) => {
      const { format, path } = await file(name);
      if (format === 'subvol') return (await readFile(path).catch(() => Buffer.alloc(0)))[offset] ?? 0;
      const { stdout } = await run('qemu-io', ['-r', '-f', format, '-c', `read -v ${offset} 512`, path]);
      return Number.parseInt(/^[0-9a-f]+:\s+([0-9a-f]{2})/m.exec(stdout)?.[1] ?? '', 16);
    },
    cleanup: () => deleteSubvolume(path),
  };
}

driverConformance('btrfs', () => subject());
driverConformance('btrfs, subvolumes first', () => subject({ format: 'subvol', nocow: '1' }), [imageChecks]);
