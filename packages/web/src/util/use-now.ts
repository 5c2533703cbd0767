/** One clock for the whole page: all relative times tick together, and only while something shows them. */
import { useSyncExternalStore } from 'react';

const everyMs = 10_000;
const listeners = new Set<() => void>();
let now = Math.floor(Date.now() / 1000);
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  // While nobody looked, the clock stood still.
  if (listeners.size === 0) now = Math.floor(Date.now() / 1000);
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Math.floor(Date.now() / 1000);
    for (const one of listeners) one();
  }, everyMs);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Seconds since the epoch, anew every ten seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
