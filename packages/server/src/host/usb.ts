/** USB devices as the kernel shows them below /sys (Documentation/ABI/stable/sysfs-bus-usb). */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readTextIfPresent } from './files.ts';

export interface UsbDevice {
  readonly bus: number;
  readonly number: number;
  /** Ports from the root hub down, `2.3`; undefined for a root hub. */
  readonly path?: string;
  readonly class: number;
  /** Four hexadecimal digits. */
  readonly vendor: string;
  readonly product: string;
  /** Mbit/s. */
  readonly speed: string;
  readonly manufacturerName?: string;
  readonly productName?: string;
  readonly serial?: string;
}

/** `sys` is another root of the tree for tests. */
export function usbDevices(sys = '/sys'): UsbDevice[] {
  const folder = join(sys, 'bus/usb/devices');
  let found: string[];
  try {
    found = readdirSync(folder);
  } catch {
    return [];
  }
  return found
    .filter((name) => /^(usb\d+|\d+-\d+(\.\d+)*)$/.test(name))
    .sort()
    .map((name) => readDevice(join(folder, name), /^\d+-(.*)$/.exec(name)?.[1]))
    .filter((device) => device !== undefined);
}

function readDevice(folder: string, path: string | undefined): UsbDevice | undefined {
  const read = (name: string) => readTextIfPresent(join(folder, name))?.trim();
  const [vendor, product, bus, number] = [
    read('idVendor'),
    read('idProduct'),
    read('busnum'),
    read('devnum'),
  ];
  if (!vendor || !product || !bus || !number) return undefined;
  const texts = {
    manufacturerName: read('manufacturer'),
    productName: read('product'),
    serial: read('serial'),
  };
  return {
    bus: Number(bus),
    number: Number(number),
    ...(path === undefined ? {} : { path }),
    class: Number.parseInt(read('bDeviceClass') ?? '0', 16),
    vendor,
    product,
    speed: read('speed') ?? '0',
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text)),
  };
}
