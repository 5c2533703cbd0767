/** The kinds of guests that there are. */
import type { GuestKind } from './guest-kind.ts';
import type { GuestServices } from './guest-services.ts';
import { type GuestType, guestOwner } from './guest-store.ts';
import { lxcKind } from './lxc/kind.ts';
import { qemuKind } from './qemu/kind.ts';

const kinds: Readonly<Record<GuestType, GuestKind>> = { qemu: qemuKind, lxc: lxcKind };

/** Of the guest that has this VMID; without one, that of virtual machines. */
export function kindOf({ store }: Pick<GuestServices, 'store'>, vmid: number): GuestKind {
  return kinds[guestOwner(store, vmid)?.type ?? 'qemu'];
}
