/** Copies by the real qemu-img. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../host/exec.ts';
import type { ImageSource } from './driver.ts';
import { createImage, fillImage, imageOptions, imageSnapshot } from './qemu-img.ts';

const MiB = 1024 * 1024;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-qemu-img-'));
});
afterAll(() => rm(folder, { recursive: true }));

type Format = 'raw' | 'qcow2' | 'vmdk';

async function image(name: string, format: Format, size = 8 * MiB): Promise<ImageSource> {
  const filename = join(folder, name);
  await createImage(filename, { format, size });
  return { source: { driver: 'file', filename }, format };
}

const pathOf = ({ source }: ImageSource) => String(source.filename);

async function write(target: ImageSource, offset: number, byte: number): Promise<void> {
  const command = `write -q -P ${byte} ${offset} 64k`;
  await run('qemu-io', ['-f', target.format, '-c', command, pathOf(target)]);
}

/** Throws when the pattern does not read back. */
async function demandBytes(target: ImageSource, offset: number, byte: number): Promise<void> {
  const command = `read -q -P ${byte} ${offset} 64k`;
  const { stdout } = await run('qemu-io', ['-r', '-f', target.format, '-c', command, pathOf(target)]);
  expect(stdout).not.toMatch(/verification failed/);
}

describe('imageOptions', () => {
  it('doubles commas, so that no value can bring an option in', () => {
    const source = { driver: 'file', filename: '/a,file.locking=off', 'x-check': true } as const;
    expect(imageOptions({ source, format: 'raw' })).toBe(
      'driver=raw,file.driver=file,file.filename=/a,,file.locking=off,file.x-check=on',
    );
  });
});

describe('fillImage', () => {
  it.each<[Format, Format]>([
    ['raw', 'qcow2'],
    ['qcow2', 'raw'],
    ['qcow2', 'vmdk'],
    ['vmdk', 'qcow2'],
  ])('copies %s to %s and keeps holes', async (fromFormat, toFormat) => {
    const from = await image(`from,${fromFormat}-${toFormat}`, fromFormat, 64 * MiB);
    const to = await image(`to-${fromFormat}-${toFormat}`, toFormat, 64 * MiB);
    await write(from, 32 * MiB, 0xa7);
    const seen: number[] = [];
    await fillImage({ from, to, zeroed: true, onProgress: (fraction) => seen.push(fraction) });
    await demandBytes(to, 32 * MiB, 0xa7);
    await demandBytes(to, 0, 0);
    expect((await stat(pathOf(to))).blocks * 512).toBeLessThan(2 * MiB);
    expect(seen.at(-1)).toBe(1);
  });

  it('overwrites what a target holds that does not read as zeros', async () => {
    const from = await image('sparse.raw', 'raw');
    const to = await image('used.raw', 'raw');
    await write(to, MiB, 0x99);
    await fillImage({ from, to, zeroed: false });
    await demandBytes(to, MiB, 0);
  });

  it('copies the state of a snapshot, also while somebody has the image open', async () => {
    const from = await image('snap.qcow2', 'qcow2');
    await write(from, 0, 1);
    await imageSnapshot('create', pathOf(from), 'before');
    await write(from, 0, 2);
    const to = await image('copy.raw', 'raw');
    await fillImage({ from: { ...from, snapshot: 'before' }, to, zeroed: true, inUse: true });
    await demandBytes(to, 0, 1);
    await demandBytes(from, 0, 2);
  });

  it('ends at once when it is aborted, and keeps to a limit until then', async () => {
    const from = await image('long.raw', 'raw', 32 * MiB);
    for (let at = 0; at < 32; at += 1) await write(from, at * MiB, 0x33);
    const to = await image('slow.raw', 'raw', 32 * MiB);
    const abort = new AbortController();
    const begun = Date.now();
    const copy = fillImage({ from, to, zeroed: true, rateLimit: 64 * 1024, signal: abort.signal });
    setTimeout(() => abort.abort(), 400);
    await expect(copy).rejects.toThrow();
    expect(Date.now() - begun).toBeLessThan(5000);
    expect((await stat(pathOf(to))).blocks * 512).toBeLessThan(4 * MiB);
  });
});
