import { expect, test } from 'vitest';
import { isReachable, reachOptions } from './network-reach.ts';

test.each([
  ['127.0.0.1', false, false],
  ['127.255.255.254', false, false],
  ['0.0.0.0', false, false],
  ['169.254.169.254', false, false],
  ['224.0.0.1', false, false],
  ['255.255.255.255', false, false],
  ['::1', false, false],
  ['::', false, false],
  ['fe80::1', false, false],
  ['fe80::1%eth0', false, false],
  ['ff02::1', false, false],
  ['::ffff:127.0.0.1', false, false],
  ['::ffff:7f00:1', false, false],
  ['64:ff9b::a9fe:a9fe', false, false],
  ['192.168.1.10', true, false],
  ['10.1.2.3', true, false],
  ['172.31.0.1', true, false],
  ['100.64.0.1', true, false],
  ['fd00::1', true, false],
  ['::ffff:192.168.1.1', true, false],
  ['192.0.2.1', true, true],
  ['2001:db8::1', true, true],
  ['no address', false, false],
])('%s: from the network %s, public %s', (address, network, open) => {
  expect([
    isReachable(address, 'network'),
    isReachable(address, 'public'),
    isReachable(address, 'any'),
  ]).toEqual([network, open, true]);
});

/** Spellings that URLs have for 127.0.0.1. */
test.each([
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://[::1]/',
  'http://[::ffff:127.0.0.1]/',
])('%s', (text) => {
  const { hostname } = new URL(text);
  expect(() => reachOptions(hostname, 'network')).toThrow('Sys.Modify');
  expect(() => reachOptions(hostname, 'any')).not.toThrow();
});

test('a name that leads to this node is as good as its address', async () => {
  const resolve = (reach: 'any' | 'network') =>
    new Promise((done, fail) =>
      reachOptions('localhost', reach).lookup('localhost', {}, (error, address) =>
        error ? fail(error) : done(address),
      ),
    );
  await expect(resolve('network')).rejects.toThrow("'localhost' is an address");
  expect(['127.0.0.1', '::1']).toContain(await resolve('any'));
});
