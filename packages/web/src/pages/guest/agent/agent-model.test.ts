import { describe, expect, it } from 'vitest';
import {
  addressesOf,
  agentEnabled,
  cardsOf,
  fileSystemsOf,
  offers,
  systemOf,
  trimOf,
  usersOf,
} from './agent-model.ts';

describe('answers of the guest agent', () => {
  it('give addresses by card, without loopback', () => {
    expect(
      cardsOf([
        { name: 'lo', 'ip-addresses': [{ 'ip-address': '127.0.0.1', prefix: 8 }] },
        {
          name: 'ens18',
          'hardware-address': 'bc:24:11:00:00:01',
          'ip-addresses': [{ 'ip-address': '192.0.2.10', prefix: 24 }, { 'ip-address': 'fe80::1' }],
        },
        { name: 'Loopback Pseudo-Interface 1' },
        { name: 'ens19' },
      ]),
    ).toEqual([
      { name: 'ens18', mac: 'bc:24:11:00:00:01', addresses: ['192.0.2.10/24', 'fe80::1'] },
      { name: 'ens19', mac: undefined, addresses: [] },
    ]);
  });
  it('give addresses that others can use, IPv4 first', () => {
    const addresses = ['fe80::1', '2001:db8::5', '169.254.1.1', '192.0.2.10'];
    const card = {
      name: 'ens18',
      'ip-addresses': addresses.map((one) => ({ 'ip-address': one, prefix: 24 })),
    };
    expect(addressesOf([card]).map((one) => one.address)).toEqual(['192.0.2.10', '2001:db8::5']);
  });
  it('are taken as they come: nonsense gives nothing', () => {
    for (const nonsense of [undefined, null, 'x', 5, {}, [null, 'x', {}]]) {
      expect(cardsOf(nonsense)).toEqual([]);
      expect(fileSystemsOf(nonsense)).toEqual([]);
      expect(usersOf(nonsense)).toEqual([]);
      expect(systemOf(nonsense).name).toBeUndefined();
      expect(trimOf(nonsense)).toEqual({ freed: 0, failed: [] });
    }
  });
  it('sort file systems by mount point, with sizes where there are any', () => {
    expect(
      fileSystemsOf([
        { mountpoint: '/var', name: 'sda2', type: 'xfs' },
        { mountpoint: '/', name: 'sda1', type: 'ext4', 'used-bytes': 5, 'total-bytes': 10 },
      ]).map((one) => [one.mountpoint, one.used, one.total]),
    ).toEqual([
      ['/', 5, 10],
      ['/var', undefined, undefined],
    ]);
  });
  it('add up what a trim freed and name what failed', () => {
    expect(
      trimOf({
        paths: [
          { path: '/', trimmed: 10 },
          { path: '/boot', error: 'not supported' },
        ],
      }),
    ).toEqual({ freed: 10, failed: ['/boot: not supported'] });
  });
  it('say which commands may be used', () => {
    const info = {
      supported_commands: [
        { name: 'guest-fstrim', enabled: true },
        { name: 'guest-exec', enabled: false },
      ],
    };
    expect(['guest-fstrim', 'guest-exec', 'guest-ping'].map((one) => offers(info, one))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('the option agent', () => {
  it('is read in all its forms', () => {
    expect(
      ['1', 'enabled=1,fstrim_cloned_disks=1', 'on', '0', 'enabled=0', undefined].map(agentEnabled),
    ).toEqual([true, true, true, false, false, false]);
  });
});
