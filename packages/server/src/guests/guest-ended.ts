/** What is done when a guest has ended, by a task or by itself. */
import { messageOf } from '@ryokan/api/errors.ts';
import { guardGuest } from '../network/firewall/guard.ts';
import type { GuestKind } from './guest-kind.ts';
import type { GuestServices } from './guest-services.ts';
import { type HookLog, postStop } from './hookscript.ts';

/** Removes what the guest has left and runs the hook script. The caller holds its lock; safe to repeat. */
export async function guestEnded(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  log: HookLog,
): Promise<void> {
  await kind.cleanUpAfter(services, vmid);
  // Rules without a card harm nobody, so that what keeps them from going does not keep the guest from ending.
  await guardGuest(services, vmid, []).catch((error: unknown) => log.warn(messageOf(error)));
  await postStop(services, vmid, log);
}

/** For an end that no task is at work on. The caller holds no lock. `patience`: how long that is waited for (ms). */
export async function endedOutsideTask(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  patience: number,
  before: () => Promise<void> = async () => {},
): Promise<void> {
  const { locks, log, paths } = services;
  const endLog = {
    log: (line: string) => log.info({ vmid, line }, 'guest ended'),
    warn: (line: string) => log.warn({ vmid, reason: line }, 'guest ended'),
  };
  const work = async () => {
    await before();
    if (!kind.isRunning(paths, vmid)) await guestEnded(services, kind, vmid, endLog);
  };
  await locks.with(`${kind.type}-${vmid}`, work, { timeout: patience });
}
