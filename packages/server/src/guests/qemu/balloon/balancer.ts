/** Keeps up what guests say of their memory, and moves their balloons so that the node has enough of it. */
import { messageOf } from '@ryokan/api/errors.ts';
import type { Logger } from '../../../host/log.ts';
import type { GuestSummary } from '../../guest-index.ts';
import type { QemuMonitor, RunningGuest } from '../monitor.ts';
import { type BalloonFigures, readBalloon } from './figures.ts';
import { type BalloonGuest, balloonTargets, type HostMemory } from './targets.ts';

/** A driver that has not reported for this long (seconds) does nothing about its balloon either. */
const freshReport = 60;

export interface BalancerSources {
  readonly monitor: QemuMonitor;
  readonly guest: (vmid: number) => GuestSummary | undefined;
  readonly host: () => HostMemory;
  /** The share of the node's memory that is to be in use, 0..1. */
  readonly target: () => number;
  readonly log: Logger;
  /** Called after the figures of a guest have changed. */
  readonly onFigures: (vmid: number) => void;
}

export class Balancer {
  private readonly known = new Map<number, BalloonFigures>();
  private busy = false;

  constructor(private readonly sources: BalancerSources) {}

  /** As of the last round; undefined for guests without a balloon and those that do not run. */
  figures(vmid: number): BalloonFigures | undefined {
    return this.sources.monitor.get(vmid) ? this.known.get(vmid) : undefined;
  }

  /** Bytes that the guest itself uses, without its caches; undefined as long as it has not told. */
  usedMemory(vmid: number): number | undefined {
    const report = this.figures(vmid)?.report;
    return report && report.total - report.free;
  }

  /** Asks all guests, then moves their balloons. Never rejects; a round that is still at work is not joined by another. */
  async round(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const running = [...this.sources.monitor.all()];
      await Promise.all(running.map((guest) => this.ask(guest)));
      for (const vmid of this.known.keys()) if (!this.sources.monitor.get(vmid)) this.known.delete(vmid);
      await this.balance(running);
    } finally {
      this.busy = false;
    }
  }

  private async ask({ vmid, watch }: RunningGuest): Promise<void> {
    if (!watch || watch.silent) return;
    const { qmp } = watch;
    try {
      const figures = await readBalloon(qmp);
      if (figures) this.known.set(vmid, figures);
      else this.known.delete(vmid);
      this.sources.onFigures(vmid);
    } catch {
      // It has just ended, or hangs, which shows elsewhere.
    }
  }

  private async balance(running: readonly RunningGuest[]): Promise<void> {
    const { host, log, target } = this.sources;
    const movable = running.flatMap((guest) => this.movable(guest) ?? []);
    if (movable.length === 0) return;
    for (const [vmid, value] of balloonTargets(host(), movable, target())) {
      try {
        log.debug({ vmid, value }, 'balloon');
        await this.sources.monitor.get(vmid)?.watch?.qmp.execute('balloon', { value });
      } catch (error) {
        log.warn({ vmid, reason: messageOf(error) }, 'could not change the memory of a guest');
      }
    }
  }

  /** What may be done with a guest's memory; undefined when it is to be left alone. */
  private movable({ vmid, watch }: RunningGuest): BalloonGuest | undefined {
    const guest = this.sources.guest(vmid);
    const figures = this.known.get(vmid);
    const min = guest?.balloon;
    if (!guest || min === undefined || min === 0 || min >= guest.maxmem || guest.shares === 0)
      return undefined;
    // Whoever saves or moves its memory does not want it to change under way.
    if (watch?.qmpstatus !== 'running' || watch.silent || guest.lock !== undefined || !figures?.report)
      return undefined;
    if (Date.now() / 1000 - figures.report.time > freshReport) return undefined;
    return { vmid, actual: figures.actual, min, max: guest.maxmem, shares: guest.shares };
  }
}
