/** Bringing a saved state into a QEMU that was started to wait for one. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { nextEvent, type QmpClient } from '../qmp-client.ts';
import { qemuRunPaths } from '../run-paths.ts';
import { sendState } from './stream.ts';

/** What a start brings back instead of booting. */
export interface StateToLoad {
  /** Volume with the memory. */
  readonly volid: string;
  /** Machine type and -cpu text of the guest when it was saved. */
  readonly machine?: string | undefined;
  readonly cpu?: string | undefined;
}

/** The saved state that a section of a configuration describes: a snapshot's, or that of a suspended guest. */
export function stateIn(properties: Readonly<Record<string, string>>): StateToLoad | undefined {
  const { vmstate, runningmachine, runningcpu } = properties;
  return vmstate === undefined ? undefined : { volid: vmstate, machine: runningmachine, cpu: runningcpu };
}

/** Looks at least this often (ms). */
const lookEvery = 250;

/** Loads the state; the guest is paused afterwards, as it was when it was saved. */
export async function loadState(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  state: StateToLoad,
  context: ChangeContext,
): Promise<void> {
  const socket = qemuRunPaths(services.paths, vmid).state;
  const path = await services.storage.path(state.volid);
  await qmp.execute('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] });
  await qmp.execute('migrate-incoming', { uri: `unix:${socket}` });
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  const sent = sendState(path, socket, signal);
  sent.catch(() => {});
  try {
    await untilLoaded(qmp, context.signal);
    await sent;
  } catch (cause) {
    throw new RyokanError(
      'failed',
      `the memory in '${state.volid}' could not be loaded: ${messageOf(cause)}`,
      { cause, context: { vmid } },
    );
  } finally {
    ended.abort();
  }
  context.log(`loaded the memory from '${state.volid}'`);
}

/** QEMU ends by itself when a state does not fit it; the connection does then. */
async function untilLoaded(qmp: QmpClient, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const changed = nextEvent(qmp, 'MIGRATION', lookEvery, signal);
    const { status, 'error-desc': error } = await qmp.execute<{ status?: string; 'error-desc'?: string }>(
      'query-migrate',
    );
    if (status === 'completed' || status === 'failed') changed.cancel();
    if (status === 'completed') return;
    if (status === 'failed') throw new RyokanError('failed', error ?? 'QEMU does not say why');
    await changed.happened;
  }
}
