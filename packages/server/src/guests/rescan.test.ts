import { expect, test } from 'vitest';
import type { Volume } from '../storage/manager.ts';
import { newConfigFile } from './config-file.ts';
import { lxcKind } from './lxc/kind.ts';
import { qemuKind } from './qemu/kind.ts';
import { rescanned } from './rescan.ts';

const gib = 1024 ** 3;
const volume = (name: string, size = gib): Volume => ({
  volid: `local:${name}`,
  name,
  content: 'images',
  format: 'qcow2',
  size,
  used: 0,
  vmid: 100,
});

test('sizes become those of the volumes, other options stay', () => {
  const file = newConfigFile({ scsi0: 'local:100/vm-100-disk-0.qcow2,discard=on,size=1G', name: 'a' });
  const found = rescanned(qemuKind, file, [volume('100/vm-100-disk-0.qcow2', 3 * gib)]);
  expect(found.file.properties).toEqual({
    scsi0: 'local:100/vm-100-disk-0.qcow2,discard=on,size=3G',
    name: 'a',
  });
  expect(found.changes).toEqual(["'scsi0' has 3G"]);
});

test('forgotten disks become unused; what a snapshot, a change to come or the node itself needs does not', () => {
  const file = {
    ...newConfigFile({
      unused0: 'local:100/vm-100-disk-9.qcow2',
      ide2: 'local:100/vm-100-cloudinit.qcow2,media=cdrom',
    }),
    snapshots: { one: { scsi0: 'local:100/vm-100-disk-1.qcow2' } },
    pending: { properties: { scsi2: 'local:100/vm-100-disk-2.qcow2' }, delete: {} },
  };
  const names = ['disk-9', 'disk-1', 'disk-2', 'disk-3', 'cloudinit', 'state-one'];
  const { properties } = rescanned(
    qemuKind,
    file,
    names.map((name) => volume(`100/vm-100-${name}.qcow2`)),
  ).file;
  expect(properties).toEqual({ ...file.properties, unused1: 'local:100/vm-100-disk-3.qcow2' });
});

test('an unused disk that is in use again is unused no more', () => {
  const volid = 'local:100/vm-100-disk-0.qcow2';
  const found = rescanned(qemuKind, newConfigFile({ scsi0: `${volid},size=1G`, unused3: volid }), [
    volume('100/vm-100-disk-0.qcow2'),
  ]);
  expect(found.file.properties).toEqual({ scsi0: `${volid},size=1G` });
});

test('nothing to do changes nothing', () => {
  const file = newConfigFile({ scsi0: 'local:100/vm-100-disk-0.qcow2,size=1G' });
  const found = rescanned(qemuKind, file, [volume('100/vm-100-disk-0.qcow2')]);
  expect(found).toEqual({ file, changes: [] });
});

test('volumes of a container: sizes, forgotten ones, directories of the node are left alone', () => {
  const file = newConfigFile({
    rootfs: 'local:100/vm-100-disk-0.raw,size=1G',
    mp0: '/srv,mp=/srv',
    mp1: 'pool:100/subvol-100-disk-0.subvol,mp=/data,backup=1,size=2G',
  });
  const found = rescanned(lxcKind, file, [
    volume('100/vm-100-disk-0.raw', 3 * gib),
    volume('100/vm-100-disk-1.raw'),
    { ...volume('100/subvol-100-disk-0.subvol', 0), volid: 'pool:100/subvol-100-disk-0.subvol' },
  ]);
  expect(found.file.properties).toEqual({
    rootfs: 'local:100/vm-100-disk-0.raw,size=3G',
    mp0: '/srv,mp=/srv',
    mp1: 'pool:100/subvol-100-disk-0.subvol,backup=1,mp=/data,size=0',
    unused0: 'local:100/vm-100-disk-1.raw',
  });
});
