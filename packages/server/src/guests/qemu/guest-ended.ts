/** What is done when a guest's QEMU has ended, by a task or by itself. */
import type { GuestServices } from '../guest-services.ts';
import { type HookLog, postStop } from './hookscript.ts';
import { cleanUpAfter } from './process.ts';

/** Removes what QEMU has left and runs the hook script. The caller holds the guest's lock; safe to repeat. */
export async function guestEnded(services: GuestServices, vmid: number, log: HookLog): Promise<void> {
  await cleanUpAfter(services.paths, services.settings.node, vmid);
  await postStop(services, vmid, log);
}
