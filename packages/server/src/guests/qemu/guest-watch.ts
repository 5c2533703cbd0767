/** What QEMU says of one running guest, kept current by its events and by a question now and then. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { GuestServices } from '../guest-services.ts';
import { failingDiskText, silenceText, stateText } from './guest-warning.ts';
import { followRelease } from './hotplug/follow-up.ts';
import { BlockErrors, failingDisks, hasRoomAgain } from './io-trouble.ts';
import { guestProcess } from './process.ts';
import type { QmpClient, QmpEvent } from './qmp-client.ts';

/** Events after which the run state is another one, or a disk fails. */
const stateEvents: ReadonlySet<string> = new Set([
  'STOP',
  'RESUME',
  'SUSPEND',
  'WAKEUP',
  'RESET',
  'GUEST_PANICKED',
  'BLOCK_IO_ERROR',
  'POWERDOWN',
]);

/** How long QEMU may think about a question before the guest counts as not answering (ms). */
export const answerPatience = 3_000;
/** The question itself is given up only with the connection: its answer tells that QEMU is back. */
const untilClosed = 2 ** 31 - 1;

export class GuestWatch {
  /** QEMU's run state: running, paused, prelaunch, io-error, … The last one that it told. */
  qmpstatus = '';
  /** Its machine type: `pc-i440fx-7.2`. */
  machine = '';
  /** What QEMU says. */
  private trouble: string | undefined;
  /** What is wrong with the programs that serve it. */
  private readonly helperProblems: string[] = [];
  /** QEMU has not answered for a while. */
  silent = false;
  /** QEMU has said that it ends: what follows is no crash. */
  ending = false;
  private readonly errors = new BlockErrors();
  private looking: Promise<void> | undefined;
  private again = false;

  /** Listens from now on; `look` asks for the first time. */
  constructor(
    private readonly services: GuestServices,
    private readonly vmid: number,
    readonly qmp: QmpClient,
    private readonly onChange: () => void,
  ) {
    qmp.onEvent((event) => this.hear(event));
  }

  get qemuVersion(): string {
    const { major, minor, micro } = this.qmp.greeting.version.qemu;
    return `${major}.${minor}.${micro}`;
  }

  /** What keeps the guest from working, and what to do. */
  get warning(): string | undefined {
    const problems = [...(this.trouble === undefined ? [] : [this.trouble]), ...this.helperProblems];
    return problems.length === 0 ? undefined : problems.join('\n');
  }

  /** A program that serves the guest has ended. */
  helperEnded(problem: string): void {
    this.helperProblems.push(problem);
    this.services.log.warn({ vmid: this.vmid, reason: problem }, 'a running guest has lost what serves it');
    this.onChange();
  }

  /** Asks what does not change while it runs. QEMU answers in order: a look that follows comes back later. */
  ask(): void {
    this.qmp.execute<string>('qom-get', { path: '/machine', property: 'type' }).then(
      (type) => {
        this.machine = type.replace(/-machine$/, '');
      },
      // It ended over the question.
      () => {},
    );
  }

  /** Brings all up to date. Rejects when the connection ends. */
  look(): Promise<void> {
    // Events come in bunches: one more look behind the present one sees what all of them did.
    if (this.looking) this.again = true;
    this.looking ??= this.lookUntilQuiet().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private hear(event: QmpEvent): void {
    if (event.event === 'SHUTDOWN') this.ending = true;
    if (event.event === 'DEVICE_DELETED' && typeof event.data.device === 'string')
      void followRelease(this.services, this.vmid, event.data.device);
    if (event.event === 'BLOCK_IO_ERROR') this.errors.hear(event);
    if (event.event === 'WATCHDOG')
      this.services.log.warn({ vmid: this.vmid, ...event.data }, 'the watchdog of a guest ran out');
    if (event.event === 'RESUME' || event.event === 'RESET') this.errors.resumed();
    // It may end over the question; whoever has the connection notices that.
    if (stateEvents.has(event.event)) this.look().catch(() => {});
  }

  private async lookUntilQuiet(): Promise<void> {
    do {
      this.again = false;
      const before = [this.qmpstatus, this.trouble];
      this.qmpstatus = await this.askState();
      this.trouble = await this.findTrouble();
      if (before[0] !== this.qmpstatus || before[1] !== this.trouble) this.onChange();
    } while (this.again);
  }

  /** QEMU answers in order, so that the last answer is the state after the last event. */
  private async askState(): Promise<string> {
    const late = setTimeout(() => this.fallSilent(), answerPatience);
    try {
      const { status } = await this.qmp.execute<{ status: string }>(
        'query-status',
        {},
        { timeout: untilClosed },
      );
      this.silent = false;
      return status;
    } finally {
      clearTimeout(late);
    }
  }

  private fallSilent(): void {
    const process = guestProcess(this.services.paths, this.vmid);
    if (!process) return;
    this.silent = true;
    this.trouble = silenceText(process);
    this.services.log.warn({ vmid: this.vmid, reason: this.trouble }, 'a guest does not answer');
    this.onChange();
  }

  private async findTrouble(): Promise<string | undefined> {
    const errors = this.errors.current();
    if (this.qmpstatus !== 'io-error' && errors.size === 0) return stateText(this.qmpstatus);
    const disks = await failingDisks(this.services, this.vmid, this.qmp, errors);
    if (this.qmpstatus === 'io-error' && hasRoomAgain(disks)) await this.goOn();
    return disks.length === 0 ? undefined : disks.map(failingDiskText).join('\n');
  }

  /** Lets a guest run again for which there is room again; not while a task works on it. */
  private async goOn(): Promise<void> {
    const { locks, log } = this.services;
    const { vmid } = this;
    try {
      await locks.with(`qemu-${vmid}`, async () => void (await this.qmp.execute('cont')), { timeout: 0 });
      log.info({ vmid }, 'there is room on the storage again: the guest goes on');
    } catch (error) {
      if (error instanceof RyokanError && error.code === 'locked') return;
      log.warn({ vmid, reason: messageOf(error) }, 'a guest could not be let go on');
    }
  }
}
