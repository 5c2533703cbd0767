/**
 * What the product writes into the trees of containers. Golden cases: test/container-setup/<system>.txt holds every file
 * that the set-up of that system changes; after a wanted change, UPDATE_GOLDEN=1 writes them anew: look at the diff.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ContainerSetup,
  type SetUpOptions,
  setUpContainer,
} from '../../packages/server/src/guests/lxc/setup/setup.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import { systems } from '../container-setup/systems.ts';
import { makeTree, readTree, treeChanges } from '../lib/file-tree.ts';

const base = 700_000;
const ids = [{ container: 0, host: base, count: 65_536 }];

let folder: string;
let root: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-setup-'));
  root = join(folder, 'root');
  await mkdir(root);
  await writeFile(join(folder, 'canary'), 'alive');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = (path: string) => readFile(join(root, path), 'utf8');

/** A card of each kind that there is. */
const nets: ContainerSetup['nets'] = [
  { name: 'eth0', ip: '192.0.2.10/24', gw: '192.0.2.1', ip6: 'auto' },
  { name: 'eth1', ip: 'dhcp', ip6: 'dhcp' },
  { name: 'eth2', ip: '198.51.100.7/32', gw: '203.0.113.1', ip6: '2001:db8::7/64', gw6: 'fe80::1' },
  { name: 'eth3' },
];
const config: ContainerSetup = {
  hostname: 'web',
  nets,
  nameserver: '192.0.2.53 2001:db8::53',
  searchdomain: 'example.com',
  timezone: 'Asia/Tokyo',
};

const setUp = (change: Partial<ContainerSetup> = {}, more: Partial<SetUpOptions> = {}) =>
  setUpContainer({ root, ids, made: 'new', log: () => {}, config: { ...config, ...change }, ...more });

/** A tree of the container's own ids. */
async function have(tree: Readonly<Record<string, string>>): Promise<void> {
  await makeTree(root, tree);
  await run('chown', ['-hR', `${base}:${base}`, root]);
}

const goldenPath = (name: string) =>
  fileURLToPath(new URL(`../container-setup/${name}.txt`, import.meta.url));

describe('the set-up of', () => {
  it.each(Object.keys(systems))('%s', async (name) => {
    await have(systems[name] ?? {});
    const before = await readTree(root, base);
    await setUp();
    const after = await readTree(root, base);
    const changes = treeChanges(before, after);
    if (process.env.UPDATE_GOLDEN) writeFileSync(goldenPath(name), changes);
    expect(existsSync(goldenPath(name)), `${name}.txt is missing: UPDATE_GOLDEN=1`).toBe(true);
    expect(changes).toBe(readFileSync(goldenPath(name), 'utf8'));
    // The next start finds everything as it should be.
    const inodes = async () =>
      (await Promise.all([...after.keys()].map((path) => lstat(join(root, path))))).map((one) => one.ino);
    const files = await inodes();
    await setUp({}, { made: undefined });
    expect(treeChanges(after, await readTree(root, base))).toBe('');
    expect(await inodes()).toEqual(files);
    // Without its cards the container has none of their files and stanzas.
    await setUp({ nets: [] }, { made: undefined });
    const left = [...(await readTree(root, base))].filter(([path]) => !path.includes('hosts'));
    expect(left.map(([path, content]) => path + content).join('\n')).not.toMatch(
      /192\.0\.2\.10|198\.51\.100\.7/,
    );
  });
});

