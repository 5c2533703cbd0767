import { describe, expect, test } from 'vitest';
import { type GuestConfigFile, newConfigFile, parseConfigFile } from '../config-file.ts';
import {
  applyPending,
  type ConfigChange,
  changeOf,
  droppedVolumes,
  mergeChange,
  namesAnywhere,
  pendingRows,
} from './config-change.ts';

const change = (parts: Partial<ConfigChange>): ConfigChange => ({
  set: {},
  delete: [],
  revert: [],
  force: false,
  ...parts,
});
const file = (text: string): GuestConfigFile => parseConfigFile(text, 'test.conf');
const disk = 'local:100/vm-100-disk-0.qcow2,size=1G';
const other = 'local:100/vm-100-disk-1.qcow2,size=1G';

describe('changeOf', () => {
  test('takes configuration keys as text, and the cdrom short form', () => {
    const result = changeOf({
      node: 'n',
      vmid: 100,
      cores: 2,
      onboot: true,
      cdrom: 'none',
      digest: 'x',
      delete: 'net0, net1',
      revert: 'cpu',
    });
    expect(result).toEqual({
      set: { cores: '2', onboot: '1', ide2: 'none,media=cdrom' },
      delete: ['net0', 'net1'],
      revert: ['cpu'],
      force: false,
    });
  });

  test('refuses unknown keys and setting and removing at once', () => {
    expect(() => changeOf({ delete: 'nonsense' })).toThrow("unknown setting 'nonsense'");
    expect(() => changeOf({ cores: 2, delete: 'cores' })).toThrow(/not both/);
  });
});

describe('mergeChange on a stopped guest', () => {
  test('sets and removes at once', () => {
    const result = mergeChange(
      file('cores: 1\nmemory: 512\n'),
      change({ set: { cores: '4' }, delete: ['memory'] }),
      false,
    );
    expect(result.properties).toEqual({ cores: '4' });
    expect(result.pending).toEqual({ properties: {}, delete: {} });
  });

  test('a removed disk stays as unused, unless its volume goes too', () => {
    const before = newConfigFile({ scsi0: disk });
    expect(mergeChange(before, change({ delete: ['scsi0'] }), false).properties).toEqual({
      unused0: 'local:100/vm-100-disk-0.qcow2',
    });
    expect(mergeChange(before, change({ delete: ['scsi0'], force: true }), false).properties).toEqual({});
  });

  test('a replaced disk stays as unused; new options of the same volume do not', () => {
    const before = newConfigFile({ scsi0: disk, unused0: 'local:100/vm-100-disk-9.qcow2' });
    const replaced = mergeChange(before, change({ set: { scsi0: other } }), false).properties;
    expect(replaced).toMatchObject({ scsi0: other, unused1: 'local:100/vm-100-disk-0.qcow2' });
    expect(
      mergeChange(before, change({ set: { scsi0: `${disk},discard=on` } }), false).properties,
    ).not.toHaveProperty('unused1');
  });

  test('a disk moved to another bus is not unused', () => {
    const moved = mergeChange(
      newConfigFile({ scsi0: disk }),
      change({ set: { virtio0: disk }, delete: ['scsi0'] }),
      false,
    );
    expect(moved.properties).toEqual({ virtio0: disk });
    expect(droppedVolumes({ scsi0: disk }, moved.properties)).toEqual([]);
  });

  test('an unused disk that is attached is no longer unused: removing that entry would remove the disk', () => {
    const unused = newConfigFile({ unused0: 'local:100/vm-100-disk-0.qcow2' });
    expect(mergeChange(unused, change({ set: { scsi1: disk } }), false).properties).toEqual({ scsi1: disk });
    const waiting = mergeChange(unused, change({ set: { scsi1: disk } }), true);
    expect(applyPending(waiting).properties).toEqual({ scsi1: disk });
    const volid = 'local:100/vm-100-disk-0.qcow2';
    expect(namesAnywhere(mergeChange(waiting, change({ delete: ['unused0'] }), true), volid)).toBe(true);
  });

  test('CD-ROM drives leave nothing behind', () => {
    expect(
      mergeChange(newConfigFile({ ide2: 'local:iso/a.iso,media=cdrom' }), change({ delete: ['ide2'] }), false)
        .properties,
    ).toEqual({});
  });
});

describe('mergeChange on a running guest', () => {
  const before = newConfigFile({ cores: '1', name: 'a', scsi0: disk });

  test('hardware waits, names hold at once', () => {
    const after = mergeChange(before, change({ set: { cores: '4', name: 'b' }, delete: ['scsi0'] }), true);
    expect(after.properties).toEqual({ cores: '1', name: 'b', scsi0: disk });
    expect(after.pending).toEqual({ properties: { cores: '4' }, delete: { scsi0: { force: false } } });
    expect(pendingRows({ file: after, digest: 'abc' })).toEqual([
      { key: 'cores', value: '1', pending: '4' },
      { key: 'name', value: 'b' },
      { key: 'scsi0', value: disk, delete: 1 },
      { key: 'digest', value: 'abc' },
    ]);
    expect(applyPending(after).properties).toEqual({
      cores: '4',
      name: 'b',
      unused0: 'local:100/vm-100-disk-0.qcow2',
    });
  });

  test('revert, and setting back to the present value, drop what waits', () => {
    const waiting = mergeChange(before, change({ set: { cores: '4' }, delete: ['scsi0'] }), true);
    expect(mergeChange(waiting, change({ revert: ['cores', 'scsi0'] }), true).pending).toEqual({
      properties: {},
      delete: {},
    });
    expect(mergeChange(waiting, change({ set: { cores: '1' } }), true).pending.properties).toEqual({});
  });
});

describe('a new disk that waits for the next start', () => {
  const waiting = mergeChange(newConfigFile({ cores: '1' }), change({ set: { scsi1: disk } }), true);

  test.each([
    ['reverted', change({ revert: ['scsi1'] })],
    ['removed', change({ delete: ['scsi1'] })],
    ['replaced', change({ set: { scsi1: other } })],
  ])('stays as unused when it is %s', (_what, next) => {
    expect(mergeChange(waiting, next, true).properties.unused0).toBe('local:100/vm-100-disk-0.qcow2');
  });

  test('is the same one when only its options change', () => {
    const after = mergeChange(waiting, change({ set: { scsi1: `${disk},discard=on` } }), true);
    expect(after.properties).toEqual({ cores: '1' });
  });
});

test('droppedVolumes names what no key holds any more', () => {
  expect(
    droppedVolumes(
      { scsi0: disk, scsi1: other, ide2: 'local:iso/a.iso,media=cdrom' },
      { unused0: 'local:100/vm-100-disk-1.qcow2' },
    ),
  ).toEqual(['local:100/vm-100-disk-0.qcow2']);
});
