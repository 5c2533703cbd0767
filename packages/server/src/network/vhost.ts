/** vhost-net: the kernel moves the packets of a virtio card, without a copy through QEMU. */
import { closeSync, constants, openSync, statSync } from 'node:fs';

const device = '/dev/vhost-net';

/**
 * Can a process of this user and group use vhost-net? Debian gives the device to the group kvm. Opening it loads the
 * kernel's module; where that is missing, the device is there and cannot be opened.
 */
export function canUseVhost(user: { readonly uid: number; readonly gid: number }): boolean {
  try {
    const { mode, uid, gid } = statSync(device);
    const allowed = uid === user.uid ? (mode >> 6) & 6 : gid === user.gid ? (mode >> 3) & 6 : mode & 6;
    if (allowed !== 6) return false;
    closeSync(openSync(device, constants.O_RDWR));
    return true;
  } catch {
    return false;
  }
}
