/** Work for which a guest has to stand still for a moment. */
import type { QmpClient } from './qmp-client.ts';

/** QEMU writes out what it holds before it stops: a slow storage takes its time (ms). */
const patience = { timeout: 600_000 };

/**
 * Runs `work` while the guest is paused; a guest that was not running stays as it is. `prepare` runs before the pause, to
 * register the undo of it.
 */
export async function whilePaused(
  qmp: QmpClient,
  prepare: () => void,
  work: () => Promise<void>,
): Promise<void> {
  const { status } = await qmp.execute<{ status: string }>('query-status');
  if (status !== 'running') return work();
  prepare();
  await qmp.execute('stop', {}, patience);
  try {
    await work();
  } finally {
    await qmp.execute('cont');
  }
}
