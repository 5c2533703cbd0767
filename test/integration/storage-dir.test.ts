/** The `dir` driver against what only a real machine has: other file systems, full disks, other users, other processes. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { StorageDriver } from '../../packages/server/src/storage/driver.ts';
import { createDirDriver } from '../../packages/server/src/storage/drivers/dir.ts';

const MiB = 1024 * 1024;
/** Debian's user without files of its own: stands for the user of guests. */
const nobody = 65534;

let folder: string;
/** A file system of 20 MiB. */
let mounted: string;
let refusal: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-storage-dir-'));
  await run('chmod', ['711', folder]);
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  mounted = await mkdtemp(join(folder, 'mount-'));
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=755', 'tmpfs', mounted]);
  refusal = status === 0 ? undefined : `cannot mount a small file system: ${String(stderr).trim()}`;
});
afterEach(async () => {
  if (refusal === undefined) spawnSync('umount', ['--lazy', mounted]);
  await rm(mounted, { recursive: true, force: true });
});

const storageAt = (path: string, more: Record<string, string> = {}): StorageDriver =>
  createDirDriver(
    { storage: 'local', type: 'dir', properties: { path, ...more } },
    { owner: { uid: nobody, gid: nobody } },
  );

async function leftovers(path: string): Promise<string[]> {
  const names = await readdir(path, { recursive: true });
  return names.filter((name) => (name.split('/').at(-1) ?? '').startsWith('.'));
}

test('a file from another file system is copied, and gone there', async (context) => {
  context.skip(refusal !== undefined, refusal);
  const driver = storageAt(mounted);
  await driver.activate();
  const source = join(folder, 'upload');
  const data = Buffer.alloc(3 * MiB, 'data');
  await writeFile(source, data);
  expect(await driver.adopt('iso', 'x.iso', source)).toBe('iso/x.iso');
  expect((await readFile(driver.path('iso/x.iso'))).equals(data)).toBe(true);
  await expect(stat(source)).rejects.toThrow();

  await writeFile(source, data);
  await expect(driver.adopt('iso', 'x.iso', source)).rejects.toMatchObject({ code: 'exists' });
  expect((await stat(source)).size).toBe(data.length);
  expect(await leftovers(mounted)).toEqual([]);
});

test('a full file system refuses, keeps the source and leaves no part', async (context) => {
  context.skip(refusal !== undefined, refusal);
  const driver = storageAt(mounted, { preallocation: 'full' });
  await driver.activate();
  const source = join(folder, 'large');
  await writeFile(source, Buffer.alloc(24 * MiB, 'x'));
  await expect(driver.adopt('iso', 'x.iso', source)).rejects.toMatchObject({ code: 'no-space' });
  expect((await stat(source)).size).toBe(24 * MiB);

  const request = { vmid: 100, format: 'raw', size: 19 * MiB } as const;
  const results = await Promise.allSettled([driver.allocate(request), driver.allocate(request)]);
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  for (const result of refused) expect(result.reason).toMatchObject({ code: 'no-space' });
  expect(await driver.list()).toHaveLength(2 - refused.length);
  expect(await leftovers(mounted)).toEqual([]);
});

test('a storage that must be mounted is offline without its file system', async (context) => {
  context.skip(refusal !== undefined, refusal);
  const driver = storageAt(mounted, { is_mountpoint: 'yes' });
  await driver.activate();
  const image = await driver.allocate({ vmid: 100, format: 'raw', size: MiB });
  expect((await driver.status()).total).toBe(20 * MiB);
  spawnSync('umount', [mounted]);
  await expect(driver.activate()).rejects.toThrow(/nothing is mounted at/);
  await expect(driver.status()).rejects.toThrow(/offline/);
  await expect(driver.allocate({ vmid: 100, format: 'raw', size: MiB })).rejects.toThrow(/offline/);
  expect(await readdir(mounted)).toEqual([]);
  expect(image).toBe('100/vm-100-disk-0.raw');
});

test('the user of guests opens images and reads ISOs, and finds nothing else', async () => {
  const path = join(folder, 'users');
  const driver = storageAt(path);
  await driver.activate();
  const image = driver.path(await driver.allocate({ vmid: 100, format: 'qcow2', size: MiB }));
  const source = join(folder, 'source');
  await writeFile(source, 'content');
  const iso = driver.path(await driver.adopt('iso', 'x.iso', source));
  await writeFile(source, 'content');
  const backup = driver.path(await driver.adopt('backup', 'vzdump-qemu-100-2026_01_01-00_00_00.vma', source));
  const asGuest = (program: string, ...args: string[]) =>
    run(program, args, { uid: nobody, gid: nobody }).then(
      () => true,
      () => false,
    );
  expect(await asGuest('qemu-io', '-f', 'qcow2', '-c', 'write 0 64k', image)).toBe(true);
  expect(await asGuest('cat', iso)).toBe(true);
  expect(await asGuest('touch', iso)).toBe(false);
  expect(await asGuest('cat', backup)).toBe(false);
  expect(await asGuest('ls', join(path, 'images'))).toBe(false);
  expect(await asGuest('touch', join(path, 'images/100/vm-100-disk-9.raw'))).toBe(false);
});

test('many processes never get the same name, and one killed midway leaves no volume', async () => {
  const path = join(folder, 'processes');
  await mkdir(path);
  const script = join(folder, 'allocate.mjs');
  const here = new URL('../../packages/server/src/storage/drivers/dir.ts', import.meta.url).pathname;
  await build({
    stdin: {
      contents: `import { createDirDriver } from ${JSON.stringify(here)};
        const [path, format, count, size] = process.argv.slice(2);
        const properties = { path, preallocation: size ? 'full' : 'off' };
        const driver = createDirDriver({ storage: 'local', type: 'dir', properties });
        for (let i = 0; i < Number(count); i++) {
          console.log(await driver.allocate({ vmid: 100, format, size: Number(size ?? 1024) }));
        }`,
      resolveDir: new URL('../..', import.meta.url).pathname,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
    external: ['pino', '@photostructure/sqlite'],
  });
  const runs = await Promise.all(
    ['raw', 'raw', 'raw', 'raw'].map((format) => run(process.execPath, [script, path, format, '10'])),
  );
  const names = runs.flatMap((result) => result.stdout.trim().split('\n'));
  expect(new Set(names).size).toBe(40);
  const driver = storageAt(path);
  expect((await driver.list()).map((info) => info.name).sort()).toEqual([...names].sort());

  const child = spawn(process.execPath, [script, path, 'raw', '1', String(512 * MiB)], { detached: true });
  await expect.poll(() => leftovers(path), { timeout: 20_000 }).toHaveLength(1);
  // The group: qemu-img is still writing.
  process.kill(-(child.pid as number), 'SIGKILL');
  expect(await driver.list()).toHaveLength(40);
});
