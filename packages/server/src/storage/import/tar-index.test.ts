/** Archives as tar writes them, and as nobody should. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWithManifest, parseManifest } from './manifest.ts';
import { readTarIndex, type TarMember } from './tar-index.ts';

let folder: string;
const longName = `${'n'.repeat(150)}.vmdk`;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-tar-'));
  for (const name of ['a.ovf', 'b.vmdk', longName]) writeFileSync(join(folder, name), `content of ${name}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

function tar(options: readonly string[], files: readonly string[]): string {
  const path = join(folder, 'x.tar');
  const { status, stderr } = spawnSync('tar', [...options, '-cf', path, '-C', folder, ...files]);
  expect(status, String(stderr)).toBe(0);
  return path;
}

async function index(path: string): Promise<TarMember[]> {
  const file = await open(path, 'r');
  try {
    return await readTarIndex(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function contentOf(path: string, { offset, size }: TarMember): Promise<string> {
  const file = await open(path, 'r');
  const { buffer } = await file.read(Buffer.alloc(size), 0, size, offset);
  await file.close();
  return buffer.toString();
}

describe('readTarIndex', () => {
  it.each([['ustar'], ['gnu'], ['pax']])('reads %s', async (format) => {
    const files = format === 'ustar' ? ['a.ovf', 'b.vmdk'] : ['a.ovf', longName, 'b.vmdk'];
    const path = tar([`--format=${format}`], files);
    const members = await index(path);
    expect(members.map((one) => one.name)).toEqual(files);
    for (const member of members) expect(await contentOf(path, member)).toBe(`content of ${member.name}`);
  });

  it('reads sizes beyond 8 GiB, which GNU tar writes in binary', async () => {
    const size = 9 * 1024 ** 3;
    const path = join(folder, 'large.tar');
    const header = headerOf('big.vmdk');
    header.writeUInt8(0x80, 124);
    header.fill(0, 125, 136);
    header.writeBigUInt64BE(BigInt(size), 128);
    writeFileSync(path, sealed(header));
    const file = await open(path, 'r');
    expect(await readTarIndex(file, size + 512)).toEqual([{ name: 'big.vmdk', offset: 512, size }]);
    await file.close();
  });

  interface Change {
    readonly name?: string;
    readonly type?: string;
    readonly size?: number;
    readonly checksum?: number;
  }
  it.each<[string, Change, RegExp]>([
    ['a link', { type: '2' }, /no plain file/],
    ['a device', { type: '3' }, /no plain file/],
    ['a path that leads out', { name: '../a.vmdk' }, /no plain file name/],
    ['an absolute path', { name: '/etc/a.vmdk' }, /no plain file name/],
    ['a name with a comma', { name: 'a,format=raw.vmdk' }, /no plain file name/],
    ['a size beyond the file', { size: 10_000 }, /the end of the file is missing/],
    ['a checksum that is wrong', { checksum: 1 }, /no tar archive/],
  ])('refuses %s', async (_what, change, problem) => {
    const path = join(folder, 'evil.tar');
    const { name = 'a.vmdk', type = '0', size = 0, checksum } = change;
    const header = sealed(headerOf(name, type, size));
    if (checksum !== undefined) header.write('0000001\0', 148);
    writeFileSync(path, Buffer.concat([header, Buffer.alloc(1024)]));
    await expect(index(path)).rejects.toThrow(problem);
  });

  it('refuses two files of one name, no file at all, and thousands', async () => {
    const path = join(folder, 'many.tar');
    const one = sealed(headerOf('a.vmdk'));
    writeFileSync(path, Buffer.concat([one, one, Buffer.alloc(1024)]));
    await expect(index(path)).rejects.toThrow(/two files of the name/);
    writeFileSync(path, Buffer.alloc(1024));
    await expect(index(path)).rejects.toThrow(/it is empty/);
    writeFileSync(path, Buffer.concat(Array.from({ length: 600 }, (_, i) => sealed(headerOf(`${i}.vmdk`)))));
    await expect(index(path)).rejects.toThrow(/more than 500 files/);
  });
});

function headerOf(name: string, type = '0', size = 0): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  return header;
}

function sealed(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

describe('the manifest', () => {
  const digest = (text: string, algorithm = 'sha256') => createHash(algorithm).update(text).digest('hex');

  it.each([['sha1'], ['sha256'], ['sha512']])('with %s', async (algorithm) => {
    const path = tar(['--format=ustar'], ['a.ovf', 'b.vmdk']);
    const members = await index(path);
    const line = (name: string, text: string) =>
      `${algorithm.toUpperCase()}(${name})= ${digest(text, algorithm)}\r\n`;
    const right = parseManifest(line('a.ovf', 'content of a.ovf') + line('b.vmdk', 'content of b.vmdk'));
    let last = 0;
    await compareWithManifest(path, members, right, { onProgress: (fraction) => (last = fraction) });
    expect(last).toBe(1);
    const wrong = parseManifest(line('a.ovf', 'content of a.ovf') + line('b.vmdk', 'else'));
    await expect(compareWithManifest(path, members, wrong)).rejects.toThrow(
      /'b.vmdk' in the OVA is not what/,
    );
    await compareWithManifest(path, members, wrong, { only: ['a.ovf'] });
    const missing = parseManifest(line('c.vmdk', 'x'));
    await expect(compareWithManifest(path, members, missing)).rejects.toThrow(
      /names 'c.vmdk', which is missing/,
    );
  });

  it.each(['MD5(a)= 00', 'SHA256(a) 00', 'hello'])('refuses %s', (text) => {
    expect(() => parseManifest(text)).toThrow(/line 1 of the OVA's manifest is damaged/);
  });
});
