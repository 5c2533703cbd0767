/** What the balloon of a guest says, under the names that clients know. */
import type { GuestSummary } from '../guests/guest-index.ts';
import type { BalloonFigures, BalloonReport } from '../guests/qemu/balloon/figures.ts';

/** Sizes in bytes. */
interface BalloonState {
  readonly balloon_min?: number;
  readonly shares?: number;
  readonly balloon?: number;
  readonly freemem?: number;
  readonly ballooninfo?: Record<string, number>;
}

/** Empty for guests whose memory is not to be touched and that do not run. */
export function balloonState(
  guest: GuestSummary | undefined,
  figures: BalloonFigures | undefined,
): BalloonState {
  const limits = guest?.balloon ? { balloon_min: guest.balloon, shares: guest.shares } : {};
  if (!guest || !figures) return limits;
  const { actual, report } = figures;
  return {
    ...limits,
    balloon: actual,
    ...(report ? { freemem: report.free } : {}),
    ballooninfo: { actual, max_mem: guest.maxmem, ...(report ? balloonInfo(report) : {}) },
  };
}

function balloonInfo(report: BalloonReport): Record<string, number> {
  const rest: Record<string, number | undefined> = {
    mem_swapped_in: report.swapIn,
    mem_swapped_out: report.swapOut,
    major_page_faults: report.majorFaults,
    minor_page_faults: report.minorFaults,
  };
  const info: Record<string, number> = {
    total_mem: report.total,
    free_mem: report.free,
    last_update: report.time,
  };
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) info[name] = value;
  return info;
}
