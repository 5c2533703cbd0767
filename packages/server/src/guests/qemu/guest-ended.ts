/** What is done when a guest's QEMU has ended, by a task or by itself. */
import { messageOf } from '@ryokan/api/errors.ts';
import { guardGuest } from '../../network/firewall/guard.ts';
import type { GuestServices } from '../guest-services.ts';
import { type HookLog, postStop } from '../hookscript.ts';
import { cleanUpAfter, isRunning } from './process.ts';

/** Removes what QEMU has left and runs the hook script. The caller holds the guest's lock; safe to repeat. */
export async function guestEnded(services: GuestServices, vmid: number, log: HookLog): Promise<void> {
  await cleanUpAfter(services.paths, services.settings.node, vmid);
  // Rules without a card harm nobody, so that what keeps them from going does not keep the guest from ending.
  await guardGuest(services, vmid, []).catch((error: unknown) => log.warn(messageOf(error)));
  await postStop(services, vmid, log);
}

/** For an end that no task is at work on. The caller holds no lock. `patience`: how long the guest's lock is waited for (ms). */
export async function endedOutsideTask(
  services: GuestServices,
  vmid: number,
  patience: number,
  before: () => Promise<void> = async () => {},
): Promise<void> {
  const { locks, log, paths } = services;
  const hookLog = {
    log: (line: string) => log.info({ vmid, line }, 'hook script'),
    warn: (line: string) => log.warn({ vmid, reason: line }, 'hook script'),
  };
  const work = async () => {
    await before();
    if (!isRunning(paths, vmid)) await guestEnded(services, vmid, hookLog);
  };
  await locks.with(`qemu-${vmid}`, work, { timeout: patience });
}
