import { expect, test } from 'vitest';
import { reasonPhrase } from './reply.ts';
import { cookieValue, mergeParams, parseBody, parseForm, parseUrl } from './request.ts';

test.each([
  ['/api2/json/version', 'json', ['version']],
  ['/api2/json//nodes///pve1/', 'json', ['nodes', 'pve1']],
  [
    '/api2/extjs/nodes/pve1/storage/local/content/local%3Aiso%2Fa.iso',
    'extjs',
    ['nodes', 'pve1', 'storage', 'local', 'content', 'local:iso', 'a.iso'],
  ],
  ['/api2/json/a+b', 'json', ['a+b']],
])('path of %s', (url, format, fragments) => {
  expect(parseUrl(url)).toMatchObject({ format, fragments });
});

test.each(['/', '/api2', '/api3/json/x', '/api2/json/%ff', '/index.html'])('%s is no API path', (url) => {
  expect(parseUrl(url)).toBeUndefined();
});

test('forms: both separators, plus and percent, repeated and empty keys', () => {
  expect({ ...parseForm('a=1&b=2;c=x+y%2Bz&d&a=3&e=%E6%97%A5') }).toEqual({
    a: ['1', '3'],
    b: '2',
    c: 'x y+z',
    d: '',
    e: '日',
  });
  expect(() => parseForm('a=%ff')).toThrow(/not valid UTF-8/);
  expect(Object.entries(parseForm('__proto__=x'))).toEqual([['__proto__', 'x']]);
});

test('bodies by content type', () => {
  expect(parseBody('application/json; charset=utf-8', Buffer.from('{"a":[1]}'))).toEqual({ a: [1] });
  expect(() => parseBody('application/json', Buffer.from('[1]'))).toThrow('must be a JSON object');
  expect(() => parseBody('text/plain', Buffer.from('x'))).toThrow(/unsupported content type/);
  expect(parseBody(undefined, Buffer.alloc(0))).toEqual({});
});

test('query wins over body, path over both, contradiction is refused', () => {
  expect(mergeParams({ a: 'body', n: 'pve1' }, { a: 'query', _dc: '1' }, { n: 'pve1' })).toEqual({
    a: 'query',
    n: 'pve1',
  });
  expect(() => mergeParams({ n: 'other' }, {}, { n: 'pve1' })).toThrow('Parameter verification failed.');
});

test('cookies arrive raw or percent-encoded, and + stays', () => {
  expect(cookieValue('a=1; PVEAuthCookie=PVE:u@pve:AB::x+/=; b=2', 'PVEAuthCookie')).toBe(
    'PVE:u@pve:AB::x+/=',
  );
  expect(cookieValue('PVEAuthCookie=PVE%3Au%40pve%3AAB%3A%3Ax%2B%2F%3D', 'PVEAuthCookie')).toBe(
    'PVE:u@pve:AB::x+/=',
  );
  expect(cookieValue('XPVEAuthCookie=1', 'PVEAuthCookie')).toBeUndefined();
});

test('reasons are one line of ASCII', () => {
  expect(reasonPhrase('\nfirst 日\r\nX-Injected: 1')).toBe('first ??');
  expect(reasonPhrase('x'.repeat(2000))).toHaveLength(512);
});
