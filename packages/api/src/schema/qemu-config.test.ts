import { describe, expect, it } from 'vitest';
import { validate } from '../validate.ts';
import { formatPropertyString, parsePropertyString } from './property-string.ts';
import {
  driveAddress,
  type QemuConfig,
  qemuConfigFields,
  qemuCreateFields,
  qemuDriveKeys,
  qemuNetKeys,
  qemuUpdateFields,
} from './qemu-config.ts';
import { scsiDriveFields } from './qemu-drive.ts';
import { qemuNetFields } from './qemu-net.ts';
import { Type } from './types.ts';

const schema = Type.Object({ ...qemuCreateFields, ...qemuConfigFields });
const errorsOf = (params: Record<string, unknown>) => validate(schema, params).errors ?? {};

it('accepts what clients send for a typical guest, and types it', () => {
  const params = {
    name: 'web1',
    cores: '2',
    memory: '2048',
    balloon: '0',
    numa: '0',
    onboot: 1,
    cpulimit: '0.5',
    cpu: 'x86-64-v2-AES,flags=+aes;-pcid',
    scsihw: 'virtio-scsi-single',
    scsi0: 'local:32,iothread=on,discard=on,ssd=1,format=qcow2',
    ide2: 'local:iso/debian.iso,media=cdrom',
    net0: 'virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,tag=100,trunks=5;7-9',
    ipconfig0: 'ip=192.0.2.5/24,gw=192.0.2.1,ip6=auto',
    efidisk0: 'local:1,efitype=4m,pre-enrolled-keys=1',
    boot: 'order=scsi0;ide2;net0',
    agent: 'enabled=1,fstrim_cloned_disks=1',
    smbios1: 'uuid=7b2b3a6e-0c0f-4d0a-9a63-0d1f5c6e7a10',
    tags: 'prod;web',
    hotplug: 'network,disk,usb',
    hostpci0: '0000:01:00.0;02:00,pcie=1',
    affinity: '0,2-5',
    startup: 'order=1,up=30',
  };
  const result = validate(schema, params);
  expect(result.errors).toBeUndefined();
  const config: QemuConfig | undefined = result.value;
  expect(config).toMatchObject({
    cores: 2,
    memory: '2048',
    balloon: 0,
    numa: false,
    onboot: true,
    cpulimit: 0.5,
  });
});

it.each([
  ['scsi31', 'local:1'],
  ['ide4', 'local:1'],
  ['sata6', 'local:1'],
  ['virtio16', 'local:1'],
  ['net32', 'virtio'],
  ['usb14', 'host=1-1'],
  ['hostpci16', '01:00.0'],
  ['serial4', 'socket'],
  ['parallel3', '/dev/parport0'],
  ['numa8', 'cpus=0'],
  ['ipconfig32', 'ip=dhcp'],
  ['virtiofs10', 'share'],
  ['unused256', 'local:100/a.raw'],
  ['scsi', 'local:1'],
])('has no key %s', (key, value) => {
  expect(errorsOf({ [key]: value })[key]).toMatch(/not defined in schema/);
});

