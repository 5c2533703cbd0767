import { expect, test } from 'vitest';
import { TerminalParser } from './term-protocol.ts';

function feed(...chunks: string[]): { data: string; sizes: number[][]; ok: boolean } {
  const parser = new TerminalParser();
  const result = { data: '', sizes: [] as number[][], ok: true };
  parser.onData = (data) => {
    result.data += data.toString('utf8');
  };
  parser.onResize = (columns, rows) => result.sizes.push([columns, rows]);
  for (const chunk of chunks) result.ok = parser.push(Buffer.from(chunk)) && result.ok;
  return result;
}

test('input, sizes and pings, in one piece and byte by byte', () => {
  const text = '0:3:ls\n1:120:40:20:4:exit';
  const wanted = { data: 'ls\nexit', sizes: [[120, 40]], ok: true };
  expect(feed(text)).toEqual(wanted);
  expect(feed(...text)).toEqual(wanted);
});

test('lengths count bytes, not characters', () => {
  expect(feed('0:6:日本')).toMatchObject({ data: '日本', ok: true });
});

test.each(['3', 'x', '0:abc:x', '0:9999999:', '1:0x:3:', '1:99999:1:'])('%j breaks the protocol', (text) => {
  expect(feed(`${text}             `).ok).toBe(false);
});

test('a size of zero changes nothing', () => {
  expect(feed('1:0:0:')).toEqual({ data: '', sizes: [], ok: true });
});
