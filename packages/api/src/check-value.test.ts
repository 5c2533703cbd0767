import { describe, expect, test } from 'vitest';
import { checkFormat, isIpv6 } from './schema/formats.ts';
import {
  formatPropertyString,
  PropertyString,
  parsePropertyString,
  readPropertyString,
} from './schema/property-string.ts';
import { Enum, Format, Type } from './schema/types.ts';
import { formatUpid, parseUpid } from './schema/upid.ts';
import { validate } from './validate.ts';

const params = Type.Object({
  flag: Type.Optional(Type.Boolean()),
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
  ratio: Type.Optional(Type.Number()),
  name: Type.Optional(Type.String({ minLength: 2, maxLength: 4, pattern: '[a-z]+' })),
  kind: Type.Optional(Enum(['a', 'b'])),
  list: Type.Optional(Format('pve-node-list')),
  many: Type.Optional(Type.Array(Type.String())),
  needs: Type.Optional(Type.String({ requires: 'name' })),
});

describe('validate', () => {
  test.each([
    [{ flag: '1' }, { flag: true }],
    [{ flag: 0 }, { flag: false }],
    [{ flag: true }, { flag: true }],
    [{ count: '7' }, { count: 7 }],
    [{ ratio: '1.5e1' }, { ratio: 15 }],
    [{ many: 'x' }, { many: ['x'] }],
    [{ list: ['a', 'b'] }, { list: 'a,b' }],
    [{ list: 'a;b c' }, { list: 'a;b c' }],
    [{ name: null, kind: undefined }, {}],
  ])('%j becomes %j', (raw, value) => expect(validate(params, raw)).toEqual({ value }));

  test.each([
    [{ flag: 'true' }, 'flag', "type check ('boolean') failed - got 'true'"],
    [{ flag: 'on' }, 'flag', "type check ('boolean') failed - got 'on'"],
    [{ count: '1.5' }, 'count', "type check ('integer') failed - got '1.5'"],
    [{ count: 0 }, 'count', 'value must have a minimum value of 1'],
    [{ count: 10 }, 'count', 'value must have a maximum value of 9'],
    [{ ratio: 'NaN' }, 'ratio', "type check ('number') failed - got 'NaN'"],
    [{ name: 'x' }, 'name', 'value must be at least 2 characters long'],
    [{ name: 'xxxxx' }, 'name', 'value may only be 4 characters long'],
    [{ name: 'a1' }, 'name', 'value does not match the regex pattern'],
    [{ name: 'ab\n' }, 'name', 'value does not match the regex pattern'],
    [{ kind: 'c' }, 'kind', "value 'c' does not have a value in the enumeration 'a, b'"],
    [{ list: 'a,-b' }, 'list', 'invalid format - value does not look like a valid node name\n'],
    [{ name: { a: 1 } }, 'name', "type check ('string') failed - got '{\"a\":1}'"],
    [{ needs: 'x' }, 'name', "missing property required by 'needs'"],
    [
      { toString: 'x' },
      'toString',
      'property is not defined in schema and the schema does not allow additional properties',
    ],
  ])('%j is refused', (raw, key, text) =>
    expect(validate(params, raw as Record<string, unknown>).errors).toEqual({ [key]: text }),
  );
});

describe('property strings', () => {
  const fields = Type.Object({
    model: Enum(['virtio', 'e1000'], { defaultKey: true }),
    macaddr: Type.Optional(Format('mac-addr')),
    virtio: Type.Optional(Type.Unsafe<never>({ type: 'string', alias: 'macaddr', keyAlias: 'model' })),
    link_down: Type.Optional(Type.Boolean()),
    queues: Type.Optional(Type.Integer({ maximum: 4 })),
    volume: Type.Optional(Type.Unsafe<never>({ type: 'string', alias: 'macaddr' })),
  });

  test.each([
    ['virtio', { model: 'virtio' }],
    ['e1000,link_down=yes,queues=2', { model: 'e1000', link_down: true, queues: 2 }],
    ['virtio=AA:BB:CC:DD:EE:F0', { model: 'virtio', macaddr: 'AA:BB:CC:DD:EE:F0' }],
    ['model=virtio,link_down=off', { model: 'virtio', link_down: false }],
  ])('%s', (text, value) => {
    expect(parsePropertyString(fields, text)).toEqual(value);
    expect(parsePropertyString(fields, formatPropertyString(fields, value as never))).toEqual(value);
  });

  test.each([
    ['queues=2', { model: 'property is missing and it is not optional' }],
    ['virtio,e1000', { model: 'duplicate key in comma-separated list property: model' }],
    [
      'virtio,nope=1',
      { nope: 'property is not defined in schema and the schema does not allow additional properties' },
    ],
    ['virtio,queues=9', { queues: 'value must have a maximum value of 4' }],
    ['virtio,link_down=2', { link_down: "type check ('boolean') failed - got '2'" }],
  ])('%s is refused', (text, errors) => expect(readPropertyString(fields, text).errors).toEqual(errors));

  test('errors inside a parameter name field and problem', () => {
    const outer = Type.Object({ net0: Type.Optional(PropertyString(fields)) });
    expect(validate(outer, { net0: 'virtio,queues=x' }).errors?.net0).toBe(
      "invalid format - format error\nqueues: type check ('integer') failed - got 'x'\n",
    );
  });
});

describe('formats', () => {
  test.each(['::', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', 'fe80::a'])(
    '%s is IPv6',
    (text) => expect(isIpv6(text)).toBe(true),
  );
  test.each(['1', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', '::1.2.3', 'g::'])(
    '%s is not',
    (text) => expect(isIpv6(text)).toBe(false),
  );
  test.each([
    ['CIDR', '10.0.0.1/24', true],
    ['CIDR', '10.0.0.1/33', false],
    ['CIDRv4', '::1/64', false],
    ['mac-addr', '01:00:00:00:00:00', false],
    ['dns-name', 'a-b.example.com', true],
    ['dns-name', '-a', false],
    ['pve-storage-id', 'local-lvm', true],
    ['pve-storage-id', '../x', false],
    ['pve-node-list', '', true],
    ['no-such-format', 'anything', true],
  ])('%s %s: %s', (format, text, good) => expect(checkFormat(format, text) === undefined).toBe(good));
});

test('UPIDs round-trip, and odd characters cannot break them', () => {
  const upid = {
    node: 'pve1',
    pid: 4711,
    pstart: 0x12345678,
    starttime: 1_700_000_000,
    type: 'imgdel',
    id: 'local:iso/a b',
    user: 'a@pve!t',
  };
  const text = formatUpid(upid);
  expect(text).toBe('UPID:pve1:00001267:12345678:6553F100:imgdel:local%3aiso/a%20b:a@pve!t:');
  expect(parseUpid(text)).toEqual({ ...upid, id: 'local%3aiso/a%20b' });
  for (const bad of [
    '',
    'UPID:x',
    'UPID:pve1:1:2:3:t:i:u@r:',
    `${text}x`,
    'UPID:../x:00000001:00000001:00000001:t::u@r:',
  ])
    expect(parseUpid(bad)).toBeUndefined();
});
