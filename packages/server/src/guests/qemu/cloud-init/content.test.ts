/** The files of cloud-init images, word by word: what existing guests hash into their instance id. */
import { createHash } from 'node:crypto';
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { describe, expect, it } from 'vitest';
import { parseResolvConf } from '../../../host/name-service.ts';
import { cloudInitContent, dumpCloudInit } from './content.ts';
import { cloudInitSettings } from './settings.ts';
import { yamlScalar } from './yaml.ts';

const node = { servers: ['192.0.2.1'], search: ['lan.example'] };
const settings = (config: QemuConfig) => cloudInitSettings(100, config, node);
const filesOf = (config: QemuConfig) => cloudInitContent(settings(config)).files;
const keys = encodeURIComponent('ssh-ed25519 AAAA me@home\n\nssh-rsa BBBB two words\n');

const web: QemuConfig = {
  name: 'web',
  ciuser: 'debian',
  cipassword: '$5$salt$hash',
  sshkeys: keys,
  searchdomain: 'example.org',
  nameserver: '198.51.100.1 198.51.100.2',
  net0: 'virtio=BC:24:11:00:00:01,bridge=vmbr0',
  net1: 'virtio=BC:24:11:00:00:02,bridge=vmbr0',
  ipconfig0: 'ip=192.0.2.5/23,gw=192.0.2.1,ip6=2001:db8::5/64,gw6=2001:db8::1',
  ipconfig1: 'ip=dhcp,ip6=auto',
};

const webUser = `#cloud-config
hostname: web
manage_etc_hosts: true
fqdn: web.example.org
user: debian
password: $5$salt$hash
ssh_authorized_keys:
  - ssh-ed25519 AAAA me@home
  - ssh-rsa BBBB two words
chpasswd:
  expire: False
users:
  - default
package_upgrade: true
`;

const webNetwork = `version: 1
config:
    - type: physical
      name: eth0
      mac_address: 'bc:24:11:00:00:01'
      subnets:
      - type: static
        address: '192.0.2.5'
        netmask: '255.255.254.0'
        gateway: '192.0.2.1'
      - type: static6
        address: '2001:db8::5/64'
        gateway: '2001:db8::1'
    - type: physical
      name: eth1
      mac_address: 'bc:24:11:00:00:02'
      subnets:
      - type: dhcp4
      - type: ipv6_slaac
    - type: nameserver
      address:
      - '198.51.100.1'
      - '198.51.100.2'
      search:
      - 'example.org'
`;

describe('nocloud', () => {
  it('has user data, network version 1 and an instance id of both', () => {
    const { label, files } = cloudInitContent(settings(web));
    expect(label).toBe('cidata');
    const id = createHash('sha1')
      .update(webUser + webNetwork)
      .digest('hex');
    expect(files).toEqual({
      'user-data': webUser,
      'network-config': webNetwork,
      'meta-data': `instance-id: ${id}\n`,
      'vendor-data': '',
    });
  });

  it("takes the node's name service and the VMID where nothing is said", () => {
    const files = filesOf({ ciuser: 'root', ciupgrade: false });
    expect(files['user-data']).toBe(
      '#cloud-config\nhostname: VM100\nmanage_etc_hosts: true\nfqdn: VM100\nuser: root\ndisable_root: False\n' +
        'chpasswd:\n  expire: False\n',
    );
    expect(files['network-config']).toBe(
      "version: 1\nconfig:\n    - type: nameserver\n      address:\n      - '192.0.2.1'\n      search:\n      - 'lan.example'\n",
    );
  });

  it('another address is another instance', () => {
    const other = { ...web, ipconfig0: 'ip=192.0.2.6/23' };
    expect(filesOf(other)['meta-data']).not.toBe(filesOf(web)['meta-data']);
  });

  it("has the caller's own files instead", () => {
    const { files } = cloudInitContent(settings(web), { user: 'mine', vendor: 'theirs' });
    expect(files).toMatchObject({
      'user-data': 'mine',
      'vendor-data': 'theirs',
      'network-config': webNetwork,
    });
    expect(() => cloudInitContent(settings(web), { user: 'x'.repeat(3 * 1024 * 1024) })).toThrow(/3 MiB/);
  });
});

describe('several cards', () => {
  const cards: QemuConfig = {
    net0: 'virtio=BC:24:11:00:00:01',
    net1: 'virtio=BC:24:11:00:00:02',
    net2: 'virtio=BC:24:11:00:00:03',
    net10: 'virtio=BC:24:11:00:00:04',
    ipconfig0: 'ip=dhcp,ip6=dhcp',
    ipconfig2: 'ip6=auto',
    ipconfig10: 'ip=192.0.2.5/25,ip6=manual',
    // Of a card that is not there.
    ipconfig7: 'ip=dhcp',
    nameserver: '192.0.2.53',
    searchdomain: 'a.example b.example',
  };

  it('have their addresses in nocloud, those without ipconfigN none', () => {
    const network = filesOf(cards)['network-config'] ?? '';
    const types = [...network.matchAll(/name: (eth\d+)|- type: (\w+4|\w+6|ipv6_slaac|manual|static)$/gm)];
    expect(types.map(([, name, type]) => name ?? type)).toEqual([
      ...['eth0', 'dhcp4', 'dhcp6', 'eth10', 'static', 'manual', 'eth2', 'ipv6_slaac'],
    ]);
    expect(network).toContain("netmask: '255.255.255.128'");
    expect(network).toContain("search:\n      - 'a.example'\n      - 'b.example'\n");
  });

  it('and in a config drive', () => {
    const network = filesOf({ ...cards, citype: 'configdrive2' })['openstack/content/0000'] ?? '';
    expect(network.match(/^(?:auto|iface) eth.*$/gm)).toEqual([
      ...['auto eth0', 'iface eth0 inet dhcp', 'iface eth0 inet6 dhcp'],
      ...['auto eth10', 'iface eth10 inet static', 'iface eth10 inet6 manual'],
      ...['auto eth2', 'iface eth2 inet6 auto'],
    ]);
    expect(network).toContain('dns_search a.example b.example');
  });
});

