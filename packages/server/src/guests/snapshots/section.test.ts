import { expect, it } from 'vitest';
import { parseConfigFile, serializeConfigFile } from '../config-file.ts';
import {
  demandFreeName,
  rolledBack,
  snapshotRows,
  withFinished,
  withoutSnapshot,
  withPrepared,
} from './section.ts';

const text = `#my guest
cores: 2
lock: backup
memory: 64
scsi0: local:100/vm-100-disk-0.qcow2,size=1G
unused0: local:100/vm-100-disk-1.qcow2
vmgenid: 11111111-1111-1111-1111-111111111111
`;
const base = parseConfigFile(text.replace('lock: backup\n', ''), 'x');
const take = (file: typeof base, name: string) =>
  withFinished(withPrepared(file, { name, description: `of ${name}`, time: 1_700_000_000 }), name);

it('writes the sections that Proxmox VE writes', () => {
  const prepared = withPrepared(base, { name: 'one', description: 'a\nb', time: 5 });
  expect(serializeConfigFile(prepared)).toBe(`#my guest
cores: 2
lock: snapshot
memory: 64
scsi0: local:100/vm-100-disk-0.qcow2,size=1G
unused0: local:100/vm-100-disk-1.qcow2
vmgenid: 11111111-1111-1111-1111-111111111111

[one]
#a
#b
cores: 2
memory: 64
scsi0: local:100/vm-100-disk-0.qcow2,size=1G
snapstate: prepare
snaptime: 5
vmgenid: 11111111-1111-1111-1111-111111111111
`);
  const second = take(withFinished(prepared, 'one'), 'two');
  expect(second.properties).toMatchObject({ parent: 'two' });
  expect(second.properties.lock).toBeUndefined();
  expect(second.snapshots.two).toMatchObject({ parent: 'one' });
  expect(second.snapshots.one?.snapstate).toBeUndefined();
});

it('gives children to the grandparent', () => {
  const three = take(take(take(base, 'one'), 'two'), 'three');
  const left = withoutSnapshot(three, 'two');
  expect(left.snapshots.three?.parent).toBe('one');
  expect(withoutSnapshot(left, 'three').properties.parent).toBe('one');
  const rootless = withoutSnapshot(left, 'one');
  expect(rootless.snapshots.three?.parent).toBeUndefined();
  expect(withoutSnapshot(rootless, 'three').properties.parent).toBeUndefined();
});

it('goes back with the notes of now and another generation id', () => {
  const changed = { ...take(base, 'one') };
  const now = { ...changed, properties: { ...changed.properties, cores: '8', description: 'new notes' } };
  const back = rolledBack(now, 'one', 'fresh').properties;
  expect(back).toMatchObject({ cores: '2', description: 'new notes', parent: 'one', vmgenid: 'fresh' });
  expect([back.snaptime, back.unused0, back.lock]).toEqual([undefined, undefined, undefined]);
});

it('lists the current state last', () => {
  expect(snapshotRows(take(base, 'one'), { running: true, digest: 'd' })).toEqual([
    { name: 'one', description: 'of one', snaptime: 1_700_000_000, vmstate: 0 },
    { name: 'current', description: 'You are here!', parent: 'one', running: 1, digest: 'd' },
  ]);
});

it('refuses names that are taken, reserved or none', () => {
  const file = take(base, 'one');
  expect(() => demandFreeName(file, 'one')).toThrow(/already used/);
  expect(() => demandFreeName(file, 'Current')).toThrow(/reserved/);
  for (const bad of ['x', '1a', 'a b', 'a'.repeat(41)])
    expect(() => demandFreeName(file, bad), bad).toThrow();
  demandFreeName(file, 'two');
});