it.each([
  ['cores', '0', 'minimum value of 1'],
  ['memory', '8', 'current: value must have a minimum value of 16'],
  ['cpuunits', '262145', 'maximum value of 262144'],
  ['name', 'under_score', 'valid DNS name'],
  ['bios', 'uefi', "does not have a value in the enumeration 'seabios, ovmf'"],
  ['machine', 'pc-q35-7.2-evil', 'does not match the regex pattern'],
  ['machine', 'q35,viommu=amd', 'viommu: '],
  ['cpu', 'host,flags=aes', 'flags: '],
  ['cpu', 'host -device x', 'cputype: '],
  ['scsi0', 'iothread=1', 'file: property is missing'],
  ['scsi0', 'relative/path', 'file: invalid format'],
  ['scsi0', 'local:1,model=x', 'model: property is not defined'],
  ['ide0', 'local:1,iothread=1', 'iothread: property is not defined'],
  ['virtio0', 'local:1,ssd=1', 'ssd: property is not defined'],
  ['scsi0', 'local:1,wwn=0x12', 'wwn: '],
  ['scsi0', 'local:1,serial=a b', 'serial: invalid format'],
  ['scsi0', 'local:1,vendor=123456789', 'vendor: '],
  ['scsi0', 'local:1,queues=1', 'queues: value must have a minimum value of 2'],
  ['scsi0', 'local:1,iops=-1', 'iops: value must have a minimum value of 0'],
  ['net0', 'bridge=vmbr0', 'model: property is missing'],
  ['net0', 'virtio=01:00:00:00:00:01', 'macaddr: '],
  ['net0', 'virtio,tag=4095', 'tag: '],
  ['net0', 'virtio=BC:24:11:00:00:01,e1000=BC:24:11:00:00:02', 'duplicate key'],
  ['boot', 'order=scsi31', 'order: invalid format'],
  ['boot', 'order=floppy0', 'order: invalid format'],
  ['bootdisk', 'ide4', 'valid boot disk'],
  ['serial0', '/etc/passwd', 'does not match'],
  ['parallel0', '/dev/sda', 'does not match'],
  ['usb0', '/dev/bus', 'host: '],
  ['hostpci0', '1:0', 'host: '],
  ['vga', 'memory=1024', 'memory: '],
  ['hotplug', 'disk,gpu', "unknown hotplug feature 'gpu'"],
  ['vmgenid', '2', 'does not match'],
  ['startdate', 'tomorrow', 'does not match'],
  ['smbios1', 'serial=a b', 'serial: '],
  ['ipconfig0', 'ip=192.0.2.5', 'ip: '],
  ['affinity', '0-', 'valid CPU set'],
])('refuses %s: %s', (key, value, text) => {
  expect(errorsOf({ [key]: value })[key]).toContain(text);
});

it('force and unique belong to a restore', () => {
  expect(errorsOf({ force: 1 })).toEqual({ archive: "missing property required by 'force'" });
  expect(errorsOf({ unique: 1, archive: 'local:backup/x.vma' })).toEqual({});
  const update = Type.Object({ ...qemuUpdateFields });
  expect(validate(update, { force: 1 }).errors).toEqual({ delete: "missing property required by 'force'" });
});

describe('property strings', () => {
  it('know the short and the long spelling of a network card', () => {
    const short = parsePropertyString(qemuNetFields, 'virtio=BC:24:11:00:00:01,bridge=vmbr0');
    expect(short).toEqual({ model: 'virtio', macaddr: 'BC:24:11:00:00:01', bridge: 'vmbr0' });
    expect(parsePropertyString(qemuNetFields, 'model=virtio,macaddr=BC:24:11:00:00:01,bridge=vmbr0')).toEqual(
      short,
    );
    expect(parsePropertyString(qemuNetFields, 'virtio,bridge=vmbr0')).toEqual({
      model: 'virtio',
      bridge: 'vmbr0',
    });
  });

  it('know the other names of fields', () => {
    const drive = parsePropertyString(scsiDriveFields, 'volume=local:100/a.qcow2,iops_rd=5,iops_rd_length=7');
    expect(drive).toEqual({ file: 'local:100/a.qcow2', iops_rd: 5, iops_rd_max_length: 7 });
    expect(formatPropertyString(scsiDriveFields, drive)).toBe(
      'local:100/a.qcow2,iops_rd=5,iops_rd_max_length=7',
    );
  });
});

it('driveAddress takes a key apart', () => {
  expect(driveAddress('scsi30')).toEqual({ bus: 'scsi', index: 30 });
  expect(driveAddress('virtio0')).toEqual({ bus: 'virtio', index: 0 });
  for (const key of ['scsi31', 'efidisk0', 'scsi', 'scsihw', 'scsi01'])
    expect(driveAddress(key)).toBeUndefined();
  expect(qemuDriveKeys).toHaveLength(4 + 6 + 31 + 16);
  expect(qemuNetKeys.at(-1)).toBe('net31');
});
