/** Hardware of this node that guests can get. */
import { RyokanError } from '@ryokan/api/errors.ts';
import {
  hardwareIndex,
  hardwareMdev,
  hardwarePci,
  hardwarePciIndex,
  hardwareUsb,
} from '@ryokan/api/methods/node-hardware.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { pciEntries, requireMapping } from '../../guests/mappings.ts';
import {
  fullAddress,
  mediatedTypes,
  type PciDevice,
  PciNames,
  pciDevice,
  pciDevices,
} from '../../host/pci.ts';
import { type UsbDevice, usbDevices } from '../../host/usb.ts';
import { childrenOf } from '../directory.ts';
import type { HandlerTable } from '../handler-table.ts';

/** `sys` is another root of the kernel's tree for tests. */
export function hardwareHandlers(
  table: HandlerTable,
  { store, settings }: { readonly store: ConfigStore; readonly settings: { readonly node: string } },
  sys = '/sys',
): void {
  table.on(hardwareIndex, () => childrenOf(hardwareIndex, 'type'));
  table.on(hardwarePci, (params) => {
    const hidden = splitList(params['pci-class-blacklist'] ?? '05;06;0b').map(
      (code) => `0x${code.toLowerCase()}`,
    );
    const shown = pciDevices(sys).filter((device) => !hidden.some((start) => device.class.startsWith(start)));
    if (params.verbose === false) return shown.map(({ address }) => ({ id: address }));
    const names = new PciNames();
    return shown.map((device) => pciRow(device, names));
  });
  table.on(hardwarePciIndex, () => childrenOf(hardwarePciIndex, 'method'));
  table.on(hardwareMdev, (params) => {
    const asked = params['pci-id-or-mapping'];
    const addresses = /[:.]/.test(asked)
      ? [fullAddress(asked)]
      : pciEntries(requireMapping(store, 'pci', asked), settings.node).flatMap(({ path }) => path.split(';'));
    const present = addresses.find((address) => pciDevice(address, sys));
    if (present === undefined)
      throw new RyokanError('not-found', `there is no PCI device '${asked}' on this node`);
    return mediatedTypes(present, sys);
  });
  table.on(hardwareUsb, () => usbDevices(sys).map(usbRow));
}

function pciRow(device: PciDevice, names: PciNames) {
  const { subsystemVendor, subsystemDevice } = device;
  const named = {
    vendor_name: names.vendor(device.vendor),
    device_name: names.device(device.vendor, device.device),
    subsystem_vendor: subsystemVendor,
    subsystem_device: subsystemDevice,
    subsystem_vendor_name: subsystemVendor && names.vendor(subsystemVendor),
    subsystem_device_name:
      subsystemVendor && subsystemDevice ? names.subsystem(subsystemVendor, subsystemDevice) : undefined,
  };
  return {
    id: device.address,
    class: device.class,
    vendor: device.vendor,
    device: device.device,
    iommugroup: device.iommuGroup ?? -1,
    ...(device.mediated ? { mdev: 1 as const } : {}),
    ...Object.fromEntries(Object.entries(named).filter(([, text]) => text !== undefined)),
  };
}

function usbRow(device: UsbDevice) {
  const ports = device.path?.split('.') ?? [];
  return {
    busnum: device.bus,
    devnum: device.number,
    class: device.class,
    // A root hub is level 0; what is plugged into it too, and each hub in between is one more.
    level: Math.max(0, ports.length - 1),
    port: Number(ports.at(-1) ?? 0),
    vendid: device.vendor,
    prodid: device.product,
    speed: device.speed,
    ...(device.path === undefined ? {} : { usbpath: device.path }),
    ...(device.manufacturerName === undefined ? {} : { manufacturer: device.manufacturerName }),
    ...(device.productName === undefined ? {} : { product: device.productName }),
    ...(device.serial === undefined ? {} : { serial: device.serial }),
  };
}
