/** A tree like /sys in which writing to a driver's files does what the kernel does. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pciDevice } from './pci.ts';
import { bindToVfio, demandWholeGroup, mediatedUuid, type PciHost, restoreDriver } from './pci-binding.ts';

let sys: string;
let host: PciHost;
const card = '0000:01:00.0';
const sound = '0000:01:00.1';

beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), 'ryokan-pci-'));
  host = {
    sys,
    write,
    loadDriver: async (name) => void mkdirSync(join(sys, 'bus/pci/drivers', name), { recursive: true }),
  };
  addDevice(card, { group: 7, driver: 'nouveau' });
  addDevice(sound, { group: 7, driver: 'snd_hda_intel' });
});
afterEach(() => rmSync(sys, { recursive: true, force: true }));

function addDevice(address: string, { group, driver }: { group?: number; driver?: string }): void {
  const folder = join(sys, 'bus/pci/devices', address);
  mkdirSync(folder, { recursive: true });
  const files = { class: '0x030000', vendor: '0x10de', device: '0x1b81', driver_override: '(null)' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), `${text}\n`);
  if (driver) {
    mkdirSync(join(sys, 'bus/pci/drivers', driver), { recursive: true });
    writeFileSync(join(folder, 'own-driver'), driver);
    symlinkSync(join(sys, 'bus/pci/drivers', driver), join(folder, 'driver'));
  }
  if (group === undefined) return;
  const members = join(sys, 'kernel/iommu_groups', String(group), 'devices');
  mkdirSync(members, { recursive: true });
  symlinkSync(folder, join(members, address));
  symlinkSync(join(sys, 'kernel/iommu_groups', String(group)), join(folder, 'iommu_group'));
}

function write(path: string, text: string): void {
  if (basename(path) === 'unbind') rmSync(join(sys, 'bus/pci/devices', text, 'driver'));
  else if (basename(path) === 'drivers_probe') {
    const folder = join(sys, 'bus/pci/devices', text);
    const wanted = readFileSync(join(folder, 'driver_override'), 'utf8').trim();
    const driver = wanted && wanted !== '(null)' ? wanted : readFileSync(join(folder, 'own-driver'), 'utf8');
    if (existsSync(join(sys, 'bus/pci/drivers', driver)))
      symlinkSync(join(sys, 'bus/pci/drivers', driver), join(folder, 'driver'));
  } else writeFileSync(path, text);
}

describe('a PCI device for a guest', () => {
  it('goes to vfio-pci and back to its own driver', async () => {
    expect(await bindToVfio(card, host)).toBe('nouveau');
    expect(pciDevice(card, sys)?.driver).toBe('vfio-pci');
    expect(await bindToVfio(card, host)).toBeUndefined();
    for (let twice = 0; twice < 2; twice++) restoreDriver(card, 'nouveau', host);
    expect(pciDevice(card, sys)?.driver).toBe('nouveau');
  });

  it('is refused while the node uses another part of its IOMMU group', async () => {
    await bindToVfio(card, host);
    expect(() => demandWholeGroup(7, new Set([card]), host)).toThrow(
      /0000:01:00.1 are in the same IOMMU group/,
    );
    expect(() => demandWholeGroup(7, new Set([card, sound]), host)).not.toThrow();
  });

  it('is refused with what to do when no IOMMU is in use, or when it is not there', async () => {
    addDevice('0000:02:00.0', { driver: 'e1000' });
    await expect(bindToVfio('0000:02:00.0', host)).rejects.toThrow(/no IOMMU in use. Enable VT-d or AMD-Vi/);
    expect(pciDevice('0000:02:00.0', sys)?.driver).toBe('e1000');
    await expect(bindToVfio('0000:09:00.0', host)).rejects.toThrow(/no PCI device at 0000:09:00.0/);
  });

  it('says so when vfio-pci does not take it', async () => {
    const refusing: PciHost = { ...host, loadDriver: async () => {} };
    await expect(bindToVfio(card, refusing)).rejects.toThrow(/vfio-pci did not take PCI device/);
  });
});

it('a mediated device is known by guest and number', () => {
  expect(mediatedUuid(100, 1)).toBe('00000000-0000-0001-0000-000000000100');
});
