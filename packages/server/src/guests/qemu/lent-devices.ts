/**
 * Ports and USB devices of this machine that a guest is given: QEMU opens them without rights of its own, so they go to
 * the guests' user. `udev` gives them back to root when the device is plugged in again. Disks: host-drive.ts.
 */
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { qemuParallelKeys, qemuSerialKeys } from '@ryokan/api/schema/qemu-config.ts';
import { rngFields } from '@ryokan/api/schema/qemu-options.ts';
import { errorCode } from '../../host/files.ts';
import { usbDevices } from '../../host/usb.ts';
import { optionOf } from './config.ts';
import type { QemuHost } from './host-input.ts';
import type { GuestStart } from './start-host.ts';

/** Gives `path` to the guests' user. Throws 'failed' when there is nothing. */
export type Lend = (path: string) => void;

export const lendTo =
  (uid: number): Lend =>
  (path) => {
    try {
      chownSync(path, uid, -1);
    } catch (cause) {
      const missing = errorCode(cause) === 'ENOENT';
      const problem = missing ? 'does not exist on this node' : `cannot be used: ${messageOf(cause)}`;
      throw new RyokanError('failed', `'${path}' ${problem}`, { cause });
    }
  };

/** Part of a start: serial and parallel ports, and the node's generator of random numbers. */
export function lendPorts({ config, user }: GuestStart, lend: Lend = lendTo(user.uid)): Partial<QemuHost> {
  for (const key of [...qemuSerialKeys, ...qemuParallelKeys]) {
    const path = config[key];
    if (path?.startsWith('/dev/')) naming(key, () => lend(path));
  }
  const source = optionOf(config, 'rng0', rngFields)?.source;
  if (source === '/dev/hwrng') naming('rng0', () => lend(source));
  return {};
}

/** Says in an error which key of the configuration is meant. */
function naming<T>(key: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new RyokanError('failed', `${key}: ${messageOf(cause)}`, { context: { key }, cause });
  }
}

/**
 * The USB device that `1234:5678` or `1-2.3` means. False when none is plugged in: QEMU then waits for one. `sys` is
 * another root of that tree for tests.
 */
export function lendUsb(key: string, device: string, lend: Lend, sys = '/sys'): boolean {
  const wanted = device.toLowerCase().replaceAll('0x', '');
  const found = usbDevices(sys).filter(
    ({ bus, path, vendor, product }) =>
      path !== undefined && (`${vendor}:${product}` === wanted || `${bus}-${path}` === wanted),
  );
  const digits = (number: number) => String(number).padStart(3, '0');
  for (const { bus, number } of found)
    naming(key, () => lend(join('/dev/bus/usb', digits(bus), digits(number))));
  return found.length > 0;
}