describe('configdrive2', () => {
  it('has interfaces(5) and a uuid', () => {
    const { label, files } = cloudInitContent(settings({ ...web, citype: 'configdrive2' }));
    const network = (mac0: string, mac1: string) => `auto lo
iface lo inet loopback

        dns_nameservers 198.51.100.1 198.51.100.2
        dns_search example.org
auto eth0
iface eth0 inet static
${mac0}        address 192.0.2.5
        netmask 255.255.254.0
        gateway 192.0.2.1
iface eth0 inet6 static
${mac0}        address 2001:db8::5
        netmask 64
        gateway 2001:db8::1
auto eth1
iface eth1 inet dhcp
${mac1}iface eth1 inet6 auto
${mac1}`;
    // The addresses are no part of the identity: Proxmox VE does not write them.
    const mac = (last: string) => `        hwaddress ether bc:24:11:00:00:${last}\n`;
    const id = createHash('sha1')
      .update(webUser + network('', ''))
      .digest('hex');
    expect(label).toBe('config-2');
    expect(files).toEqual({
      'openstack/latest/user_data': webUser,
      'openstack/content/0000': network(mac('01'), mac('02')),
      'openstack/latest/meta_data.json': `{\n     "uuid": "${id}",\n     "network_config": { "content_path": "/content/0000" }\n}\n`,
    });
  });

  it('is what Windows gets, with password and keys where cloudbase-init looks for them', () => {
    const { label, files } = cloudInitContent(settings({ ...web, ostype: 'win11', cipassword: 'se: cret' }));
    expect(label).toBe('config-2');
    expect(JSON.parse(files['openstack/latest/meta_data.json'] ?? '')).toMatchObject({
      admin_pass: 'se: cret',
      public_keys: { 'key-0': 'ssh-ed25519 AAAA me@home', 'key-1': 'ssh-rsa BBBB two words' },
    });
    expect(files['openstack/content/0000']).toMatch(/^auto eth0\n/);
    expect(files['openstack/content/0000']).toContain('dns-nameservers 198.51.100.1 198.51.100.2');
    expect(files['openstack/latest/user_data']).toContain('password: "se: cret"\n');
  });
});

it('opennebula has one script', () => {
  const { label, files } = cloudInitContent(settings({ ...web, citype: 'opennebula' }));
  expect(label).toBe('CONTEXT');
  expect(files).toEqual({
    'context.sh': `USERNAME=debian
CRYPTED_PASSWORD_BASE64=JDUkc2FsdCRoYXNo
SSH_PUBLIC_KEY="ssh-ed25519 AAAA me@home
ssh-rsa BBBB two words"
SET_HOSTNAME=web
DNS="198.51.100.1 198.51.100.2"
SEARCH_DOMAIN=example.org
ETH0_IP=192.0.2.5
ETH0_MASK=255.255.254.0
ETH0_MAC=bc:24:11:00:00:01
ETH0_GATEWAY=192.0.2.1
ETH0_IP6=2001:db8::5
ETH0_MASK6=64
ETH0_MAC6=bc:24:11:00:00:01
ETH0_GATEWAY6=2001:db8::1
ETH1_DHCP=YES
ETH1_AUTO6=YES
NETWORK=YES
`,
  });
});

it('dumps hide the password, and the instance id stays the true one', () => {
  expect(dumpCloudInit(settings(web), 'user', false)).toContain('password: **********\n');
  expect(dumpCloudInit(settings(web), 'user', true)).toBe(webUser);
  expect(dumpCloudInit(settings(web), 'network', false)).toBe(webNetwork);
  expect(dumpCloudInit(settings(web), 'meta', false)).toBe(filesOf(web)['meta-data']);
});

it('reads resolv.conf without servers that only this machine reaches', () => {
  const text = 'domain a\nnameserver 127.0.0.53\n# nameserver 9.9.9.9\nnameserver 192.0.2.53\nsearch b c\n';
  expect(parseResolvConf(text)).toEqual({ servers: ['192.0.2.53'], search: ['b', 'c'] });
});

it.each([
  ['web', 'web'],
  ['$5$salt$hash', '$5$salt$hash'],
  ['123', '"123"'],
  ['yes', '"yes"'],
  ['a: b', '"a: b"'],
  ['a #b', '"a #b"'],
  ['- x', '"- x"'],
  ['旅館', '"旅館"'],
])('writes %s as %s in YAML', (text, yaml) => expect(yamlScalar(text)).toBe(yaml));
