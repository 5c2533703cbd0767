/** The node's hardware and what its mappings say about it, on a tree like /sys that the test makes. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../cluster/memory-store.ts';
import type { Section } from '../../cluster/section-document.ts';
import { mappingPath, mappingProblems } from '../../guests/mappings.ts';
import { type Call, HandlerTable } from '../handler-table.ts';
import { hardwareHandlers } from './node-hardware.ts';

let sys: string;
const store = new MemoryStore();
const table = new HandlerTable();
const vgpu = '0000:01:00.0';

const files = (folder: string, texts: Readonly<Record<string, string>>) => {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), `${text}\n`);
};

const pci = (address: string, texts: Readonly<Record<string, string>>, group?: number) => {
  const folder = join(sys, 'bus/pci/devices', address);
  files(folder, texts);
  if (group !== undefined) symlinkSync(`../../../kernel/iommu_groups/${group}`, join(folder, 'iommu_group'));
};

beforeAll(async () => {
  sys = mkdtempSync(join(tmpdir(), 'ryokan-hardware-'));
  pci('0000:00:00.0', { class: '0x060000', vendor: '0x8086', device: '0x1237' });
  pci('0000:00:02.0', { class: '0x020000', vendor: '0x8086', device: '0x100e' });
  const card = {
    ...{ class: '0x030200', vendor: '0x10de', device: '0x1bb3' },
    ...{ subsystem_vendor: '0x10de', subsystem_device: '0x11d8' },
  };
  pci(vgpu, card, 14);
  const type = join(sys, 'bus/pci/devices', vgpu, 'mdev_supported_types');
  files(join(type, 'nvidia-63'), {
    ...{ name: 'GRID P4-1Q', available_instances: '8' },
    description: 'num_heads=4, frl_config=60',
  });
  const usb = join(sys, 'bus/usb/devices');
  files(join(usb, 'usb1'), {
    ...{ idVendor: '1d6b', idProduct: '0002', busnum: '1', devnum: '1', bDeviceClass: '09', speed: '480' },
    ...{ manufacturer: 'Linux xhci-hcd', product: 'xHCI Host Controller' },
  });
  files(join(usb, '1-2.3'), {
    ...{ idVendor: '046d', idProduct: 'c52b', busnum: '1', devnum: '7', bDeviceClass: '00', speed: '12' },
    ...{ product: 'Receiver', serial: 'A1' },
  });
  // An interface of a device, which is no device.
  files(join(usb, '1-2.3:1.0'), { bInterfaceClass: '03' });
  const text = `gpu\n\tmap node=n1,path=0000:09:00.0;${vgpu},id=10de:1bb3\n`;
  await store.commit([], [{ path: mappingPath.pci, text }]);
  hardwareHandlers(table, { store, settings: { node: 'n1' } }, sys);
});
afterAll(() => rmSync(sys, { recursive: true, force: true }));

async function ask<T>(id: string, params: Readonly<Record<string, unknown>> = {}): Promise<T> {
  const entry = table.get(id);
  if (entry?.kind !== 'call') throw new Error(`no handler for ${id}`);
  return (await entry.handle({ node: 'n1', ...params } as never, {} as Call)) as T;
}

describe('PCI', () => {
  it('shows devices with ids, groups and what can be divided; no bridges', async () => {
    const rows = await ask<Record<string, unknown>[]>('nodes.hardware.pci');
    expect(rows.map(({ id }) => id)).toEqual(['0000:00:02.0', vgpu]);
    expect(rows[0]).toMatchObject({ class: '0x020000', vendor: '0x8086', device: '0x100e', iommugroup: -1 });
    expect(rows[0]).not.toHaveProperty('mdev');
    expect(rows[1]).toMatchObject({ subsystem_device: '0x11d8', iommugroup: 14, mdev: 1 });
  });

  it('hides the classes that it is told to', async () => {
    const asked = (list: string) =>
      ask<{ id: string }[]>('nodes.hardware.pci', { 'pci-class-blacklist': list, verbose: false });
    expect(await asked('02;03')).toEqual([{ id: '0000:00:00.0' }]);
    expect(await asked('')).toHaveLength(3);
  });

  it('knows mediated types by address, short address and mapping', async () => {
    const expected = [
      { type: 'nvidia-63', available: 8, name: 'GRID P4-1Q', description: 'num_heads=4, frl_config=60' },
    ];
    for (const asked of [vgpu, '01:00.0', 'gpu']) {
      expect(await ask('nodes.hardware.pci.mdev', { 'pci-id-or-mapping': asked })).toEqual(expected);
    }
    expect(await ask('nodes.hardware.pci.mdev', { 'pci-id-or-mapping': '00:02.0' })).toEqual([]);
    const wrong = (asked: string) => ask('nodes.hardware.pci.mdev', { 'pci-id-or-mapping': asked });
    await expect(wrong('0000:05:00.0')).rejects.toThrow(/no PCI device '0000:05:00.0'/);
    await expect(wrong('other')).rejects.toThrow(/mapping 'other' not found/);
  });
});

it('shows USB devices with their place, without interfaces', async () => {
  expect(await ask('nodes.hardware.usb')).toEqual([
    {
      ...{ busnum: 1, devnum: 7, class: 0, level: 1, port: 3, vendid: '046d', prodid: 'c52b' },
      ...{ speed: '12', usbpath: '2.3', product: 'Receiver', serial: 'A1' },
    },
    {
      ...{ busnum: 1, devnum: 1, class: 9, level: 0, port: 0, vendid: '1d6b', prodid: '0002', speed: '480' },
      ...{ manufacturer: 'Linux xhci-hcd', product: 'xHCI Host Controller' },
    },
  ]);
});

describe('a mapping', () => {
  const problems = (kind: 'pci' | 'usb' | 'dir', map: string, node = 'n1') => {
    const section: Section = { id: 'm', lines: [['map', map]] };
    return mappingProblems(kind, section, node, sys).map(
      ({ severity, message }) => `${severity}: ${message}`,
    );
  };

  it.each([
    ['pci', `node=n1,path=${vgpu},id=10DE:1bb3,subsystem-id=10de:11d8,iommugroup=14`, []],
    ['pci', 'node=n1,path=0000:01:00,id=10de:1bb3', []],
    ['pci', 'node=n1,path=0000:00:02.0,id=8086:100e,iommugroup=-1', []],
    ['pci', 'node=n1,path=0000:07:00.0,id=10de:1bb3', [/no PCI device at 0000:07:00.0; was it moved/]],
    [
      'pci',
      `node=n1,path=${vgpu},id=10de:1bb4,subsystem-id=10de:0001,iommugroup=3`,
      [/id 10de:1bb3, the mapping says 10de:1bb4/, /subsystem id 10de:11d8/, /IOMMU group 14.*says 3/],
    ],
    ['usb', 'node=n1,id=046D:c52b', []],
    ['usb', 'node=n1,id=046d:c52b,path=1-2.3', []],
    ['usb', 'node=n1,id=046d:0001', [/no USB device 046d:0001/]],
    ['usb', 'node=n1,id=046d:c52b,path=1-4', [/no USB device in port 1-4/]],
    ['usb', 'node=n1,id=046d:0001,path=1-2.3', [/port 1-2.3 is 046d:c52b/]],
    ['dir', 'node=n1,path=/', []],
    ['dir', 'node=n1,path=/no/such/folder', [/'\/no\/such\/folder' does not exist/]],
    ['dir', 'node=n1,path=/proc/version', [/is no directory/]],
  ] as const)('%s %s', (kind, map, expected) => {
    const found = problems(kind, map);
    expect(found).toHaveLength(expected.length);
    for (const [i, text] of expected.entries()) expect(found[i]).toMatch(text);
    for (const text of found) expect(text).toMatch(/^error: /);
  });

  it('says when it has nothing for a node', () => {
    expect(problems('usb', 'node=n1,id=046d:c52b', 'n2')).toEqual(['warning: no mapping for node n2']);
  });
});
