/** Which devices a running guest has, and taking one away: the guest has a say in that. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { type QmpClient, QmpError, type QmpEvent } from '../qmp-client.ts';

/** How long a guest gets to let go of a device (ms). */
export const releaseTimeout = 10_000;
/** A guest that does not run lets go of nothing; QEMU itself takes some devices without asking it (ms). */
const haltedTimeout = 500;

/** Ids of the devices that came with an id: those of the command line and those plugged in since. */
export async function deviceIds(qmp: QmpClient): Promise<Set<string>> {
  const devices = await qmp.execute<{ name: string }[]>('qom-list', { path: '/machine/peripheral' });
  return new Set(devices.map((device) => device.name).filter((name) => name !== 'type'));
}

/**
 * Takes a device away and waits until the guest has let go of it. No error when there is none of that id. Rejects with
 * RyokanError 'state' when the guest refuses or says nothing in time; when it lets go later, follow-up.ts goes on.
 */
export async function releaseDevice(qmp: QmpClient, id: string, timeout = releaseTimeout): Promise<void> {
  const { running } = await qmp.execute<{ running: boolean }>('query-status');
  const answer = awaitRelease(qmp, id, running ? timeout : Math.min(timeout, haltedTimeout));
  try {
    await qmp.execute('device_del', { id });
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    if (error.qmpClass === 'DeviceNotFound') return;
    // Asked for before, and the guest has not answered yet: it may now.
    if (!/in the process of unplug/.test(error.message)) throw error;
  }
  const outcome = await answer;
  if (outcome === 'gone' || !(await deviceIds(qmp)).has(id)) return;
  const why =
    outcome === 'refused'
      ? 'the guest refuses to let go of it; is it in use there?'
      : running
        ? `the guest did not let go of it within ${timeout / 1000} s; is its operating system running, and is the device free there?`
        : 'the guest is paused, and cannot let go of it; resume it';
  throw new RyokanError('state', `'${id}' cannot be unplugged now: ${why}`, { context: { device: id } });
}

/** MEM_UNPLUG_ERROR is what QEMU before 6.2 said, and newer ones say too. */
const refusals: ReadonlySet<string> = new Set(['DEVICE_UNPLUG_GUEST_ERROR', 'MEM_UNPLUG_ERROR']);

function awaitRelease(qmp: QmpClient, id: string, timeout: number): Promise<'gone' | 'refused' | 'silent'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end('silent'), timeout);
    const stop = qmp.onEvent((event: QmpEvent) => {
      if (event.data.device !== id) return;
      if (event.event === 'DEVICE_DELETED') end('gone');
      else if (refusals.has(event.event)) end('refused');
    });
    // QEMU ended, and the device with it.
    void qmp.closed.then(() => end('gone'));
    function end(outcome: 'gone' | 'refused' | 'silent'): void {
      clearTimeout(timer);
      stop();
      resolve(outcome);
    }
  });
}
