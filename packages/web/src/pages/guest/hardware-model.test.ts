import { describe, expect, it } from 'vitest';
import { bootOrder, entriesOf, freeKey, volumesOf } from './config-model.ts';
import { bootList, deviceRows, driveText, machineLayout, netText } from './hardware-model.ts';

const entries = entriesOf([
  { key: 'memory', value: '2048', pending: '4096' },
  { key: 'cores', value: '2' },
  { key: 'scsi10', value: 'local:100/vm-100-disk-2.qcow2,size=8G' },
  { key: 'scsi2', value: 'local:100/vm-100-disk-0.qcow2,discard=on,size=32G' },
  { key: 'ide2', value: 'local:iso/debian.iso,media=cdrom' },
  { key: 'net0', value: 'virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1', delete: 1 },
  { key: 'net1', pending: 'e1000' },
  { key: 'name', value: 'web' },
  { key: 'virtiofs1', value: 'docs,cache=never' },
  { key: 'parallel0', value: '/dev/parport0' },
  { key: 'ivshmem', value: 'size=32' },
  { key: 'unused0', value: 'local:100/vm-100-disk-9.qcow2' },
]);

describe('deviceRows', () => {
  const rows = deviceRows(entries, machineLayout);
  it('lists built-in devices always, others as they are, options never', () => {
    expect(rows.map((row) => row.id)).toEqual([
      'memory',
      'processor',
      'bios',
      'display',
      'machine',
      'scsihw',
      'ide2',
      'scsi2',
      'scsi10',
      'net0',
      'net1',
      'parallel0',
      'virtiofs1',
      'ivshmem',
      'unused0',
    ]);
  });
  it('says what is now and what comes', () => {
    const row = (id: string) => rows.find((one) => one.id === id);
    expect([row('memory')?.now, row('memory')?.next, row('memory')?.pending]).toEqual([
      { memory: '2048' },
      { memory: '4096' },
      true,
    ]);
    expect([row('net0')?.now.net0?.slice(0, 6), row('net0')?.next]).toEqual(['virtio', {}]);
    expect([row('net1')?.now, row('net1')?.next]).toEqual([{}, { net1: 'e1000' }]);
    expect(row('processor')?.pending).toBe(false);
  });
});

describe('texts of devices', () => {
  it('put volume and size of a drive first', () => {
    expect(driveText('scsi2', 'local:100/vm-100-disk-0.qcow2,discard=on,ssd=1,size=32G')).toEqual({
      main: 'local:100/vm-100-disk-0.qcow2',
      details: ['size=32G', 'discard=on', 'ssd=on'],
    });
  });
  it('name card, address and bridge', () => {
    expect(netText('virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=5')).toEqual({
      main: 'virtio BC:24:11:00:00:01',
      details: ['tag=5'],
      bridge: 'vmbr0',
    });
  });
  it('keep what cannot be read as it is written', () => {
    expect(driveText('scsi0', 'a,b,c,d').main).toBe('a,b,c,d');
  });
});

describe('volumes and keys', () => {
  it('count disks, EFI and unused volumes, not CD-ROMs', () => {
    const config = {
      scsi0: 'local:100/a.qcow2,size=1G',
      ide2: 'local:iso/x.iso,media=cdrom',
      efidisk0: 'local:100/b.qcow2',
      unused0: 'local:100/c.qcow2',
      sata0: 'none,media=cdrom',
      digest: 'x',
    };
    expect(volumesOf(config).map((one) => one.volid)).toEqual([
      'local:100/b.qcow2',
      'local:100/a.qcow2',
      'local:100/c.qcow2',
    ]);
  });
  it('find the first free number of a family', () => {
    expect(freeKey('scsi', new Set(['scsi0', 'scsi2']))).toBe('scsi1');
    expect(freeKey('ide', new Set(['ide0', 'ide1', 'ide2', 'ide3']))).toBeUndefined();
  });
});

describe('boot order', () => {
  it('shows chosen devices in order, then the rest switched off', () => {
    expect(bootList(bootOrder('order=net0;scsi0;gone'), ['net0', 'ide2', 'scsi0', 'serial0'])).toEqual([
      { key: 'net0', on: true },
      { key: 'scsi0', on: true },
      { key: 'ide2', on: false },
    ]);
    expect(bootOrder('cdn')).toBeUndefined();
    expect(bootOrder('order=')).toEqual([]);
  });
});
