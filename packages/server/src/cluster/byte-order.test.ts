import { expect, test } from 'vitest';
import { afterPrefix, compareBytes } from './byte-order.ts';

/** Texts at the edges of UTF-8's and UTF-16's lengths, alone and together. */
const edges = [
  '',
  '\u0001',
  'a',
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
];
const texts = edges.flatMap((a) => edges.map((b) => a + b));

function bytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

test('texts compare as their UTF-8 bytes do', () => {
  for (const a of texts) {
    for (const b of texts) expect(Math.sign(compareBytes(a, b)), JSON.stringify([a, b])).toBe(bytes(a, b));
  }
});

test('the texts from a prefix up to afterPrefix are just those that start with it', () => {
  for (const prefix of texts) {
    const end = afterPrefix(prefix);
    for (const text of texts) {
      const inside = bytes(text, prefix) >= 0 && (end === undefined || bytes(text, end) < 0);
      expect(inside, JSON.stringify([prefix, text])).toBe(text.startsWith(prefix));
    }
  }
});
