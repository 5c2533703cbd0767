/** USB: controllers, the tablet, devices of the node. */
import { qemuUsbKeys } from '@ryokan/api/schema/qemu-config.ts';
import { usbFields } from '@ryokan/api/schema/qemu-options.ts';
import type { Arguments, DeviceSink, OptionValue } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest, notProvided } from '../guest-context.ts';
import { hotplugFeatures } from '../hotplug-features.ts';
import { pciPlace } from './chipset.ts';
import { hasTablet } from './display.ts';
import { hasSpice } from './spice.ts';

type UsbKey = (typeof qemuUsbKeys)[number];

/** Ports of the xHCI controller: one for each usbN key, and one spare. */
const xhciPorts = 15;

export function addUsb(guest: Guest, args: Arguments): void {
  // q35 has EHCI with its companions on the board (see chipset.ts).
  if (guest.chipset === 'i440fx')
    args.device('piix3-usb-uhci', { id: 'uhci', bus: 'pci.0', addr: '0x1.0x2' });
  if (hasTablet(guest)) addTablet(guest, args);
  const keys = qemuUsbKeys.filter((key) => guest.config[key] !== undefined);
  const pluggable =
    hotplugFeatures(guest.config.hotplug).has('usb') && /^(l26|win8|win1\d)$/.test(guest.config.ostype ?? '');
  // There from the start where devices may be plugged in later; older systems have no driver for it.
  if (keys.length > 0 || pluggable) {
    args.device('qemu-xhci', {
      id: 'xhci',
      p2: xhciPorts,
      p3: xhciPorts,
      ...pciPlace(guest.chipset, 'xhci'),
    });
  }
  for (const key of keys) {
    if (isRedirected(guest, key)) addRedirection(guest, key, args);
    else addUsbDevice(guest, key, args);
  }
}

/** The port takes whatever device a SPICE viewer gives. */
export function isRedirected(guest: Guest, key: UsbKey): boolean {
  return optionOf(guest.config, key, usbFields)?.host?.toLowerCase() === 'spice';
}

function addRedirection(guest: Guest, key: UsbKey, args: Arguments): void {
  if (!hasSpice(guest.config)) {
    throw cannot(key, 'devices of a viewer come by SPICE; set vga to qxl or virtio, or remove it');
  }
  args.chardev('spicevmc', { id: key, name: 'usbredir' });
  args.device('usb-redir', { id: key, chardev: key, ...portOf(key) });
}

/** The pointer, on the controller that every guest has. */
export function addTablet(guest: Guest, args: DeviceSink): void {
  const bus = guest.chipset === 'i440fx' ? 'uhci.0' : 'ehci.0';
  args.device('usb-tablet', { id: 'tablet', bus, port: 1 });
}

/** A device of the node, whether the guest starts or runs. */
export function addUsbDevice(guest: Guest, key: UsbKey, args: DeviceSink): void {
  args.device('usb-host', {
    id: key,
    ...portOf(key),
    ...hostDevice(guest, key),
    bootindex: guest.boot.get(key),
  });
}

const portOf = (key: UsbKey) => ({ bus: 'xhci.0', port: Number(key.slice('usb'.length)) + 1 });

function hostDevice(guest: Guest, key: UsbKey): Record<string, OptionValue> {
  const usb = optionOf(guest.config, key, usbFields) ?? {};
  const device = usb.mapping === undefined ? usb.host : guest.host.usbMappings?.[key];
  if (device === undefined) {
    throw usb.mapping === undefined
      ? cannot(key, 'host or mapping is missing')
      : notProvided(key, 'its mapping');
  }
  const ids = /^(?:0x)?([0-9a-f]{4}):(?:0x)?([0-9a-f]{4})$/i.exec(device);
  if (ids) return { vendorid: `0x${ids[1]}`, productid: `0x${ids[2]}` };
  const port = /^(\d+)-(\d+(?:\.\d+)*)$/.exec(device);
  if (port) return { hostbus: port[1], hostport: port[2] };
  throw cannot(key, `'${device}' is neither VENDOR:PRODUCT nor BUS-PORT`);
}
