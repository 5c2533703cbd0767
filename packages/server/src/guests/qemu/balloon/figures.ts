/** What a guest's balloon driver says of its memory (QEMU's docs, "Virtio balloon memory statistics"). */
import { type QmpClient, QmpError } from '../qmp-client.ts';

/** All sizes in bytes. */
export interface BalloonFigures {
  /** What the guest has at present: its memory without what the balloon took. */
  readonly actual: number;
  /** What its driver reports; undefined as long as it has not. */
  readonly report?: BalloonReport;
}

export interface BalloonReport {
  /** Seconds since the epoch. */
  readonly time: number;
  /** Memory that the guest's system manages, and what it could still use without swapping. */
  readonly total: number;
  readonly free: number;
  readonly swapIn?: number;
  readonly swapOut?: number;
  readonly majorFaults?: number;
  readonly minorFaults?: number;
}

/** How long QEMU may take (ms): one guest that hangs must not hold up the others for long. */
const patience = 2000;

/** Undefined for a guest without a balloon. Rejects when QEMU does not answer. */
export async function readBalloon(qmp: QmpClient): Promise<BalloonFigures | undefined> {
  try {
    const [{ actual }, stats] = await Promise.all([
      qmp.execute<{ actual: number }>('query-balloon', {}, { timeout: patience }),
      qmp.execute<GuestStats>(
        'qom-get',
        { path: '/machine/peripheral/balloon0', property: 'guest-stats' },
        { timeout: patience },
      ),
    ]);
    const report = parseStats(stats);
    return report ? { actual, report } : { actual };
  } catch (error) {
    // No device, or one whose driver has not begun.
    if (error instanceof QmpError) return undefined;
    throw error;
  }
}

export interface GuestStats {
  /** 0 before the first report. */
  readonly 'last-update': number;
  /** Numbers that the driver does not know are 2^64 - 1, or -1. */
  readonly stats: Readonly<Record<string, number>>;
}

export function parseStats({ 'last-update': time, stats }: GuestStats): BalloonReport | undefined {
  const value = (name: string) => {
    const number = stats[`stat-${name}`];
    return number === undefined || number < 0 || number > Number.MAX_SAFE_INTEGER ? undefined : number;
  };
  const total = value('total-memory');
  // Caches are there to be given up: older drivers do not tell what is available.
  const free = value('available-memory') ?? value('free-memory');
  if (time === 0 || total === undefined || free === undefined) return undefined;
  const optional = {
    swapIn: value('swap-in'),
    swapOut: value('swap-out'),
    majorFaults: value('major-faults'),
    minorFaults: value('minor-faults'),
  };
  const known = Object.entries(optional).filter(([, one]) => one !== undefined);
  return { time, total, free: Math.min(free, total), ...Object.fromEntries(known) };
}