describe('what a person wrote', () => {
  it('stays around the sections', async () => {
    await have(systems.debian ?? {});
    await setUp();
    for (const path of ['/etc/hosts', '/etc/network/interfaces', '/etc/resolv.conf']) {
      await writeFile(join(root, path), `# above\n${await text(path)}# below\n`);
    }
    const interfaces = (await text('/etc/network/interfaces')).replace(
      'gateway 192.0.2.1\n',
      '$&\tpre-up /my/own\n',
    );
    await writeFile(join(root, '/etc/network/interfaces'), interfaces);
    await setUp(
      { hostname: 'db.example.org', nets: nets.slice(0, 1), nameserver: '192.0.2.54' },
      { made: undefined },
    );
    expect(await text('/etc/hosts')).toBe(
      '# above\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n# --- BEGIN PVE ---\n192.0.2.10 db.example.org db\n# --- END PVE ---\n# below\n',
    );
    expect(await text('/etc/resolv.conf')).toBe(
      '# above\n# --- BEGIN PVE ---\nsearch example.com\nnameserver 192.0.2.54\n# --- END PVE ---\noptions edns0\n# below\n',
    );
    const after = await text('/etc/network/interfaces');
    for (const own of ['# above', '\tpost-up /usr/local/sbin/mine', '\tpre-up /my/own', '# below']) {
      expect(after.split('\n')).toContain(own);
    }
    expect(after).toMatch(/^iface br0 inet manual$/m);
    expect(after).not.toMatch(/eth[123]/);
  });

  it('stays in files that have .pve-ignore beside them', async () => {
    await have(systems.debian ?? {});
    const kept = [
      '/etc/hosts',
      '/etc/hostname',
      '/etc/resolv.conf',
      '/etc/network/interfaces',
      '/etc/shadow',
      '/etc/localtime',
    ];
    for (const path of kept) await writeFile(join(root, path.replace(/([^/]+)$/, '.pve-ignore.$1')), '');
    const before = await readTree(root, base);
    await setUp({}, { password: 'secret' });
    const after = await readTree(root, base);
    for (const path of kept) expect(after.get(path)).toBe(before.get(path));
  });

  it('is not read as that of the host when nothing is configured', async () => {
    await have(systems.ubuntu ?? {});
    await setUpContainer({ root, ids, made: 'new', log: () => {}, config: { hostname: 'web', nets: [] } });
    expect((await lstat(join(root, '/etc/resolv.conf'))).isSymbolicLink()).toBe(true);
  });
});

describe('logins', () => {
  it('of root: a hash and keys, with the rights that sshd wants', async () => {
    await have({ ...systems.debian, '/root/.ssh/authorized_keys': 'ssh-rsa OLD me' });
    const before = await text('/etc/shadow');
    await setUp({}, { password: `p'w $(x)`, sshKeys: 'ssh-ed25519 AAAA one\nssh-rsa OLD me\n' });
    const [, salt, hash] =
      /^root:\$5\$([^$]+)\$([^:]+):\d+:0:99999:7:::$/m.exec(await text('/etc/shadow')) ?? [];
    const made = await run('openssl', ['passwd', '-5', '-salt', salt ?? '', '-stdin'], {
      input: `p'w $(x)\n`,
    });
    expect(made.stdout.trim()).toBe(`$5$${salt}$${hash}`);
    expect((await text('/etc/shadow')).split('\n').slice(1)).toEqual(before.split('\n').slice(1));
    expect(await text('/root/.ssh/authorized_keys')).toBe('ssh-rsa OLD me\nssh-ed25519 AAAA one\n');
    const fresh = await mkdtemp(join(folder, 'fresh-'));
    await setUpContainer({
      root: fresh,
      ids,
      made: 'new',
      log: () => {},
      config: { ...config, ostype: 'debian' },
      sshKeys: 'k',
    });
    const modes = await Promise.all(
      ['root/.ssh', 'root/.ssh/authorized_keys'].map((path) => stat(join(fresh, path))),
    );
    expect(modes.map(({ mode, uid }) => [mode & 0o777, uid])).toEqual([
      [0o700, base],
      [0o600, base],
    ]);
  });

  it('of an unknown system: nothing is touched, and what was asked for is told', async () => {
    await have({ '/bin/app': 'a program', '/etc/passwd': 'root:x:0:0::/:/bin/app' });
    const before = await readTree(root);
    const told: string[] = [];
    const log = (line: string) => void told.push(line);
    await setUp({}, { password: 'secret', sshKeys: 'ssh-ed25519 AAAA', log });
    await setUp({}, { log });
    expect(told).toEqual([
      expect.stringMatching(/^the password and the SSH keys of root were not set: .*unmanaged/),
    ]);
    expect(await readTree(root)).toEqual(before);
  });

  it('have host keys that no other container has', async () => {
    await have({
      ...systems.debian,
      '/etc/ssh/ssh_host_ed25519_key': 'known to all',
      '/etc/ssh/ssh_host_ed25519_key.pub': 'x',
    });
    await setUp();
    expect(await text('/etc/ssh/ssh_host_ed25519_key')).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----/);
    expect(await text('/etc/ssh/ssh_host_ed25519_key.pub')).toMatch(/^ssh-ed25519 \S+ root@web\n$/);
    const key = await text('/etc/ssh/ssh_host_ed25519_key');
    await setUp({}, { made: undefined });
    expect(await text('/etc/ssh/ssh_host_ed25519_key')).toBe(key);
  });
});

