import { expect, test } from 'vitest';
import { salvageConfigFile } from '../config-file.ts';
import { salvageDrive } from './drive-value.ts';
import { enoughRoom, failingDiskText } from './guest-warning.ts';
import { keyOfReleased } from './hotplug/follow-up.ts';
import { BlockErrors, hasRoomAgain, keyOfDevice } from './io-trouble.ts';
import { subjectOf } from './start-failure.ts';

const mib = 1024 * 1024;
const event = (data: Record<string, string | boolean>, time = Date.now()) => ({
  ...{ event: 'BLOCK_IO_ERROR', data, time },
});
const full = {
  'node-name': 'drive-scsi0',
  operation: 'write',
  action: 'stop',
  nospace: true,
  reason: 'full',
};

test('the last error of each disk is kept: one that paused until the guest goes on, others for a while', () => {
  const errors = new BlockErrors();
  errors.hear(event(full));
  errors.hear(event({ ...full, 'node-name': 'drive-virtio1-2', action: 'report', nospace: false }));
  errors.hear(event({ ...full, 'node-name': 'drive-ide2', action: 'report' }, Date.now() - 11 * 60_000));
  errors.hear(event({ 'node-name': '#block123' }));
  expect([...errors.current().keys()]).toEqual(['scsi0', 'virtio1']);
  errors.resumed();
  expect([...errors.current().keys()]).toEqual(['virtio1']);
});

test.each([
  ['scsi1', 'scsi1'],
  ['/machine/peripheral/scsi10/whatever', 'scsi10'],
  ['/machine/peripheral/virtio0/virtio-backend', 'virtio0'],
  ['/machine/unattached/device[3]', undefined],
])('the drive of the device %s', (device, key) => {
  expect(keyOfDevice(device)).toBe(key);
});

test('a guest goes on only when all that paused it is want of space, and there is some', () => {
  const disk = { key: 'scsi0', operation: 'write', reason: 'full', noSpace: true, paused: true };
  const small = (free: number) => ({ ...disk, storage: { name: 's', space: { free, total: 100 * mib } } });
  expect(hasRoomAgain([small(9 * mib)])).toBe(false);
  expect(hasRoomAgain([small(10 * mib)])).toBe(true);
  expect(hasRoomAgain([small(10 * mib), { ...small(10 * mib), noSpace: false }])).toBe(false);
  expect(hasRoomAgain([{ ...disk, storage: { name: 's' } }])).toBe(false);
  expect(hasRoomAgain([{ ...small(10 * mib), paused: false }])).toBe(false);
  expect(enoughRoom({ free: 64 * mib, total: 1e15 })).toBe(true);
  expect(enoughRoom({ free: 63 * mib, total: 1e15 })).toBe(false);
});

test('a storage that is not there is named', () => {
  const disk = { key: 'scsi0', volid: 'nas:1/a.qcow2', operation: 'read', reason: 'gone', noSpace: false };
  const text = failingDiskText({ ...disk, paused: true, storage: { name: 'nas' } });
  expect(text).toMatch(
    /^disk scsi0 \(nas:1\/a\.qcow2\): it cannot read: gone; storage 'nas' is not available\./,
  );
});

test.each([
  ['net0', 'net0'],
  ['virtioscsi3', 'scsi3'],
  ['dimm12', 'memory'],
  ['cpu2', 'vcpus'],
  ['balloon0', undefined],
])('whose change waits for the device %s', (device, key) => {
  expect(keyOfReleased(device)).toBe(key);
});

test('the drive that a line of QEMU is about', () => {
  const line =
    '-blockdev {"node-name":"drive-scsi0","file":{"filename":"/a \\"b\\".raw"}}: Failed to get "write" lock';
  expect(subjectOf(line)).toEqual({ key: 'scsi0: ', path: '/a "b".raw' });
  expect(subjectOf('out of memory')).toEqual({ key: '', path: '' });
});

test('of a drive with wrong options at least the volume is known', () => {
  const volid = 'local:100/vm-100-disk-0.qcow2';
  expect(salvageDrive('scsi0', `${volid},iops=fast,size=1G`)).toEqual({ file: volid });
  expect(salvageDrive('ide2', `file=${volid},what=1,media=cdrom`)).toMatchObject({
    file: volid,
    media: 'cdrom',
  });
  expect(salvageDrive('scsi0', 'iops=fast')).toBeUndefined();
});

test('of a damaged document all that can be read is there, and every bad line is named', () => {
  const { file, problems } = salvageConfigFile(
    'cores: 2\nnonsense\nlock: backup\ncores: 3\n[??]\nname: lost\n[PENDING]\ncores: 4\n',
  );
  expect({ ...file.properties }).toEqual({ cores: '2', lock: 'backup' });
  expect({ ...file.pending.properties }).toEqual({ cores: '4' });
  expect(problems.map(({ line }) => line)).toEqual([2, 4, 5]);
});
