import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../cluster/memory-store.ts';
import { parseStartup } from '../bulk.ts';
import { formatSize, parseSize } from '../disk-size.ts';
import { freshMac } from '../mac-address.ts';
import { nextVmid } from '../next-vmid.ts';
import { parseCpuModels, parseMachines } from './capabilities.ts';
import { withMac } from './create.ts';
import { newVolumeRequest, parseDrive } from './drive-value.ts';

describe('startup order', () => {
  test.each([
    ['order=2,up=30,down=60', { order: 2, up: 30, down: 60 }],
    ['3', { order: 3, up: 0, down: undefined }],
    [undefined, { order: Number.MAX_SAFE_INTEGER, up: 0, down: undefined }],
    ['up=5', { order: Number.MAX_SAFE_INTEGER, up: 5, down: undefined }],
  ])('%s', (text, wanted) => expect(parseStartup(text)).toEqual(wanted));
});

describe('sizes', () => {
  test.each([
    ['32G', 32 * 1024 ** 3],
    ['1.5M', 1.5 * 1024 ** 2],
    ['512', 512],
    ['x', undefined],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));
  test.each([
    [1024 ** 4, '1T'],
    [3 * 1024 ** 3, '3G'],
    [528 * 1024, '528K'],
    [1000, '1000'],
  ])('%d', (bytes, text) => expect(formatSize(bytes)).toBe(text));
});

test('a new volume is storage and size, a present one is not', () => {
  expect(newVolumeRequest(parseDrive('scsi0', 'local:32,discard=on'))).toEqual({ storage: 'local', gib: 32 });
  expect(newVolumeRequest(parseDrive('scsi0', 'local-lvm:0.5'))).toEqual({ storage: 'local-lvm', gib: 0.5 });
  expect(newVolumeRequest(parseDrive('scsi0', 'local:100/vm-100-disk-0.raw'))).toBeUndefined();
  expect(newVolumeRequest(parseDrive('ide2', 'none,media=cdrom'))).toBeUndefined();
});

test('network cards get an address where they have none, and the form that clients read', () => {
  const store = new MemoryStore();
  expect(withMac('virtio,bridge=vmbr0', store)).toMatch(/^virtio=BC:24:11(:[0-9A-F]{2}){3},bridge=vmbr0$/);
  expect(withMac('e1000=aa:bb:cc:dd:ee:f0,firewall=1', store)).toBe('e1000=AA:BB:CC:DD:EE:F0,firewall=1');
});

test.each(['02:12', '02:12:', '02:12:34:'])('new addresses begin with the prefix %s', async (prefix) => {
  const store = new MemoryStore();
  await store.commit([], [{ path: 'datacenter.cfg', text: `keyboard: ja\nmac_prefix: ${prefix}\n` }], {
    author: 'test',
  });
  const address = freshMac(store);
  expect(address).toMatch(/^([0-9A-F]{2}:){5}[0-9A-F]{2}$/);
  expect(address.startsWith(prefix)).toBe(true);
});

test('the next free VMID, in its range', () => {
  expect(nextVmid(new Set([100, 101, 103]), undefined)).toBe(102);
  expect(nextVmid(new Set([500]), 'lower=500,upper=502')).toBe(501);
  expect(() => nextVmid(new Set([500, 501]), 'lower=500,upper=502')).toThrow(
    'unable to get any free VMID in range [500,502)',
  );
});

test("QEMU's lists of machines and processors", () => {
  const machines = parseMachines(
    'pc                   Standard PC (alias of pc-i440fx-7.2)\npc-i440fx-2.12       Standard PC\npc-q35-7.2           Standard PC\n',
  );
  expect(machines.map((one) => one.id)).toEqual(['pc-q35-7.2', 'pc-i440fx-2.12']);
  const cpus = parseCpuModels(
    'x86 EPYC                  (alias)\nx86 EPYC-v2  x\nx86 Skylake-Server  y\nx86 qemu64  z\n',
  );
  expect(cpus.filter((one) => ['EPYC', 'Skylake-Server', 'qemu64', 'EPYC-v2'].includes(one.name))).toEqual([
    { name: 'EPYC', vendor: 'AuthenticAMD' },
    { name: 'Skylake-Server', vendor: 'GenuineIntel' },
    { name: 'qemu64', vendor: 'default' },
  ]);
});
