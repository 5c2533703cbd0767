/**
 * Automatic ballooning: who gives memory back when the node runs short of it, and who gets it when there is some. Each
 * guest keeps its minimum; what is above that is divided by the guests' shares. Pure.
 */

/** All sizes in bytes. */
export interface BalloonGuest {
  readonly vmid: number;
  /** What it has now, and the limits in which that may change. */
  readonly actual: number;
  readonly min: number;
  readonly max: number;
  /** Weight against the others. */
  readonly shares: number;
}

export interface HostMemory {
  readonly total: number;
  readonly used: number;
}

const mib = 1024 * 1024;
/** A balloon moves by this much in one round: a guest has to find the memory, and the next round sees what came of it. */
const step = 100 * mib;
/** Less is not worth a change: it would never come to rest. */
const smallest = 10 * mib;

/** New sizes by VMID, for those that change. `target` is the share of the node's memory that is to be in use, 0..1. */
export function balloonTargets(
  host: HostMemory,
  guests: readonly BalloonGuest[],
  target: number,
): Map<number, number> {
  const spare = host.total * target - host.used;
  const wanted = divide(guests, sum(guests, ({ actual, min }) => actual - min) + spare);
  const changes = new Map<number, number>();
  let toGive = Math.max(0, spare);
  for (const [index, { vmid, actual }] of guests.entries()) {
    const difference = Math.min((wanted[index] ?? actual) - actual, step, toGive);
    // Memory that one guest still has to give is not there for another before the next round.
    const change = Math.max(difference, -step);
    if (Math.abs(change) < smallest && !reaches(guests[index], wanted[index], change)) continue;
    toGive -= Math.max(0, change);
    changes.set(vmid, Math.round((actual + change) / mib) * mib);
  }
  return changes;
}

/** A last small piece up to the whole memory, or down to the minimum, is worth it. */
function reaches(guest: BalloonGuest | undefined, wanted: number | undefined, change: number): boolean {
  if (!guest || Math.abs(change) < mib || guest.actual + change !== wanted) return false;
  return wanted === guest.min || wanted === guest.max;
}

/** The size for each guest: its minimum and its part of `pool`. What one has no room for goes to the others. */
function divide(guests: readonly BalloonGuest[], pool: number): number[] {
  const sizes = guests.map(({ min }) => min);
  let left = Math.max(0, pool);
  let open = guests.map((_guest, index) => index);
  while (left >= 1 && open.length > 0) {
    const weights = sum(open, (index) => guests[index]?.shares ?? 0);
    const portion = left / weights;
    let given = 0;
    for (const index of open) {
      const { shares = 0, max = 0 } = guests[index] ?? {};
      const more = Math.min(portion * shares, max - (sizes[index] ?? 0));
      sizes[index] = (sizes[index] ?? 0) + more;
      given += more;
    }
    left -= given;
    open = open.filter((index) => (sizes[index] ?? 0) < (guests[index]?.max ?? 0) - 0.5);
  }
  return sizes;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
