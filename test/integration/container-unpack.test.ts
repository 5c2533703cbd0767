/** Templates are unpacked as hostile input: archives made here, and nothing outside the container's tree is touched. */
import { randomBytes } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { RyokanError } from '@ryokan/api/errors.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unpackTemplate } from '../../packages/server/src/guests/lxc/template/unpack.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import { type TarEntry, tarEntry, tarOf } from '../lib/hostile-tar.ts';

/** With a hole, as a person may map one user of the host into a container. */
const ids = [
  { container: 0, host: 700_000, count: 1000 },
  { container: 1000, host: 1000, count: 1 },
  { container: 1001, host: 701_001, count: 64_535 },
];

let folder: string;
let root: string;
let archive: string;
let canary: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-unpack-'));
  root = join(folder, 'closed/root');
  await mkdir(root, { recursive: true });
  // As the product's own folders are: the container's ids have no way through.
  await chmod(join(folder, 'closed'), 0o700);
  archive = join(folder, 'template.tar');
  canary = join(folder, 'canary');
  await writeFile(canary, 'alive');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const logged: string[] = [];
// As the product's processes have it.
process.umask(0o077);
const unpack = (more: Partial<Parameters<typeof unpackTemplate>[0]> = {}) =>
  unpackTemplate({ archive, root, ids, log: (line) => logged.push(line), ...more });

/** A small system: files of several owners, setuid, links, a device below /dev. */
async function system(): Promise<string> {
  const tree = join(folder, 'tree');
  for (const path of ['etc', 'usr/bin', 'dev', 'home/me']) await mkdir(join(tree, path), { recursive: true });
  await writeFile(join(tree, 'etc/os-release'), 'ID=debian\n');
  await writeFile(join(tree, 'usr/bin/su'), 'x');
  await chmod(join(tree, 'usr/bin/su'), 0o4755);
  await symlink('/usr/bin', join(tree, 'bin'));
  await run('chown', ['-R', '1000:1000', join(tree, 'home/me')]);
  await run('mknod', [join(tree, 'dev/null'), 'c', '1', '3']);
  await run('setfattr', ['-n', 'user.note', '-v', 'kept', join(tree, 'etc/os-release')]).catch(() => {});
  return tree;
}

describe('a template', () => {
  it.each([
    ['gz', ['--gzip']],
    ['xz', ['--xz']],
    ['zst', ['--zstd']],
    ['bz2', ['--bzip2']],
    ['plain', []],
  ])('packed as %s, whatever its name', async (_name, options) => {
    await run('tar', [...options, '--xattrs', '-cf', archive, '-C', await system(), '.']);
    const seen: number[] = [];
    await unpack({ onProgress: (fraction) => seen.push(fraction) });
    expect(seen.at(-1)).toBe(1);
    expect(await readFile(join(root, 'etc/os-release'), 'utf8')).toBe('ID=debian\n');
    expect(await readlink(join(root, 'bin'))).toBe('/usr/bin');
    const su = await stat(join(root, 'usr/bin/su'));
    expect([su.mode & 0o7777, su.uid, su.gid]).toEqual([0o4755, 700_000, 700_000]);
    const home = await stat(join(root, 'home/me'));
    expect([home.uid, home.gid]).toEqual([1000, 1000]);
    expect(await readdir(join(root, 'dev'))).toEqual([]);
  });

  it('whose folders are not in the archive has them as usual', async () => {
    await writeFile(archive, tarOf([{ name: 'usr/share/file', content: 'text' }]));
    await unpack();
    expect((await stat(join(root, 'usr/share'))).mode & 0o777).toBe(0o755);
  });

  it('of a privileged container keeps its owners', async () => {
    await run('tar', ['-cf', archive, '-C', await system(), '.']);
    await unpack({ ids: [] });
    const su = await stat(join(root, 'usr/bin/su'));
    expect([su.mode & 0o7777, su.uid]).toEqual([0o4755, 0]);
    expect((await stat(join(root, 'home/me'))).uid).toBe(1000);
  });
});

