/** Whom QEMU runs as. */
import { findGroup, guestUser, requireUser } from '../../host/users.ts';

/**
 * The group is that of /dev/kvm where there is one: Node.js drops supplementary groups when it changes the user.
 */
export function guestAccount(): { uid: number; gid: number } {
  const { uid, gid } = requireUser(guestUser);
  return { uid, gid: findGroup('kvm')?.gid ?? gid };
}
