import { describe, expect, it } from 'vitest';
import {
  type ContainerDraft,
  commandOf,
  createParams,
  emptyCard,
  emptyContainer,
  emptyMount,
  nextCard,
  stepOf,
} from './draft.ts';
import { problemsOf } from './problems.ts';

const key = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5${'A'.repeat(48)} me@laptop`;
const ready: ContainerDraft = {
  ...emptyContainer,
  node: 'pve1',
  vmid: '200',
  hostname: 'web-1',
  template: 'local:vztmpl/debian.tar.zst',
  rootfs: { ...emptyContainer.rootfs, storage: 'local' },
  nics: [{ ...emptyCard, bridge: 'vmbr0' }],
};

describe('createParams', () => {
  it('makes a whole container of the defaults', () => {
    expect(createParams(ready)).toEqual({
      ...{ node: 'pve1', vmid: '200', ostemplate: 'local:vztmpl/debian.tar.zst', hostname: 'web-1' },
      ...{ unprivileged: '1', features: 'nesting=1', rootfs: 'local:8' },
      ...{ cores: '1', memory: '512', swap: '512', net0: 'name=eth0,bridge=vmbr0,ip=dhcp', start: '1' },
    });
    expect(problemsOf(ready)).toEqual({});
  });
  it('writes cards, volumes and directories with all they have', () => {
    const full: ContainerDraft = {
      ...ready,
      unprivileged: false,
      nesting: false,
      rootfs: { ...ready.rootfs, acl: '1', quota: true, mountoptions: ['noatime', 'nosuid'] },
      mounts: [
        { ...emptyMount, storage: 'local', size: '2', path: '/srv', ro: true },
        { ...emptyMount, source: 'directory', directory: '/data', path: '/mnt/data', acl: '1' },
      ],
      nics: [
        {
          ...{ ...emptyCard, bridge: 'vmbr0', hwaddr: 'bc:24:11:00:00:01', tag: '20', firewall: true },
          ...{ rate: '12.5', mtu: '1400', ipMode: 'static', ip: '192.0.2.5/24', gw: '192.0.2.1' },
          ...{ ip6Mode: 'static', ip6: '2001:db8::5/64', gw6: '2001:db8::1' },
        },
        { ...emptyCard, name: 'eth1', bridge: 'vmbr1', ipMode: 'none', ip: '192.0.2.6/24', ip6Mode: 'auto' },
      ],
    };
    expect(createParams(full)).toMatchObject({
      unprivileged: '0',
      rootfs: 'local:8,acl=1,quota=1,mountoptions=noatime;nosuid',
      mp0: 'local:2,mp=/srv,backup=1,ro=1',
      mp1: '/data,mp=/mnt/data',
      net0: 'name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=192.0.2.5/24,gw=192.0.2.1,ip6=2001:db8::5/64,gw6=2001:db8::1,firewall=1,tag=20,rate=12.5,mtu=1400',
      net1: 'name=eth1,bridge=vmbr1,ip6=auto',
    });
    expect(createParams(full)).not.toHaveProperty('features');
    expect(problemsOf(full)).toEqual({});
  });
  it('asks for quotas in privileged containers only', () => {
    const rootfs = { ...ready.rootfs, quota: true };
    expect(createParams({ ...ready, rootfs }).rootfs).toBe('local:8');
    expect(createParams({ ...ready, rootfs, unprivileged: false }).rootfs).toBe('local:8,quota=1');
  });
  it('takes the keys of a file without its comments', () => {
    expect(createParams({ ...ready, sshKeys: `# mine\n\n ${key} \n` })['ssh-public-keys']).toBe(key);
  });
});

it('leaves the password out of the command', () => {
  const command = commandOf({ ...ready, password: 'secret-word', passwordAgain: 'secret-word' });
  expect(command).toMatch(/^pct create 200 local:vztmpl\/debian\.tar\.zst --hostname web-1 /);
  expect(command).not.toContain('secret-word');
});

describe('problems', () => {
  const keysOf = (part: Partial<ContainerDraft>) => Object.keys(problemsOf({ ...ready, ...part })).sort();
  it('stand at the field', () => {
    expect(keysOf({ vmid: '99', hostname: 'a b', template: '', memory: '8' })).toEqual([
      'hostname',
      'memory',
      'ostemplate',
      'vmid',
    ]);
    const nic = { ...emptyCard, bridge: 'vmbr0' };
    expect(
      keysOf({
        nics: [
          { ...nic, ipMode: 'static', ip: '192.0.2.5', gw: 'x', hwaddr: 'x', tag: '5000', ip6Mode: 'static' },
          { ...nic, bridge: '', rate: 'much' },
        ],
      }),
    ).toEqual([
      ...['net0.gw', 'net0.hwaddr', 'net0.ip', 'net0.ip6', 'net0.tag'],
      ...['net1.bridge', 'net1.name', 'net1.rate'],
    ]);
  });
  it('know volumes that cannot be', () => {
    expect(
      keysOf({
        rootfs: { ...ready.rootfs, size: '0' },
        mounts: [
          { ...emptyMount, storage: 'local', path: 'srv' },
          { ...emptyMount, storage: '', size: '', path: '/srv/../etc' },
          { ...emptyMount, source: 'directory', path: '/' },
          { ...emptyMount, storage: 'local', path: '/srv/../etc' },
        ],
      }),
    ).toEqual([
      ...['mp0.path', 'mp1.path', 'mp1.size', 'mp1.storage', 'mp2.directory', 'mp2.path', 'mp3.path'],
      'rootfs.size',
    ]);
  });
  it('know passwords that differ or are short, and lines that are no keys', () => {
    expect(keysOf({ password: 'long-enough', passwordAgain: 'long-enougg' })).toEqual(['passwordAgain']);
    expect(keysOf({ password: 'abc', passwordAgain: 'abc' })).toEqual(['password']);
    expect(keysOf({ sshKeys: `${key}\n-----BEGIN OPENSSH PRIVATE KEY-----` })).toEqual(['ssh-public-keys']);
    expect(keysOf({ sshKeys: `from="192.0.2.0/24" ${key}` })).toEqual([]);
  });
  it('know their step', () => {
    expect(
      ['ostemplate', 'mp3.path', 'cpuunits', 'swap', 'net0.ip', 'nameserver', 'passwordAgain'].map(stepOf),
    ).toEqual(['template', 'disks', 'cpu', 'memory', 'network', 'dns', 'general']);
  });
});

it('names further cards on', () => {
  expect(nextCard([{ ...emptyCard, name: 'eth1', bridge: 'vmbr3' }])).toMatchObject({
    name: 'eth2',
    bridge: 'vmbr3',
  });
});
