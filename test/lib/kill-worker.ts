import { isAlive } from '../../packages/server/src/host/procfs.ts';
import { sleep, waitFor } from './wait.ts';

/**
 * Kills the worker of a task. It may be through with it already and wait for the next one: resolves when the daemon has
 * had the time to notice, so that it gives it none.
 */
export async function killWorker(upid: string): Promise<void> {
  const worker = Number.parseInt(upid.split(':')[2] ?? '', 16);
  if (!isAlive(worker)) return;
  process.kill(worker, 'SIGKILL');
  await waitFor(() => !isAlive(worker), { timeout: 10, every: 5, what: 'the end of the worker' });
  await sleep(50);
}
