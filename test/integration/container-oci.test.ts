/** OCI images as templates: layers, owners and program of honest ones, and images made to reach out of the tree. */
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type UnpackOptions, unpackTemplate } from '../../packages/server/src/guests/lxc/template/unpack.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import { type TarEntry, tarEntry, tarOf } from '../lib/hostile-tar.ts';
import { makeImage, writeLayout } from '../lib/oci-image.ts';

const ids = [{ container: 0, host: 700_000, count: 65_536 }];

let folder: string;
let root: string;
let archive: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-oci-'));
  root = join(folder, 'closed/root');
  archive = join(folder, 'cache/app_1.tar');
  await mkdir(root, { recursive: true });
  await mkdir(join(folder, 'cache'));
  await chmod(join(folder, 'closed'), 0o700);
  await writeFile(join(folder, 'canary'), 'alive');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

// As the product's processes have it.
process.umask(0o077);
const unpack = (more: Partial<UnpackOptions> = {}) =>
  unpackTemplate({ archive, root, ids, log: () => {}, ...more });

describe.each([
  ['unprivileged', ids, 700_000],
  ['privileged', [], 0],
])('an image for an %s container', (_kind, map, owner) => {
  it('becomes a tree and a program', async () => {
    const layout = join(folder, 'layout');
    await makeImage(layout, {
      tag: 'latest',
      files: {
        'etc/passwd': 'root:x:0:0::/root:/bin/sh\napp:x:33:44::/:/bin/sh\n',
        'etc/old': 'x',
        'srv/one/file': 'x',
        'bin/app': 'x',
        'bin/sh': 'x',
      },
      change: async (tree) => {
        await rm(join(tree, 'etc/old'));
        await rm(join(tree, 'srv/one'), { recursive: true });
        await chmod(join(tree, 'bin/app'), 0o4755);
        await run('chown', ['33:44', join(tree, 'srv')]);
      },
      config: [
        ...['--config.entrypoint', '/bin/app', '--config.cmd', 'say hello', '--config.cmd', `it's`],
        ...['--config.env', 'PATH=/bin', '--config.env', 'NAME=a b', '--config.user', 'app'],
        ...['--config.workingdir', '/srv', '--config.stopsignal', 'SIGQUIT'],
      ],
    });
    await run('skopeo', ['--insecure-policy', 'copy', `oci:${layout}:latest`, `oci-archive:${archive}`]);
    const told: string[] = [];
    const { program } = await unpack({ ids: map, onScratch: (path) => told.push(path) });
    expect(program).toEqual({
      entrypoint: '/.oci-program',
      env: 'PATH=/bin\0NAME=a b',
      lxc: [
        ['lxc.init.cwd', '/srv'],
        ['lxc.init.uid', '33'],
        ['lxc.init.gid', '44'],
        ['lxc.signal.halt', 'SIGQUIT'],
      ],
      problems: [],
    });
    expect(await readFile(join(root, '.oci-program'), 'utf8')).toBe(
      `#!/bin/sh\nexec '/bin/app' 'say hello' 'it'\\''s'\n`,
    );
    expect(await readdir(join(root, 'etc'))).toEqual(['passwd']);
    const [app, srv] = await Promise.all([stat(join(root, 'bin/app')), stat(join(root, 'srv'))]);
    expect([app.uid, app.mode & 0o7777]).toEqual([owner, 0o4755]);
    expect([srv.uid, srv.gid]).toEqual([owner + 33, owner + 44]);
    expect(await readdir(join(root, 'srv'))).toEqual([]);
    // Nothing is left of what the layers took.
    expect(await readdir(join(folder, 'cache'))).toEqual(['app_1.tar']);
    expect(told).toEqual([expect.stringContaining(join(folder, 'cache/.staging-'))]);
  });

  it('that wants to reach out of its tree touches nothing', async () => {
    const canary = join(folder, 'canary');
    const entries: TarEntry[] = [
      { name: '../../canary', content: 'dead' },
      { name: canary, content: 'dead' },
      { name: 'up', type: '2', target: '../../../../../..' },
      { name: `up${canary}`, content: 'dead' },
      { name: 'there', type: '2', target: folder },
      { name: 'there/canary', content: 'dead' },
      { name: 'usr', type: '2', target: '/usr' },
      { name: 'usr/ryokan-was-here', content: 'dead' },
      { name: 'there/.wh.canary' },
      { name: '.wh...' },
      { name: 'there/.wh..wh..opq' },
    ];
    await archiveOf([tarOf(entries.slice(0, 8)), tarOf(entries.slice(8))]);
    await unpack({ ids: map }).catch((error: unknown) => error);
    expect(await readFile(canary, 'utf8')).toBe('alive');
    await expect(lstat('/usr/ryokan-was-here')).rejects.toThrow(/ENOENT/);
    expect((await readdir(folder)).sort()).toEqual(['cache', 'canary', 'closed', 'layout']);
    expect(await readdir(join(folder, 'closed'))).toEqual(['root']);
  });
});

async function archiveOf(layers: readonly Buffer[], config: object = {}): Promise<void> {
  const layout = join(folder, 'layout');
  await writeLayout(layout, layers, config);
  await run('tar', ['-cf', archive, '-C', layout, '.']);
}

it('takes an image apart that names an unknown user and odd words', async () => {
  await archiveOf([tarOf([{ name: 'file' }])], {
    User: 'nobody',
    Cmd: [`"it's"`],
    Env: ['A=1', 'B=x\ny', '-'],
  });
  const { program } = await unpack();
  expect(program).toMatchObject({ env: 'A=1', lxc: [] });
  expect(program).not.toHaveProperty('entrypoint');
  expect(program?.problems).toHaveLength(3);
});

it('makes no devices for an unprivileged container', async () => {
  await archiveOf([tarOf([{ name: 'sda', type: '4', device: [8, 0] }])]);
  await unpack();
  expect((await lstat(join(root, 'sda'))).isFile()).toBe(true);
});

it.each<[string, () => Promise<unknown>, RegExp]>([
  [
    'with hard links to what is outside',
    () => archiveOf([tarOf([{ name: 'x', type: '1', target: '/etc/shadow' }])]),
    /cannot be unpacked/,
  ],
  [
    'with too many files',
    () => archiveOf([Buffer.concat(Array.from({ length: 6000 }, (_, i) => tarEntry({ name: `f${i}` })))]),
    /more than 5000 files/,
  ],
  ['with a layer that is none', () => archiveOf([Buffer.from('x'.repeat(5000))]), /cannot be unpacked/],
  ['whose layer has another digest', () => damaged('blobs'), /cannot be unpacked/],
  ['without a manifest', () => damaged('index'), /cannot be unpacked/],
])('refuses an image %s', async (_what, make, text) => {
  await make();
  const failed = await unpack({ maxEntries: 5000 }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(RyokanError);
  expect(String(failed)).toMatch(text);
  expect(await readdir(join(folder, 'cache'))).toEqual(['app_1.tar']);
});

async function damaged(what: 'blobs' | 'index'): Promise<void> {
  const layer = tarOf([{ name: 'file', content: 'text' }]);
  await archiveOf([layer]);
  const layout = join(folder, 'layout');
  if (what === 'index') await writeFile(join(layout, 'index.json'), '{"manifests":[]}');
  else {
    const blobs = join(layout, 'blobs/sha256');
    for (const name of await readdir(blobs)) {
      const path = join(blobs, name);
      if ((await readFile(path)).equals(layer))
        await writeFile(path, tarOf([{ name: 'file', content: 'TEXT' }]));
    }
  }
  await run('tar', ['-cf', archive, '-C', layout, '.']);
}
