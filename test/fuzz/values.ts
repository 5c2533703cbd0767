/** Values for parameters: such as a client would give, at the border of what is allowed, of wrong types, hostile, huge. */
import type { TSchema } from '../../packages/api/src/schema/types.ts';
import type { Random } from './random.ts';

export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** What the values of one run have to do with the node that they are for. */
export interface Surroundings {
  readonly node: string;
  /** A folder inside the node's data for parameters that are paths of the host. */
  readonly folder: string;
  /** Part of every hostile text that could become a file name, so that such files are found anywhere. */
  readonly mark: string;
}

/** Values that exist on the node, by the name of the parameter: only with them a call gets further than the first check. */
function known(name: string, around: Surroundings): readonly Value[] | undefined {
  const lists: Readonly<Record<string, readonly Value[]>> = {
    node: [around.node],
    target: [around.node],
    vmid: [100, 101, 102, '103', 999_999_999],
    newid: [104, 105, 'auto'],
    storage: ['local', 'fuzz1'],
    targetstorage: ['local'],
    userid: ['victim@pve', 'other@pve', 'new@pve'],
    username: ['victim@pve'],
    users: ['victim@pve', 'victim@pve,other@pve'],
    tokenid: ['t1', 't2'],
    groupid: ['g1', 'g2'],
    group: ['g1', 'web'],
    groups: ['g1', 'g1,g2'],
    roleid: ['PVEAuditor', 'r1'],
    roles: ['PVEAuditor', 'r1,NoAccess'],
    realm: ['pve', 'pam', 'r1'],
    poolid: ['p1', 'p1/p2'],
    snapname: ['s1', 's2', 'current'],
    volume: ['iso/a.iso', 'local:iso/a.iso', 'local:100/vm-100-disk-0.qcow2', 'snippets/a.yaml'],
    disk: ['scsi0', 'scsi1', 'ide2', 'unused0', 'rootfs'],
    scsi0: ['local:1', 'local:100/vm-100-disk-0.qcow2', 'none,media=cdrom'],
    net0: ['virtio', 'virtio,bridge=vmbr0', 'e1000,bridge=vmbr0,firewall=1'],
    bridge: ['vmbr0'],
    pos: [0, 1, 99],
    path: [around.folder, '/vms/100', '/'],
    url: ['http://127.0.0.1:9/a.iso', 'https://127.0.0.1:9/a.iso'],
    server: ['127.0.0.1'],
    server1: ['127.0.0.1'],
    server2: ['127.0.0.1'],
    portal: ['127.0.0.1'],
    monhost: ['127.0.0.1'],
    'issuer-url': ['http://127.0.0.1:9/'],
    reference: ['127.0.0.1:9/image:tag'],
    content: ['iso', 'images', 'snippets,import'],
    filename: [`${around.mark}.iso`, 'a.iso'],
    name: ['web', 's1', 'a-b'],
    command: ['info status', 'ping'],
    memory: [16, '32'],
    cidr: ['192.0.2.0/24', '2001:db8::/32', '192.0.2.1'],
    privs: ['VM.Audit', 'VM.Audit,Sys.Audit'],
    upid: [`UPID:${around.node}:00000001:00000001:00000001:qmstart:100:root@pam:`],
    delete: ['description', 'name,tags'],
    password: ['a-password-1'],
  };
  return Object.hasOwn(lists, name) ? lists[name] : undefined;
}

/** Parameters that name a place on the host or the network: a hostile value there is a legal wish of an administrator. */
const places = new Set([
  'path',
  'url',
  'server',
  'server1',
  'server2',
  'portal',
  'monhost',
  'export',
  'share',
  'issuer-url',
  'reference',
  'mountpoint',
  'vgname',
  'pool',
  'thinpool',
  'target',
  'capath',
  'cert',
  'certkey',
  'key',
  'nodes',
  'preallocation',
]);

/** Of these no value is made up: they would lock the test out or stop the machine. */
export const kept: Readonly<Record<string, (value: Value) => boolean>> = {
  userid: (value) => !/admin@|root@/.test(JSON.stringify(value)),
  users: (value) => !/admin@|root@/.test(JSON.stringify(value)),
};

export function valueFor(random: Random, name: string, schema: TSchema, around: Surroundings): Value {
  const kind = random.next();
  const value =
    kind < 0.55 || places.has(name)
      ? valid(random, name, schema, around)
      : kind < 0.7
        ? border(random, schema)
        : kind < 0.82
          ? wrongType(random)
          : kind < 0.98
            ? hostile(random, around)
            : huge(random);
  return kept[name]?.(value) === false ? 'victim@pve' : value;
}

