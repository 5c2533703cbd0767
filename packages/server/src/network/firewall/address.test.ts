import { expect, test } from 'vitest';
import { effectiveRanges, formatRange, linkLocalAddress, parseAddress, type SetEntry } from './address.ts';

const format = (text: string): string | undefined => {
  const range = parseAddress(text);
  return range && formatRange(range);
};

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['192.0.2.77/24', '192.0.2.0/24'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['192.0.2.1-192.0.2.9', '192.0.2.1-192.0.2.9'],
  ['192.0.2.0-192.0.2.255', '192.0.2.0/24'],
  ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['::', '::'],
  ['::1', '::1'],
  ['fe80::/10', 'fe80::/10'],
  ['1::', '1::'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ['::/0', '::/0'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
])('%s is %s', (text, expected) => {
  expect(format(text)).toBe(expected);
});

test.each([
  '',
  '192.0.2',
  '192.0.2.1/33',
  '::/129',
  '192.0.2.2-192.0.2.1',
  '192.0.2.1-::1',
  'a-b',
  '1/2/3',
  ':::',
])('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

const set = (...texts: string[]): SetEntry[] =>
  texts.map((text) => {
    const range = parseAddress(text.replace('!', ''));
    if (!range) throw new Error(`bad test: ${text}`);
    return { range, nomatch: text.startsWith('!') };
  });

test.each([
  [['10.0.0.0/8', '10.1.0.0/16'], ['10.0.0.0/8']],
  [['10.0.0.0/24', '10.0.1.0/24'], ['10.0.0.0/23']],
  [['10.0.0.0/30', '!10.0.0.0'], ['10.0.0.1-10.0.0.3']],
  [
    ['!10.0.0.0/24', '10.0.0.0/8', '10.0.0.5'],
    ['10.0.0.5', '10.0.1.0-10.255.255.255'],
  ],
  [['10.0.0.1', '!10.0.0.1'], []],
  [['::1', '10.0.0.1'], ['10.0.0.1']],
])('%j holds %j', (texts, expected) => {
  expect(effectiveRanges(set(...texts), 4).map(formatRange)).toEqual(expected);
});

test('the link-local address of a card', () => {
  expect(linkLocalAddress('BC:24:11:00:00:01')).toBe('fe80::be24:11ff:fe00:1');
});
