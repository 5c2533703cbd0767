import { expect, it } from 'vitest';
import { type ImportMetadata, planImport } from './import-plan.ts';
import { qemuCreate } from './methods/qemu.ts';
import { validate } from './validate.ts';

const windows: ImportMetadata = {
  type: 'vm',
  source: 'ova',
  'create-args': {
    name: 'dc',
    cores: 4,
    memory: 8192,
    ostype: 'win10',
    scsihw: 'megasas',
    bios: 'ovmf',
    sata0: 'none,media=cdrom',
    boot: 'order=scsi0;sata0',
  },
  disks: {
    scsi0: { volid: 'local:import/dc.ova/dc disk1.vmdk', size: 90 * 1024 ** 3 },
    scsi1: { size: 1.5 * 1024 ** 3 },
    efidisk0: 1,
    tpmstate0: 1,
  },
  net: {
    net0: { model: 'e1000e', macaddr: '00:50:56:8A:00:01', network: 'LAN' },
    net1: { model: 'vmxnet3' },
  },
  'secure-boot': 1,
  warnings: [],
};

it('makes parameters that a create call takes', () => {
  const params = planImport(windows, { vmid: 120, storage: 'local', bridge: 'vmbr0' });
  expect(params).toEqual({
    vmid: '120',
    cpu: 'x86-64-v2-AES',
    name: 'dc',
    cores: '4',
    memory: '8192',
    ostype: 'win10',
    scsihw: 'megasas',
    bios: 'ovmf',
    sata0: 'none,media=cdrom',
    boot: 'order=scsi0;sata0',
    scsi0: 'local:0,import-from=local:import/dc.ova/dc disk1.vmdk',
    scsi1: 'local:2',
    efidisk0: 'local:1,efitype=4m,pre-enrolled-keys=1',
    tpmstate0: 'local:1,version=v2.0',
    net0: 'e1000e=00:50:56:8A:00:01,bridge=vmbr0',
    net1: 'vmxnet3,bridge=vmbr0',
  });
  expect(validate(qemuCreate.params, { node: 'a', ...params }).errors).toBeUndefined();
});

it('does what was chosen for single disks and cards', () => {
  const params = planImport(windows, {
    vmid: 120,
    storage: 'local',
    format: 'qcow2',
    disks: { scsi0: { skip: true }, scsi1: { storage: 'fast', format: 'raw' } },
    nets: { net0: { bridge: '', model: 'virtio' }, net1: { skip: true } },
    newMacs: true,
    options: { name: 'other', onboot: 1 },
  });
  expect(params).toMatchObject({
    name: 'other',
    onboot: '1',
    boot: 'order=sata0',
    scsi1: 'fast:2,format=raw',
    net0: 'virtio',
  });
  expect(params).not.toHaveProperty('scsi0');
  expect(params).not.toHaveProperty('net1');
});

it('prepares for VirtIO: disks on SATA, in the boot order too', () => {
  const params = planImport(windows, { vmid: 120, storage: 'local', prepareVirtio: true });
  expect(params).toMatchObject({
    scsihw: 'virtio-scsi-single',
    boot: 'order=sata1;sata0',
    sata0: 'none,media=cdrom',
    sata1: 'local:0,import-from=local:import/dc.ova/dc disk1.vmdk',
    sata2: 'local:2',
  });
  expect(params).not.toHaveProperty('scsi0');
});
