import { describe, expect, it } from 'vitest';
import type { Resource } from '../api/rows.ts';
import { type TreeOptions, treeRows, typeahead } from './tree-rows.ts';

const vm = (vmid: number, node: string, name: string, tags?: string): Resource => ({
  id: `qemu/${vmid}`,
  type: 'qemu',
  vmid,
  node,
  name,
  status: 'running',
  ...(tags ? { tags } : {}),
});
const node = (name: string): Resource => ({ id: `node/${name}`, type: 'node', node: name, status: 'online' });
const resources: Resource[] = [
  vm(1000, 'b', 'web'),
  node('b'),
  node('a'),
  vm(200, 'a', 'db', 'prod;eu'),
  { id: 'storage/a/local', type: 'storage', node: 'a', storage: 'local', status: 'available' },
  vm(101, 'a', 'mail'),
];
const options = (rest: Partial<TreeOptions> = {}): TreeOptions => ({
  rootLabel: 'Datacenter',
  collapsed: new Set(),
  filter: '',
  ...rest,
});
const labels = (rest?: Partial<TreeOptions>) => treeRows(resources, options(rest)).map((row) => row.label);

describe('treeRows', () => {
  it('orders nodes by name, guests by number, storages last', () => {
    expect(labels()).toEqual(['Datacenter', 'a', '101 mail', '200 db', 'local', 'b', '1000 web']);
  });
  it('gives level, place and set size for screen readers', () => {
    const rows = treeRows(resources, options());
    expect(rows.map((row) => `${row.level}:${row.position}/${row.setSize}`)).toEqual([
      '1:1/1',
      '2:1/2',
      '3:1/3',
      '3:2/3',
      '3:3/3',
      '2:2/2',
      '3:1/1',
    ]);
  });
  it('hides what is below collapsed rows', () => {
    expect(labels({ collapsed: new Set(['node/a']) })).toEqual(['Datacenter', 'a', 'b', '1000 web']);
    expect(labels({ collapsed: new Set(['datacenter']) })).toEqual(['Datacenter']);
  });
  it('filters by name, number and tag, opens what it finds, and shows all below a node that fits', () => {
    expect(labels({ filter: 'PROD', collapsed: new Set(['node/a']) })).toEqual(['Datacenter', 'a', '200 db']);
    expect(labels({ filter: '1000' })).toEqual(['Datacenter', 'b', '1000 web']);
    expect(labels({ filter: 'nothing' })).toEqual(['Datacenter']);
    expect(labels({ filter: 'b' })).toEqual(['Datacenter', 'a', '200 db', 'b', '1000 web']);
  });
  it('stays fast with 10,000 guests', () => {
    const many = [node('a'), ...Array.from({ length: 10_000 }, (_, i) => vm(20_000 - i, 'a', `vm-${i}`))];
    // The fastest of a few: others may be using the machine.
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      expect(treeRows(many, options())).toHaveLength(10_002);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(200);
  });
});

describe('typeahead', () => {
  const rows = treeRows(resources, options());
  it('finds by number or name, goes around, and stays when there is none', () => {
    expect(rows[typeahead(rows, 0, 'd')]?.label).toBe('200 db');
    expect(rows[typeahead(rows, 0, '10')]?.label).toBe('101 mail');
    expect(rows[typeahead(rows, 6, 'm')]?.label).toBe('101 mail');
    expect(typeahead(rows, 3, 'zzz')).toBe(3);
  });
});
