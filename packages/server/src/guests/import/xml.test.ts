import { describe, expect, it } from 'vitest';
import { child, childText, parseXml } from './xml.ts';

describe('parseXml', () => {
  it('reads elements, attributes, text, CDATA, comments and character references', () => {
    const root = parseXml(
      `\ufeff<?xml version="1.0"?><!-- <x> --><a:root xmlns:a="u" a:id="1" note='&quot;&#x41;&#66;'>
        <b>one &amp; <![CDATA[<two>]]> &lt;</b><c/>
      </a:root>`,
    );
    expect(root.name).toBe('root');
    expect([...root.attributes]).toEqual([
      ['id', '1'],
      ['note', '"AB'],
    ]);
    expect(childText(root, 'b')).toBe('one & <two> <');
    expect(child(root, 'c')?.children).toEqual([]);
  });

  it.each([
    [
      'external entities',
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/shadow">]><a>&x;</a>',
      /document type/,
    ],
    ['nested entities', '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>', /document type/],
    ['an unknown entity', '<a>&x;</a>', /undefined entity/],
    ['a reference to no character', '<a>&#0;</a>', /malformed character/],
    ['a bare ampersand', '<a>a & b</a>', /unclosed tag/],
    ['no end', '<a><b></a>', /unexpected close tag/],
    ['a missing end', '<a>\n<b>', /line 2: unclosed tag: b/],
    ['two documents', '<a/><b/>', /only one root/],
    ['text outside', 'x<a/>', /outside/],
    ['a cut comment', '<a><!-- ', /unclosed tag/],
    ['binary', '\u0000<a/>', /disallowed character/],
    ['nothing', '', /root element/],
    ['an attribute without quotes', '<a b=c/>', /unquoted attribute/],
    ['depth', '<a>'.repeat(200), /too many elements/],
    ['number', `<a>${'<b/>'.repeat(30_000)}</a>`, /too many elements/],
    ['length', `<a>${' '.repeat(2 ** 20)}</a>`, /too long/],
    [
      'attributes',
      `<a ${Array.from({ length: 200 }, (_, i) => `b${i}="1"`).join(' ')}/>`,
      /too many attributes/,
    ],
  ])('refuses %s', (_what, text, problem) => {
    expect(() => parseXml(text)).toThrow(problem);
  });

  it('is not slowed down by hostile text', () => {
    const before = performance.now();
    for (const text of [
      `<a ${'b="" '.repeat(50_000)}`,
      `<a>${'&'.repeat(500_000)}</a>`,
      `<${'a'.repeat(900_000)}`,
    ]) {
      expect(() => parseXml(text)).toThrow();
    }
    expect(performance.now() - before).toBeLessThan(20_000);
  });
});
