/**
 * A Debian with systemd as an unprivileged container, from `ryokan template build` to a clean shutdown. Building it
 * takes minutes, therefore in the lab; lxc.test.ts and its neighbours do the same with busybox.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTerminal } from '../lib/console-client.ts';
import { type ContainerLab, openContainerLab } from '../lib/containers.ts';
import { debianMirror, hostDebian } from '../lib/debian-packages.ts';
import { waitFor } from '../lib/wait.ts';
import { openWebProxy, type WebProxy } from '../lib/web-proxy.ts';

let lab: ContainerLab;
let proxy: WebProxy;
const password = `p'w $(x) "z"`;
const proxyPort = 3142;
const inside = (command: string) => lab.inside(100, command);

beforeAll(async () => {
  lab = await openContainerLab('deb1', {
    ...{ natBridge: true, controlGroups: true },
    env: { http_proxy: `http://127.0.0.1:${proxyPort}` },
  });
  proxy = await openWebProxy(lab.node.namespace, proxyPort);
});
afterAll(async () => {
  await lab?.close();
  await proxy?.close();
});

test('a template is built of the packages of a mirror', async () => {
  const mirror = (await debianMirror()) ?? 'http://deb.debian.org/debian';
  const words = ['template', 'build', 'debian', '--suite', hostDebian.suite, '--mirror', mirror];
  const { stdout } = await lab.node.cliWith({ timeout: 900_000 }, ...words, '--filename', 'debian.tar.zst');
  expect(stdout).toMatch(/made volume 'local:vztmpl\/debian\.tar\.zst' \(\d+/);
  await expect(lab.node.cli('template', 'build', 'debian', '--filename', 'debian.tar.zst')).rejects.toThrow(
    'already exists',
  );
}, 1_000_000);

test('a container of it boots to the end', async () => {
  await lab.create(100, {
    ...{ ostemplate: 'local:vztmpl/debian.tar.zst', rootfs: 'local:2', hostname: 'web', memory: 512 },
    ...{ net0: 'name=eth0,bridge=vmbr0,ip=dhcp,ip6=auto', searchdomain: 'lab.example' },
    ...{ nameserver: '192.0.2.53', timezone: 'Asia/Tokyo', password, features: 'nesting=1' },
    'ssh-public-keys': 'ssh-ed25519 AAAA me',
  });
  expect(await lab.config(100)).toMatchObject({ ostype: 'debian', arch: 'amd64', unprivileged: 1 });
  await lab.power(100, 'start');
  const state = () => inside('systemctl is-system-running || true').catch(() => '');
  await waitFor(async () => /running|degraded/.test(await state()), {
    timeout: 300,
    what: 'a booted system',
  });
  expect(await inside('systemctl --failed --plain --no-legend')).toBe('');
});

test('it has its names, its time zone, its keys and an address that the API shows', async () => {
  expect(await inside('hostname; hostname -f; readlink /etc/localtime; cat /etc/timezone')).toBe(
    'web\nweb.lab.example\n/usr/share/zoneinfo/Asia/Tokyo\nAsia/Tokyo',
  );
  expect(await inside('cat /etc/machine-id')).toMatch(/^[0-9a-f]{32}$/);
  expect(await inside('stat -c %u /etc/hosts /root/.ssh/authorized_keys; systemctl is-active ssh')).toBe(
    '0\n0\nactive',
  );
  const shown = () => lab.admin.get<{ name: string; inet?: string }[]>(lab.path(100, '/interfaces'));
  const address = await waitFor(async () => (await shown()).find(({ name }) => name === 'eth0')?.inet, {
    timeout: 120,
    what: 'an address of the DHCP server',
  });
  expect(await lab.node.namespace.pings(address.replace(/\/.*/, ''))).toBe(true);
});

test('apt installs a package in it', async () => {
  const gateway = await inside("ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'");
  const apt = `apt-get -o Acquire::http::Proxy=http://${gateway}:${proxyPort} -y`;
  await inside(`${apt} update && ${apt} install --no-install-recommends hello`);
  expect(await inside('hello')).toBe('Hello, world!');
});

test('a login waits on the terminals that it has, and takes the password', async () => {
  const units = 'systemctl is-active container-getty@1 container-getty@2 container-getty@3 console-getty';
  expect((await inside(`${units} || true`)).split('\n')).toEqual(['active', 'active', 'inactive', 'active']);
  const terminal = await openTerminal(lab.admin, lab.path(100));
  terminal.type('\n');
  const at = await terminal.shows(/login: /, 60);
  terminal.type('root\n');
  const asked = await terminal.shows(/Password: /, 60, at);
  terminal.type(`${password}\n`);
  const prompt = await terminal.shows(/root@web:~# /, 60, asked);
  terminal.type('echo at $(tty)\n');
  await terminal.shows(/at \/dev\/(tty\d|pts\/\d|lxc\/tty\d)/, 60, prompt);
  terminal.close();
});

test('it shuts down by itself when told to, and leaves nothing', async () => {
  await lab.power(100, 'shutdown', { timeout: 120 });
  expect((await lab.status(100)).status).toBe('stopped');
  expect(await lab.leftovers(100)).toEqual([]);
});
