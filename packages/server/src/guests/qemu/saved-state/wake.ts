/** A guest whose memory was saved to disk, and its way back. */
import { messageOf } from '@ryokan/api/errors.ts';
import type { ConfigProperties, GuestConfigFile } from '../../config-file.ts';
import { guestEnded } from '../../guest-ended.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { changeFile, readGuest, salvageGuest, unlocked } from '../../guest-store.ts';
import { qemuKind } from '../kind.ts';
import { withQmpIfRunning } from '../power.ts';
import { guestProcess, signalProcess, waitForExit } from '../process.ts';
import type { QmpClient } from '../qmp-client.ts';
import { type StateToLoad, stateIn } from './load.ts';
import { removeState } from './volume.ts';

/** The guest was suspended to disk: it does not run, and its configuration says where its memory is. */
export const isSuspended = (properties: ConfigProperties): boolean =>
  properties.lock === 'suspended' && properties.vmstate !== undefined;

/** The memory of a suspended guest; undefined for one that is not. */
export function suspendedState(services: GuestServices, vmid: number): StateToLoad | undefined {
  const { properties } = salvageGuest(services.store, 'qemu', services.settings.node, vmid).file;
  return isSuspended(properties) ? stateIn(properties) : undefined;
}

/** The document of a guest that has no saved memory any more. */
export function withoutState(file: GuestConfigFile): GuestConfigFile {
  const { vmstate: _volume, runningmachine: _machine, runningcpu: _cpu, ...properties } = file.properties;
  return unlocked({ ...file, properties });
}

/**
 * Lets a guest go on whose memory has been loaded. Before its first instruction the configuration forgets the memory:
 * loaded a second time, it would not fit the disks.
 */
export async function wakeUp(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  { volid }: StateToLoad,
  context: ChangeContext,
): Promise<void> {
  context.keep?.();
  context.undo('suspend.settle-wake', { vmid, volid });
  await changeFile(services, vmid, 'start', withoutState);
  await qmp.execute('cont');
  await removeState(services, volid, context).catch((error: unknown) =>
    context.warn(`the saved memory '${volid}' is of no use any more, but stays: ${messageOf(error)}`),
  );
}

/** Undo: the configuration says whether the guest was awake already; then it goes on. Safe to repeat. */
export async function settleWake(services: GuestServices, vmid: number, volid: string): Promise<void> {
  await services.locks.with(`qemu-${vmid}`, async () => {
    const { properties } = readGuest(services.store, 'qemu', services.settings.node, vmid).file;
    const log = {
      log: () => {},
      warn: (reason: string) => services.log.warn({ vmid, reason }, 'hook script'),
    };
    if (properties.vmstate === volid) {
      const process = guestProcess(services.paths, vmid);
      if (process) {
        signalProcess(process, 'SIGKILL');
        await waitForExit(process, 5000);
      }
      await guestEnded(services, qemuKind, vmid, log);
      return;
    }
    await withQmpIfRunning(services, vmid, async (qmp) => {
      const state = await qmp?.execute<{ running: boolean }>('query-status');
      if (state && !state.running) await qmp?.execute('cont');
    });
    await removeState(services, volid, log);
  });
}