describe('a hostile archive', () => {
  /** Everything that stands outside the container's tree, and must be as it was. */
  const untouched = async () => {
    expect(await readFile(canary, 'utf8')).toBe('alive');
    expect((await readdir(folder)).sort()).toEqual(['canary', 'closed', 'template.tar']);
    expect(await readdir(join(folder, 'closed'))).toEqual(['root']);
    expect((await stat(canary)).nlink).toBe(1);
  };
  const evil = (...entries: TarEntry[]) =>
    writeFile(archive, tarOf([{ name: './', type: '5', mode: 0o755 }, ...entries]));
  const tries = async (kind: 'privileged' | 'unprivileged') =>
    unpack(kind === 'privileged' ? { ids: [] } : {}).catch((error: unknown) => error as RyokanError);

  describe.each(['privileged', 'unprivileged'] as const)('%s', (kind) => {
    it('with absolute paths and `..` stays in the tree', async () => {
      await evil(
        { name: canary, content: 'dead' },
        { name: `../../canary`, content: 'dead' },
        { name: `etc/../../../canary`, content: 'dead' },
      );
      await tries(kind);
      await untouched();
    });

    it('with symbolic links as folders and as files', async () => {
      await evil(
        { name: 'up', type: '2', target: '../..' },
        { name: 'up/canary', content: 'dead' },
        { name: 'there', type: '2', target: folder },
        { name: 'there/canary', content: 'dead' },
        { name: 'file', type: '2', target: canary },
        { name: 'file', content: 'dead' },
        { name: 'usr', type: '2', target: '/usr' },
        { name: 'usr/ryokan-was-here', content: 'dead' },
        { name: 'self', type: '2', target: '/proc/self/root' },
        { name: `self${canary}`, content: 'dead' },
      );
      await tries(kind);
      await untouched();
      await expect(lstat('/usr/ryokan-was-here')).rejects.toThrow(/ENOENT/);
    });

    it('with hard links to what is outside', async () => {
      await evil(
        { name: 'one', type: '1', target: canary },
        { name: 'two', type: '1', target: '../../canary' },
        { name: 'there', type: '2', target: folder },
        { name: 'three', type: '1', target: 'there/canary' },
        { name: 'shadow', type: '1', target: '/etc/shadow' },
      );
      expect(await tries(kind)).toMatchObject({ code: 'unsupported' });
      await untouched();
      for (const name of await readdir(root)) expect((await lstat(join(root, name))).isFile()).toBe(false);
    });

    it('with pipes in the way of files ends', async () => {
      await evil({ name: 'pipe', type: '6' }, { name: 'pipe', content: 'text' }, { name: 'etc', type: '5' });
      await tries(kind);
      expect(await readFile(join(root, 'pipe'), 'utf8')).toBe('text');
    });

    it('with ten million files is stopped', async () => {
      await writeFile(archive, await bomb());
      const failed = await unpack({
        maxEntries: 20_000,
        ...(kind === 'privileged' ? { ids: [] } : {}),
      }).catch(String);
      expect(failed).toMatch(/it has more than 20000 files/);
      expect((await readdir(root)).length).toBeLessThan(40_000);
      expect(await left()).toEqual([]);
    });
  });

  it('with devices: none for an unprivileged container, those of the archive for a privileged one', async () => {
    await evil({ name: 'disk', type: '4', device: [8, 0] }, { name: 'dev/sda', type: '4', device: [8, 0] });
    expect(await tries('unprivileged')).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/device nodes/),
    });
    await expect(lstat(join(root, 'disk'))).rejects.toThrow(/ENOENT/);
    await tries('privileged');
    expect((await lstat(join(root, 'disk'))).isBlockDevice()).toBe(true);
    await expect(lstat(join(root, 'dev/sda'))).rejects.toThrow(/ENOENT/);
  });

  it('with owners outside the id range', async () => {
    await evil({ name: 'file', uid: 100_000 });
    expect(await tries('unprivileged')).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/id range/),
    });
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    ['no archive', () => writeFile(archive, 'x'.repeat(100_000)), /no tar archive/],
    ['an empty file', () => writeFile(archive, ''), /nothing in it|no tar archive/],
    ['an archive of nothing', () => writeFile(archive, tarOf([])), /nothing in it/],
    ['a cut tar', () => cut(['-cf'], 4000), /cut off/],
    ['a cut gzip file', () => cut(['-czf'], 20), /cut off|damaged/],
    ['a cut zstd file', () => cut(['--zstd', '-cf'], 20), /cut off|damaged/],
    ['a cut xz file', () => cut(['-cJf'], 20), /cut off|damaged/],
    ['a gzip file of something else', () => pack('hello'.repeat(5000)), /no tar archive/],
    ['a folder', () => mkdir(archive), /no ordinary file/],
  ])('that is %s', async (_what, make, text) => {
    await make();
    const failed = await unpack().catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(RyokanError);
    expect(String(failed)).toMatch(text);
  });

  /** An archive of some size with its last bytes missing. */
  async function cut(options: readonly string[], missing: number): Promise<void> {
    const tree = await system();
    await writeFile(join(tree, 'noise'), randomBytes(300_000));
    await run('tar', [...options, archive, '-C', tree, '.']);
    // tar ends its archives with zeros, up to a record.
    const { size } = await stat(archive);
    await truncate(archive, options.includes('-cf') && options.length === 1 ? 150_000 : size - missing);
  }

  async function pack(text: string): Promise<void> {
    await writeFile(archive, gzipSync(text));
  }
});

