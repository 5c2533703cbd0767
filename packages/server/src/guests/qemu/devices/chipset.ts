/** Machine type: which chipset, which version, and the fixed places of devices on its PCI buses. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { machineFields } from '@ryokan/api/schema/qemu-options.ts';
import type { Arguments } from '../arguments.ts';
import { optionOf } from '../config.ts';

export type Chipset = 'i440fx' | 'q35';

/** Machine type as QEMU names it: without the `+pveN` and `.pxe` that configurations of Proxmox VE may carry. */
export function machineType(config: QemuConfig): string {
  const type = optionOf(config, 'machine', machineFields)?.type ?? 'pc';
  const plain = type.replace(/\.pxe$/, '').replace(/\+pve\d+$/, '');
  return plain.replace(/^pc-(?=\d)/, 'pc-i440fx-');
}

export function chipsetOf(config: QemuConfig): Chipset {
  const type = machineType(config);
  if (type.startsWith('virt')) {
    throw new RyokanError(
      'unsupported',
      "machine: 'virt' is for ARM guests; this node runs x86 guests (pc or q35)",
      {
        context: { key: 'machine' },
      },
    );
  }
  return type === 'q35' || type.startsWith('pc-q35') ? 'q35' : 'i440fx';
}

/** Refuses a machine version that the installed QEMU does not have yet. */
export function checkMachineVersion(type: string, installed: readonly [number, number]): void {
  const match = /-(\d+)\.(\d+)/.exec(type);
  if (!match) return;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major < installed[0] || (major === installed[0] && minor <= installed[1])) return;
  throw new RyokanError(
    'unsupported',
    `machine: '${type}' needs QEMU ${major}.${minor}, this node has ${installed.join('.')}; ` +
      `update QEMU or set machine to '${type.replace(/-[\d.]+$/, `-${installed.join('.')}`)}'`,
    { context: { key: 'machine' } },
  );
}

export interface PciPlace {
  readonly bus: string;
  readonly addr: string;
}

/**
 * The slot of every device: [bus, slot] on pci.0 … pci.4. Guests know devices by these places (`ens18` is slot 18,
 * Windows keeps a driver for each), so they never change; they are those that guests know from Proxmox VE.
 */
const places = new Map<string, readonly [bus: number, slot: number]>([
  ['vga', [0, 2]],
  ['balloon0', [0, 3]],
  ['watchdog0', [0, 4]],
  ['scsihw0', [0, 5]],
  ['pci.3', [0, 5]], // in place of scsihw0: virtio-scsi-single has a controller for each disk, on a bus of their own
  ['scsihw1', [0, 6]],
  ['ahci0', [0, 7]],
  ['qga0', [0, 8]],
  ['spice', [0, 9]],
  ...series('virtio', 0, 6, 0, 10),
  ...series('hostpci', 0, 2, 0, 16),
  ...series('net', 0, 6, 0, 18),
  ...series('vga', 1, 3, 0, 24),
  ...series('hostpci', 2, 2, 0, 27),
  ['pci.1', [0, 30]],
  ['pci.2', [0, 31]],
  ...series('net', 6, 26, 1, 1),
  ['xhci', [1, 27]],
  ['pci.4', [1, 28]],
  ['rng0', [1, 29]],
  ...series('virtio', 6, 10, 2, 1),
  ['ivshmem', [2, 11]],
  ['audio0', [2, 12]],
  ...series('scsihw', 2, 3, 2, 13),
  ...series('virtiofs', 0, 10, 2, 16),
  ...series('virtioscsi', 0, 31, 3, 1),
  ...series('hostpci', 4, 12, 4, 1),
]);

function series(name: string, from: number, count: number, bus: number, slot: number) {
  return Array.from({ length: count }, (_, i): [string, [number, number]] => [
    `${name}${from + i}`,
    [bus, slot + i],
  ]);
}

/** Where a device sits. */
export function pciPlace(chipset: Chipset, id: string): PciPlace {
  // On q35 the graphics card sits on the root bus, where firmware looks for it first.
  if (chipset === 'q35' && id === 'vga') return { bus: 'pcie.0', addr: '0x1' };
  const place = places.get(id);
  if (!place) throw new Error(`no place on the PCI buses for '${id}'`);
  return { bus: `pci.${place[0]}`, addr: `0x${place[1].toString(16)}` };
}

/**
 * Buses and their controllers. They stand in every guest, used or not, so that devices can be plugged in later.
 * pci.3 and pci.4 are for those that need them.
 */
export function addBuses(
  chipset: Chipset,
  extra: { readonly pci3: boolean; readonly pci4: boolean },
  args: Arguments,
) {
  if (chipset === 'q35') addQ35Buses(args);
  const bridges = [1, 2, ...(extra.pci3 ? [3] : []), ...(extra.pci4 ? [4] : [])];
  for (const number of bridges) {
    const id = `pci.${number}`;
    args.device('pci-bridge', { id, chassis_nr: number, ...pciPlace(chipset, id) });
  }
}

/** Chassis numbers of PCI Express ports and bridges must differ within a machine. */
const q35BridgeChassis = 11;

/**
 * Q35 has PCI Express on its root bus. Four root ports take passed-through devices; a classic PCI bus named pci.0 behind
 * a DMI bridge takes all others, so that both chipsets share the table above.
 */
function addQ35Buses(args: Arguments): void {
  args.device('ich9-usb-ehci1', { id: 'ehci', multifunction: true, bus: 'pcie.0', addr: '0x1d.0x7' });
  for (const number of [1, 2, 3]) {
    args.device(`ich9-usb-uhci${number}`, {
      id: `uhci-${number}`,
      multifunction: true,
      bus: 'pcie.0',
      addr: `0x1d.0x${number - 1}`,
      masterbus: 'ehci.0',
      firstport: (number - 1) * 2,
    });
  }
  for (const number of [1, 2, 3, 4]) {
    args.device('pcie-root-port', {
      id: `ich9-pcie-port-${number}`,
      'x-speed': 16,
      'x-width': 32,
      multifunction: true,
      bus: 'pcie.0',
      addr: `0x1c.0x${number - 1}`,
      port: number,
      chassis: number,
    });
  }
  args.device('i82801b11-bridge', { id: 'pcidmi', bus: 'pcie.0', addr: '0x1e' });
  args.device('pci-bridge', { id: 'pci.0', chassis_nr: q35BridgeChassis, bus: 'pcidmi', addr: '0x1' });
}
