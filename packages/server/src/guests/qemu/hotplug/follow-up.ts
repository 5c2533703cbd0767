/** A guest that lets go of a device later than anybody waited: the change that had asked for it is completed then. */
import { messageOf } from '@ryokan/api/errors.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readGuest } from '../../guest-store.ts';
import { isRunning } from '../process.ts';
import { applyToRunning } from './apply.ts';

/** How long whoever works on the guest is waited for (ms). */
const patience = 60_000;

/** `device`: the id that QEMU's DEVICE_DELETED names. Never rejects; what fails waits for the next start, as before. */
export async function followRelease(services: GuestServices, vmid: number, device: string): Promise<void> {
  const key = keyOfReleased(device);
  if (key === undefined) return;
  const { locks, log, paths, store, settings } = services;
  const pending = () => {
    const { pending } = readGuest(store, 'qemu', settings.node, vmid).file;
    return key in pending.delete || key in pending.properties;
  };
  const line = (text: string) => log.info({ vmid, device }, text);
  const context: ChangeContext = {
    ...{ log: line, warn: line, undo: () => {} },
    signal: new AbortController().signal,
  };
  try {
    // Most releases come in time: the change that waits for this one has the lock, and has nothing left to do behind it.
    await locks.with(
      `qemu-${vmid}`,
      async () => {
        if (!isRunning(paths, vmid) || !pending()) return;
        line('the guest has let go of a device at last');
        const problems = await applyToRunning(services, vmid, [key], 'hotplug', context);
        for (const problem of Object.values(problems)) log.warn({ vmid, device, problem }, 'hotplug');
      },
      { timeout: patience },
    );
  } catch (error) {
    log.warn({ vmid, device, reason: messageOf(error) }, 'a change could not be completed');
  }
}

/** The key of the configuration whose change waits for a device. */
export function keyOfReleased(device: string): string | undefined {
  if (/^(?:net|usb|ide|sata|scsi|virtio)\d+$/.test(device)) return device;
  if (/^cpu\d+$/.test(device)) return 'vcpus';
  if (/^dimm\d+$/.test(device)) return 'memory';
  // The controller of one disk.
  const index = /^virtioscsi(\d+)$/.exec(device)?.[1];
  return index === undefined ? undefined : `scsi${index}`;
}
