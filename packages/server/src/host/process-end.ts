/** Ending processes that are not our children. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessId } from './pidfile.ts';
import { isAlive } from './procfs.ts';

/**
 * Waits until the process has ended; false after `timeout` ms. Node.js has no pidfd, so this reads /proc (state Z
 * counts as ended) in growing steps; callers that can wait for the end of a QMP connection do that first.
 */
export async function waitForExit(
  target: ProcessId,
  timeout: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + timeout;
  // Short at first: most ends take a few milliseconds.
  for (let pause = 2; isAlive(target.pid, target.startTime); pause = Math.min(pause * 1.5, 200)) {
    if (Date.now() >= deadline) return false;
    await sleep(Math.min(pause, Math.max(1, deadline - Date.now())), undefined, signal ? { signal } : {});
  }
  return true;
}

/** No error when the process has ended, even if another one has got its number. */
export function signalProcess(target: ProcessId, signal: NodeJS.Signals): void {
  if (!isAlive(target.pid, target.startTime)) return;
  try {
    process.kill(target.pid, signal);
  } catch {
    // It ended in between.
  }
}
