/** Starts jobs when their time comes, by one timer to the next of them. A time that passed while no daemon ran is not made up for. */
import type { Section } from '../cluster/section-document.ts';
import type { ConfigStore } from '../cluster/store.ts';
import type { Logger } from '../host/log.ts';
import { claimRun, isEnabled, jobs, jobsCfg, nextRun } from './jobs.ts';

export interface JobType {
  /** As in the heads of jobs.cfg. */
  readonly type: string;
  /** Starts a run; it need not wait for its end. */
  start(job: Section): Promise<unknown>;
}

/** A clock that is set (by hand, after a sleep of the machine) is noticed after this at the latest. Milliseconds. */
const longestWait = 3600_000;

export class JobScheduler {
  private known: readonly Section[] = [];
  /** All events up to this moment have been dealt with (milliseconds). */
  private since: number;
  private timer: NodeJS.Timeout | undefined;
  private stopWatch: (() => void) | undefined;

  constructor(
    private readonly store: ConfigStore,
    private readonly types: readonly JobType[],
    private readonly log: Logger,
    private readonly clock: () => number = Date.now,
  ) {
    this.since = clock();
  }

  open(): void {
    this.stopWatch = this.store.watch(jobsCfg, () => this.reload());
    this.reload();
  }

  close(): void {
    this.stopWatch?.();
    clearTimeout(this.timer);
  }

  /** What was due under the old schedules runs; the new ones hold from now on. */
  private reload(): void {
    this.runDue();
    this.known = jobs(this.store).filter(isEnabled);
    this.arm();
  }

  private runDue(): void {
    const now = this.clock();
    const due = this.known.flatMap((job) => {
      const time = nextRun(job, this.since);
      return time !== undefined && time <= now ? [{ job, time }] : [];
    });
    this.since = now;
    for (const { job, time } of due) {
      this.run(job, time).catch((error: unknown) =>
        this.log.error({ err: error, job: job.id }, 'a job could not be started'),
      );
    }
  }

  private async run(job: Section, time: number): Promise<void> {
    const type = this.types.find((one) => one.type === job.type);
    if (type && (await claimRun(this.store, job, time))) await type.start(job);
  }

  private arm(): void {
    clearTimeout(this.timer);
    const times = this.known.flatMap((job) => nextRun(job, this.since) ?? []);
    if (times.length === 0) return;
    const wait = Math.min(...times) - this.clock();
    this.timer = setTimeout(
      () => {
        this.runDue();
        this.arm();
      },
      Math.min(longestWait, Math.max(0, wait)),
    );
  }
}
