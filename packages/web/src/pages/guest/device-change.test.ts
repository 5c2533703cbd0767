import { describe, expect, it } from 'vitest';
import { changeDrive, changeOf, driveString, netString } from './device-change.ts';

describe('drives', () => {
  it('keep options that the form does not show', () => {
    const text = 'local:100/vm-100-disk-0.qcow2,iops_rd=500,size=32G,ssd=1';
    expect(changeDrive('scsi0', text, { cache: 'writeback', ssd: undefined })).toBe(
      'local:100/vm-100-disk-0.qcow2,cache=writeback,iops_rd=500,size=32G',
    );
  });
  it('drop options that the bus does not know', () => {
    expect(driveString('sata0', { file: 'local:8', iothread: true, discard: 'on' })).toBe(
      'local:8,discard=on',
    );
    expect(driveString('virtio0', { file: 'local:8', iothread: true, ssd: true })).toBe('local:8,iothread=1');
  });
  it('refuse keys that are no drives', () => {
    expect(() => driveString('name', { file: 'x' })).toThrow('name is no drive');
  });
});

describe('netString', () => {
  it('writes model and address in the short form', () => {
    expect(
      netString({ model: 'virtio', macaddr: 'bc:24:11:00:00:01', bridge: 'vmbr0', firewall: true, tag: 5 }),
    ).toBe('virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,tag=5');
    expect(netString({ model: 'e1000', link_down: false })).toBe('e1000');
  });
});

describe('changeOf', () => {
  it('sends what changed and removes what was emptied', () => {
    expect(
      changeOf({ cores: '2', vcpus: '1', cpu: 'host' }, { cores: '4', vcpus: ' ', cpu: 'host', numa: '' }),
    ).toEqual({
      cores: '4',
      delete: 'vcpus',
    });
  });
  it('is nothing when nothing changed', () => {
    expect(changeOf({ cores: '2' }, { cores: ' 2 ' })).toBeUndefined();
  });
});