describe('a hostile tree', () => {
  const untouched = async () => {
    expect(await readFile(join(folder, 'canary'), 'utf8')).toBe('alive');
    expect((await readdir(folder)).sort()).toEqual(['canary', 'root']);
  };

  it('with links that lead out of it writes inside', async () => {
    await have({
      ...systems.debian,
      '/etc/hosts': `-> ${join(folder, 'canary')}`,
      '/etc/hostname': '-> ../../../../../../etc/name',
    });
    const hostname = readFileSync('/etc/hostname', 'utf8');
    await setUp({}, { password: 'secret' });
    await untouched();
    expect(await text('/etc/name')).toBe('web\n');
    expect(readFileSync('/etc/hostname', 'utf8')).toBe(hostname);
    expect(await text(join(folder, 'canary'))).toMatch(/192.0.2.10 web/);
  });

  it.each([
    ['/etc', '-> ../..'],
    ['/etc', '-> /'],
    ['/root', '-> ../../../root'],
    ['/etc/network', '-> /proc/self/root/etc'],
    ['/etc/systemd', '-> /proc/1/root/etc/systemd'],
  ])('with %s %s stays in itself', async (path, target) => {
    await mkdir(join(root, 'etc'), { recursive: true });
    if (path === '/etc') await rm(join(root, 'etc'), { recursive: true });
    await symlink(target.slice(3), join(root, path));
    const outside = (await readdir('/')).sort();
    const shadow = readFileSync('/etc/shadow', 'utf8');
    await setUp({ ostype: 'debian' }, { password: 'secret', sshKeys: 'evil' }).catch(
      (error: unknown) => error,
    );
    await untouched();
    expect((await readdir('/')).sort()).toEqual(outside);
    expect(readFileSync('/etc/shadow', 'utf8')).toBe(shadow);
  });

  it.each([
    ['a pipe', (path: string) => run('mkfifo', [path])],
    ['a device', (path: string) => run('mknod', [path, 'c', '1', '7'])],
    [
      'a socket',
      (path: string) => run('python3', ['-c', `import socket;socket.socket(socket.AF_UNIX).bind("${path}")`]),
    ],
  ])('with %s in the place of a file gets a file', async (_what, make) => {
    await have({ ...systems.debian });
    await rm(join(root, 'etc/hostname'));
    await make(join(root, 'etc/hostname'));
    await setUp();
    expect((await lstat(join(root, 'etc/hostname'))).isFile()).toBe(true);
    expect(await text('/etc/hostname')).toBe('web\n');
  });

  it.each([
    ['a folder', (path: string) => mkdir(path), /is a folder/],
    ['a ring of links', (path: string) => symlink('hostname', path), /too many links/],
    ['a file of 1 GiB', (path: string) => run('truncate', ['-s', '1G', path]), /too long/],
  ])('with %s in the place of a file is refused with words', async (_what, make, problem) => {
    await have({ ...systems.debian });
    await rm(join(root, 'etc/hostname'));
    await make(join(root, 'etc/hostname'));
    await expect(setUp()).rejects.toThrow(problem);
  });
});
