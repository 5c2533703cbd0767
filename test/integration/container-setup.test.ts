/** What the product writes into the trees of containers: input trees made here, and the files that come out. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ContainerSetup, setUpContainer } from '../../packages/server/src/guests/lxc/setup/setup.ts';

const ids = [{ container: 0, host: 700_000, count: 65_536 }];

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ryokan-setup-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function have(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

const text = (path: string) => readFile(join(root, path), 'utf8');

const setUp = (
  config: Partial<ContainerSetup> = {},
  more: Partial<Parameters<typeof setUpContainer>[0]> = {},
) =>
  setUpContainer({
    ...{ root, ids, first: true, log: () => {} },
    config: { hostname: 'web', nets: [], nameserver: '192.0.2.53', searchdomain: 'example.com', ...config },
    ...more,
  });

describe('Debian', () => {
  it('gets names, network and a password', async () => {
    await have({
      '/etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
      '/etc/hosts': '127.0.0.1 localhost\n',
      '/etc/network/interfaces':
        'auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n\tpost-up /bin/mine\n',
      '/sbin/ifup': '',
      '/etc/shadow': 'root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n',
    });
    const nets = [{ name: 'eth0', ip: '192.0.2.10/24', gw: '192.0.2.1', ip6: 'auto' }];
    await setUp({ nets }, { password: 'secret', sshKeys: 'ssh-ed25519 AAAA me\n' });
    expect(await text('/etc/hostname')).toBe('web\n');
    expect(await text('/etc/hosts')).toMatch(/192.0.2.10 web.example.com web/);
    expect(await text('/etc/network/interfaces')).toMatchInlineSnapshot(`
      "auto lo
      iface lo inet loopback

      # --- BEGIN PVE ---
      auto eth0
      iface eth0 inet static
      	address 192.0.2.10
      	netmask 255.255.255.0
      	gateway 192.0.2.1
      	post-up /bin/mine

      iface eth0 inet6 auto
      # --- END PVE ---
      "
    `);
    expect(await text('/etc/resolv.conf')).toMatchInlineSnapshot(`
      "# --- BEGIN PVE ---
      search example.com
      nameserver 192.0.2.53
      # --- END PVE ---
      "
    `);
    expect(await text('/etc/shadow')).toMatch(/^root:\$5\$/);
    const keys = await stat(join(root, '/root/.ssh/authorized_keys'));
    expect([keys.uid, keys.mode & 0o777]).toEqual([700_000, 0o600]);
    const before = await stat(join(root, '/etc/network/interfaces'));
    await setUp({ nets }, { first: false });
    expect((await stat(join(root, '/etc/network/interfaces'))).ino).toBe(before.ino);
  });
});