/** Ten million files in 2 MB: one piece again and again, as zstd frames may follow each other. */
async function bomb(): Promise<Buffer> {
  const piece = Buffer.concat(Array.from({ length: 10_000 }, (_, i) => tarEntry({ name: `f${i}` })));
  const plain = join(folder, 'piece');
  await writeFile(plain, piece);
  await run('zstd', ['-q', plain]);
  const packed = await readFile(`${plain}.zst`);
  await rm(plain);
  await rm(`${plain}.zst`);
  return Buffer.concat(Array.from({ length: 1000 }, () => packed));
}

/** Processes that still have the tree in their command. */
async function left(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(root)) found.push(command);
  }
  return found;
}

describe('an end before its time', () => {
  it('by a person leaves no process', async () => {
    await writeFile(archive, await bomb());
    const controller = new AbortController();
    const failed = unpack({ signal: controller.signal, onProgress: () => controller.abort() });
    expect(String(await failed.catch((error: unknown) => error))).toMatch(/abort/i);
    expect(await left()).toEqual([]);
  });

  it('at any moment leaves no process, also while the sandbox is being made', async () => {
    await writeFile(archive, await bomb());
    for (let delay = 0; delay < 100; delay += 4) {
      const failed = await unpack({ signal: AbortSignal.timeout(delay) }).catch(String);
      expect(failed).toMatch(/abort|timeout/i);
    }
    expect(await left()).toEqual([]);
  });

  it('because the disk is full, in bytes or in files', async () => {
    const image = join(folder, 'disk.img');
    await writeFile(image, '');
    await truncate(image, 8 * 1024 ** 2);
    await run('mkfs.ext4', ['-q', '-N', '64', image]);
    await run('mount', ['-o', 'loop', image, root]);
    try {
      await writeFile(archive, tarOf([{ name: 'large', content: 'x'.repeat(12 * 1024 ** 2) }]));
      expect(await unpack().catch((error: unknown) => error)).toMatchObject({ code: 'no-space' });
      await rm(join(root, 'large'), { force: true });
      await writeFile(archive, tarOf(Array.from({ length: 200 }, (_, i) => ({ name: `f${i}` }))));
      expect(await unpack().catch((error: unknown) => error)).toMatchObject({ code: 'no-space' });
    } finally {
      await run('umount', [root]);
    }
  });
});