function valid(random: Random, name: string, schema: TSchema, around: Surroundings): Value {
  const values = known(name, around);
  if (values) return random.pick(values);
  const base = name.replace(/\d+$/, '0');
  const family = base === name ? undefined : known(base, around);
  if (family) return random.pick(family);
  if (schema.enum) return random.pick(schema.enum as string[]);
  switch (schema.type) {
    case 'boolean':
      return random.pick([0, 1, '0', '1', true, false]);
    case 'integer':
    case 'number': {
      const low = Number(schema.minimum ?? 0);
      const high = Math.min(Number(schema.maximum ?? low + 1000), low + 1000);
      return low + random.below(high - low + 1);
    }
    case 'array':
      return [valid(random, `${name}[]`, schema.items as TSchema, around)];
    default:
      return schema.default !== undefined
        ? String(schema.default)
        : random.pick(['a', 'x1', 'abc', '1', 'a=b', 'on']);
  }
}

function border(random: Random, schema: TSchema): Value {
  if (schema.type === 'integer' || schema.type === 'number') {
    const low = Number(schema.minimum ?? 0);
    const high = Number(schema.maximum ?? 2 ** 31);
    return random.pick([
      low,
      low - 1,
      high,
      high + 1,
      -0,
      0.5,
      '1e3',
      '+5',
      ' 5',
      '0x10',
      2 ** 53,
      -(2 ** 63),
    ]);
  }
  const longest = Number(schema.maxLength ?? 256);
  return random.pick([
    '',
    ' ',
    '\t',
    'x'.repeat(longest),
    'x'.repeat(longest + 1),
    ',',
    ';',
    '=',
    ',,a',
    '-',
    '.',
    '..',
  ]);
}

function wrongType(random: Random): Value {
  return random.pick<Value>([
    [],
    {},
    [[]],
    [null],
    [1, 2],
    { a: 1 },
    { toString: 'x' },
    { length: -1 },
    null,
    true,
    -1,
    1.5,
    'NaN',
    'null',
    'undefined',
    '[object Object]',
    ['a', 'a'],
    { __proto__: null, constructor: 'x' },
  ]);
}

function hostile(random: Random, { mark }: Surroundings): Value {
  return random.pick<Value>([
    `../../../../tmp/${mark}`,
    `/tmp/${mark}`,
    `..%2f..%2f${mark}`,
    `....//${mark}`,
    `a/../../${mark}`,
    `${mark}\0.iso`,
    `x\n${mark}: 1`,
    `x\r\n[PENDING]\n${mark}: 2`,
    `x\n[snapshot]\n`,
    `$(touch /tmp/${mark})`,
    `\`touch /tmp/${mark}\``,
    `; touch /tmp/${mark}`,
    `| touch /tmp/${mark}`,
    `-o/tmp/${mark}`,
    `--output=/tmp/${mark}`,
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'toString',
    `'; DROP TABLE documents; --${mark}`,
    `"${mark}`,
    `%s%n%x`,
    '\u202e\u0000\ufeff',
    '\ud800',
    'é'.repeat(100),
    '😀',
    '{{7*7}}',
    '<script>alert(1)</script>',
    '%00',
    '%',
    '%zz',
    '\\',
    '\\\\?\\C:',
    'file:///etc/passwd',
    `local:../../${mark}`,
    `local:iso/../../../${mark}.iso`,
    `local:100/../${mark}`,
    'a:b:c:d',
    '@',
    '!',
    '@pve',
    'x@',
    'a@b!c',
    '0',
    '-0',
    '00',
    '1'.repeat(40),
    `(a+)+$${'a'.repeat(40)}!`,
    ' a',
    'a ',
    '#x',
    'x#y',
    `${'9'.repeat(400)}`,
    'json:{"driver":"file","filename":"/etc/passwd"}',
    'nbd:127.0.0.1:9',
    'fd:3',
  ]);
}

function huge(random: Random): Value {
  const size = random.pick([5_000, 70_000, 200_000]);
  return random.pick<Value>([
    'a'.repeat(size),
    '/'.repeat(size),
    'a,'.repeat(size / 2),
    '=,'.repeat(size / 2),
    '\n'.repeat(size),
    '日'.repeat(size / 3),
    Array.from({ length: size / 10 }, () => 'x'),
    '0'.repeat(size),
    `a${' '.repeat(size)}b`,
    'a-'.repeat(size / 2),
  ]);
}
