import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireQemuConfig } from './config.ts';
import { type Lend, lendPorts, lendUsb } from './lent-devices.ts';
import type { GuestStart } from './start-host.ts';

let folder: string;
const lent: string[] = [];
const lend: Lend = (path) => lent.push(path);
const taken = () => lent.splice(0);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lent-'));
  const devices = {
    usb1: ['1d6b', '0002', 1, 1],
    '1-2.3': ['046d', 'c52b', 1, 7],
    '2-1': ['0951', '1666', 2, 3],
    '2-4': ['0951', '1666', 2, 12],
  };
  for (const [name, [vendor, product, bus, number]] of Object.entries(devices)) {
    const path = join(folder, 'bus/usb/devices', name);
    mkdirSync(path, { recursive: true });
    const files = { idVendor: vendor, idProduct: product, busnum: bus, devnum: number };
    for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), `${text}\n`);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('lendUsb', () => {
  test.each([
    ['046d:C52B', ['/dev/bus/usb/001/007']],
    ['0x046d:0xc52b', ['/dev/bus/usb/001/007']],
    ['2-4', ['/dev/bus/usb/002/012']],
    // Whichever of them QEMU takes.
    ['0951:1666', ['/dev/bus/usb/002/003', '/dev/bus/usb/002/012']],
  ])('%s', (device, paths) => {
    expect(lendUsb('usb0', device, lend, folder)).toBe(true);
    expect(taken()).toEqual(paths);
  });

  test.each(['1234:5678', '3-1', '1d6b:0002'])('%s is not there, or no device to lend', (device) => {
    expect(lendUsb('usb0', device, lend, folder)).toBe(false);
    expect(taken()).toEqual([]);
  });
});

test('lendPorts: paths of the node, not sockets', () => {
  const config = requireQemuConfig(
    {
      serial0: 'socket',
      serial1: '/dev/ttyS1',
      parallel0: '/dev/parport0',
      rng0: 'source=/dev/hwrng',
    },
    100,
  );
  expect(lendPorts({ config, user: { uid: 0, gid: 0 } } as GuestStart, lend)).toEqual({});
  expect(taken()).toEqual(['/dev/ttyS1', '/dev/parport0', '/dev/hwrng']);
});

test('what is not there is named with its key', () => {
  const config = requireQemuConfig({ serial1: '/dev/no-such-port' }, 100);
  expect(() => lendPorts({ config, user: { uid: 0, gid: 0 } } as GuestStart)).toThrow(
    "serial1: '/dev/no-such-port' does not exist on this node",
  );
});
