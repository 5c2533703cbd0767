import { describe, expect, it } from 'vitest';
import { bytes, cell, duration, outputOptions, resultText, timestamp } from './render.ts';
import { table } from './table.ts';
import { chunks, printable, textWidth, wrap } from './width.ts';

const style = { border: true, header: true, unicode: true };
const plain = { ...style, border: false };
const options = (given = {}, border = true) =>
  outputOptions(given, { unicode: true, columns: undefined }, border);

describe('widths', () => {
  it('counts wide characters twice and combining ones not at all', () => {
    expect(textWidth('旅館')).toBe(4);
    expect(textWidth('ｶﾅ')).toBe(2);
    expect(textWidth('ＡＢ')).toBe(4);
    expect(textWidth('한글')).toBe(4);
    expect(textWidth('e\u0301')).toBe(1);
    expect(textWidth('😀')).toBe(2);
    expect(textWidth('Grüße')).toBe(5);
  });

  it('cuts and wraps by columns', () => {
    expect(chunks('旅館管理', 5)).toEqual(['旅館', '管理']);
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('a\n\nb', 7)).toEqual(['a', '', 'b']);
    expect(wrap('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
  });

  it('lets no escape sequence through', () => {
    expect(printable('a\x1b[2Jb\u009bc\rd\te\n')).toBe('a^[[2Jb\ufffdc^Md\te\n');
  });
});

describe('tables', () => {
  it('aligns East Asian names', () => {
    const text = table(
      [{ title: 'name' }, { title: 'n', align: 'right' }],
      [
        ['旅館', '1'],
        ['web', '20'],
      ],
      style,
    );
    expect(text).toBe(
      [
        '┌──────┬────┐',
        '│ name │  n │',
        '╞══════╪════╡',
        '│ 旅館 │  1 │',
        '├──────┼────┤',
        '│ web  │ 20 │',
        '└──────┴────┘',
        '',
      ].join('\n'),
    );
  });

  it('draws with ASCII where the locale has nothing else, and without a header when asked', () => {
    const text = table([{ title: 'a' }], [['x']], { ...style, unicode: false, header: false });
    expect(text).toBe('+---+\n| x |\n+---+\n');
  });

  it('sets plain columns apart by blanks and leaves none at the end', () => {
    const text = table(
      [{ title: 'ID' }, { title: 'NAME' }],
      [
        ['1', 'a'],
        ['100', ''],
      ],
      plain,
    );
    expect(text).toBe('ID   NAME\n1    a\n100\n');
  });

  it('wraps the widest column to the terminal', () => {
    const text = table([{ title: 'a' }, { title: 'b' }], [['x'.repeat(30), 'y']], { ...style, width: 24 });
    expect(Math.max(...text.split('\n').map(textWidth))).toBe(24);
    expect(text.match(/x/g)).toHaveLength(30);
  });
});

describe('values', () => {
  it('writes sizes, times and shares for people', () => {
    expect(bytes(1536)).toBe('1.50 KiB');
    expect(bytes(17)).toBe('17 B');
    expect(bytes(2 ** 40)).toBe('1.00 TiB');
    expect(duration(0)).toBe('0s');
    expect(duration(3600)).toBe('1h 0m 0s');
    expect(duration(90061)).toBe('1d 1h 1m 1s');
    expect(timestamp(new Date(2026, 0, 31, 9, 5, 0).getTime() / 1000)).toBe('2026-01-31 09:05:00');
    expect(cell(0.256, { name: 'cpu' }, true)).toBe('25.60%');
    expect(cell(1024, { name: 'x', renderer: 'bytes' }, true)).toBe('1.00 KiB');
    expect(cell(1024, { name: 'x', renderer: 'bytes' }, false)).toBe('1024');
    expect(cell({ a: [1] }, undefined, true)).toBe('{"a":[1]}');
    expect(cell(null, undefined, true)).toBe('');
  });
});

describe('results', () => {
  const shape = { kind: 'list', fields: [{ name: 'b' }, { name: 'a' }, { name: 'unused' }] } as const;

  it('shows declared columns that occur, then others', () => {
    const text = resultText([{ a: 1, z: 2 }, { b: 'x' }], shape, undefined, options({ noborder: '1' }));
    expect(text).toBe('b  a  z\n   1  2\nx\n');
  });

  it('shows an object as lines or as a table', () => {
    const object = { kind: 'object' } as const;
    expect(resultText({ b: 'x\ny', a: 1 }, object, undefined, options({}, false))).toBe('a: 1\nb: x%0Ay\n');
    expect(resultText({ a: 1 }, object, undefined, options())).toContain('│ a   │ 1     │');
  });

  it('shows nothing for nothing', () => {
    expect(resultText(null, { kind: 'none' }, undefined, options())).toBe('');
    expect(resultText([], shape, undefined, options())).toBe('');
  });

  it('refuses formats it does not have', () => {
    expect(() => options({ 'output-format': 'xml' })).toThrow('must be one of text, json, json-pretty, yaml');
    expect(() => options({ limit: 'x' })).toThrow('--limit');
  });
});
