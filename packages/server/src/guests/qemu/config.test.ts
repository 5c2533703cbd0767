import { numaFields } from '@ryokan/api/schema/qemu-options.ts';
import { expect, it } from 'vitest';
import { configValueText } from '../config-values.ts';
import { fieldsOf, optionOf, readQemuConfig, requireQemuConfig } from './config.ts';

it('readQemuConfig types what fits and reports the rest', () => {
  const reading = readQemuConfig({
    cores: '4',
    onboot: '1',
    cpulimit: '1.5',
    memory: '2048',
    net0: 'virtio=BC:24:11:00:00:01',
    meta: 'creation-qemu=7.2.0,ctime=1700000000',
    parent: 'before',
    sockets: 'two',
    vga: 'huge',
    'future-key': 'x',
    toString: 'x',
  });
  expect(reading.config).toEqual({
    cores: 4,
    onboot: true,
    cpulimit: 1.5,
    memory: '2048',
    net0: 'virtio=BC:24:11:00:00:01',
    meta: 'creation-qemu=7.2.0,ctime=1700000000',
    parent: 'before',
  });
  expect(Object.keys(reading.invalid)).toEqual(['sockets', 'vga']);
  expect(reading.invalid.sockets).toBe("type check ('integer') failed - got 'two'");
  expect(reading.unknown).toEqual(['future-key', 'toString']);
});

it('readQemuConfig takes the older key cdrom as ide2', () => {
  expect(readQemuConfig({ cdrom: 'local:iso/a.iso' }).config).toEqual({
    ide2: 'local:iso/a.iso,media=cdrom',
  });
  expect(readQemuConfig({ cdrom: 'none,media=cdrom' }).config).toEqual({ ide2: 'none,media=cdrom' });
  expect(readQemuConfig({ cdrom: 'none', ide2: 'local:iso/b.iso,media=cdrom' }).config).toEqual({
    ide2: 'local:iso/b.iso,media=cdrom',
  });
});

it('requireQemuConfig names the guest and every wrong value', () => {
  expect(() => requireQemuConfig({ cores: '0', bios: 'x' }, 105)).toThrowError(
    /^the configuration of VM 105 has wrong values: cores: .*minimum value of 1; bios: value 'x' does not/,
  );
});

it('optionOf names key and text of a value that slipped through', () => {
  expect(optionOf({}, 'numa0', numaFields)).toBeUndefined();
  expect(() => optionOf({ numa0: 'memory=5' }, 'numa0', numaFields)).toThrowError(
    /^'numa0: memory=5' is wrong: .*cpus: property is missing/s,
  );
});

it('small helpers', () => {
  expect([true, false, 5, 0.5, 'x'].map(configValueText)).toEqual(['1', '0', '5', '0.5', 'x']);
  expect(fieldsOf('net5')?.properties).toHaveProperty('bridge');
  expect(fieldsOf('cores')).toBeUndefined();
  expect(fieldsOf('constructor')).toBeUndefined();
});
