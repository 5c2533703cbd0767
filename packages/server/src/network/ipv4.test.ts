import { expect, test } from 'vitest';
import { formatIpv4, overlap, parseIpv4, parseNetwork, size } from './ipv4.ts';

test.each(['0.0.0.0', '10.77.0.1', '192.0.2.255', '255.255.255.255'])('%s there and back', (text) => {
  expect(formatIpv4(parseIpv4(text) ?? -1)).toBe(text);
});

test.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1.2.3.x', '::1', ' 1.2.3.4'])(
  '%j is no address',
  (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  },
);

test('networks', () => {
  const network = parseNetwork('192.0.2.130/25');
  expect(network && formatIpv4(network.base)).toBe('192.0.2.128');
  expect(parseNetwork('192.0.2.1')?.prefix).toBe(32);
  expect(parseNetwork('0.0.0.0/0')?.base).toBe(0);
  expect(size(24)).toBe(256);
  for (const text of ['default', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/9', '10.0.0.0/x', 'fd00::/8']) {
    expect(parseNetwork(text), text).toBeUndefined();
  }
});

test.each([
  ['10.77.0.0/24', '10.77.0.0/23', true],
  ['10.77.0.0/24', '10.77.0.255', true],
  ['10.77.0.0/24', '10.77.1.0/24', false],
  ['10.77.1.0/24', '10.77.0.0/24', false],
  ['255.255.255.0/24', '255.255.255.255', true],
])('%s and %s overlap: %s', (first, second, expected) => {
  const [a, b] = [parseNetwork(first), parseNetwork(second)];
  if (!a || !b) throw new Error('bad test');
  expect(overlap(a, b)).toBe(expected);
  expect(overlap(b, a)).toBe(expected);
});
