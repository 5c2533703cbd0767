import { describe, expect, it } from 'vitest';
import {
  contentOf,
  defaultStorageConfig,
  formatStorageConfig,
  isForNode,
  isOn,
  parseForChange,
  parseStorageConfig,
} from './storage-config.ts';

const text = `dir: local
	path /var/lib/vz
	content iso,vztmpl,backup
	prune-backups keep-last=3,keep-daily=2

# a comment
zfspool: tank
	pool rpool/data
	sparse
	nodes pve1,pve2
	something-new a b  c
`;

describe('storage.cfg', () => {
  it('reads sections, switches and properties nobody knows', () => {
    const { storages, problems } = parseStorageConfig(text);
    expect(problems).toEqual([]);
    expect(storages.map((one) => [one.type, one.storage])).toEqual([
      ['dir', 'local'],
      ['zfspool', 'tank'],
    ]);
    expect({ ...storages[1]?.properties }).toEqual({
      pool: 'rpool/data',
      sparse: '1',
      nodes: 'pve1,pve2',
      'something-new': 'a b  c',
    });
    expect(isOn(storages[1]?.properties.sparse)).toBe(true);
    expect(isForNode(storages[1]!, 'pve2')).toBe(true);
    expect(isForNode(storages[1]!, 'pve')).toBe(false);
    expect(contentOf(storages[0]!)).toEqual(['iso', 'vztmpl', 'backup']);
    expect(contentOf(storages[1]!, ['images'])).toEqual(['images']);
  });

  it('comes back the same after writing', () => {
    const once = formatStorageConfig(parseStorageConfig(text).storages);
    expect(once).toContain('\tsomething-new a b  c\n');
    expect(formatStorageConfig(parseStorageConfig(once).storages)).toBe(once);
    expect(parseStorageConfig(once)).toEqual(parseStorageConfig(text));
  });

  it('keeps the readable storages of a damaged document and refuses to rewrite it', () => {
    const damaged = `${text}\n!!garbage\n\tpath /x\n\ndir: two\n\tpath /two\n\ndir: local\n\tpath /other\n`;
    const { storages, problems } = parseStorageConfig(damaged);
    expect(storages.map((one) => one.storage)).toEqual(['local', 'tank', 'two']);
    expect(storages[0]?.properties.path).toBe('/var/lib/vz');
    expect(problems).toHaveLength(3);
    expect(problems[0]).toMatch(/line 13/);
    expect(() => parseForChange(damaged)).toThrow(/before it is repaired/);
  });

  it('is not fooled by property names of objects', () => {
    const { storages } = parseStorageConfig('dir: xx\n\tpath /x\n\tconstructor 1\n\t__proto__ 1\n');
    expect(storages[0]?.properties.path).toBe('/x');
    expect(storages[0]?.properties.hasOwnProperty).toBeUndefined();
  });

  it('gives a new node its local storage', () => {
    const { storages, problems } = parseStorageConfig(defaultStorageConfig({ storage: '/data/storage' }));
    expect(problems).toEqual([]);
    expect(storages).toHaveLength(1);
    expect(storages[0]).toMatchObject({ storage: 'local', type: 'dir' });
    expect(storages[0]?.properties.path).toBe('/data/storage');
    expect(contentOf(storages[0]!)).toHaveLength(7);
  });
});
