import { describe, expect, test } from 'vitest';
import { requireQemuConfig } from './config.ts';
import { machineForStart, pinMachine } from './machine-pin.ts';

describe('pinMachine', () => {
  const windows = { ostype: 'win11' };
  test.each([
    [windows, {}, 'pc-i440fx-7.2'],
    [{ ...windows, machine: 'q35' }, {}, 'pc-q35-7.2'],
    [{ ...windows, machine: 'q35,viommu=virtio' }, {}, 'pc-q35-7.2,viommu=virtio'],
    [{ ...windows, machine: 'viommu=intel' }, {}, 'pc-i440fx-7.2,viommu=intel'],
    [{ ...windows, machine: 'pc-q35-6.1' }, {}, 'pc-q35-6.1'],
    [{ ostype: 'l26', machine: 'q35' }, {}, 'q35'],
    [{}, {}, undefined],
    // Changes of a guest that is there: only the machine itself.
    [{ machine: 'q35' }, windows, 'pc-q35-7.2'],
    [{ memory: '2048' }, windows, undefined],
  ])('%j on %j: %s', (values, present, machine) => {
    expect(pinMachine(values, present, '7.2.22').machine).toBe(machine);
  });
});

describe('machineForStart', () => {
  const start = (properties: Record<string, string>) =>
    machineForStart(requireQemuConfig(properties, 100), [7, 2]);
  test.each([
    [{ ostype: 'win10', meta: 'creation-qemu=6.2.0,ctime=1' }, 'pc-i440fx-6.2'],
    [{ ostype: 'win10', machine: 'q35', meta: 'creation-qemu=6.2.0' }, 'pc-q35-6.2'],
    [{ ostype: 'win10', meta: 'creation-qemu=10.1.2' }, 'pc-i440fx-7.2'],
    [{ ostype: 'win10' }, 'pc-i440fx-5.1'],
    [{ ostype: 'win10', machine: 'pc-q35-6.1' }, 'pc-q35-6.1'],
    [{ ostype: 'l26', machine: 'q35', meta: 'creation-qemu=6.2.0' }, 'q35'],
    [{}, undefined],
  ])('%j: %s', (properties, machine) => {
    expect(start(properties)).toBe(machine);
  });
});
