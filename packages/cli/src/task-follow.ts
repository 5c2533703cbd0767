/**
 * Follows a task to its end: log lines as they come, progress on a terminal. The event stream makes it live; the log
 * and the status themselves are what counts, so a lost stream or a restarted daemon only makes it slower.
 */
import { exitCode, LocalError } from './errors.ts';
import type { Session } from './session.ts';
import { printable, textWidth } from './width.ts';

export interface TaskEnd {
  /** `OK`, `WARNINGS: 2` or the error. */
  readonly status: string;
  readonly exitCode: number;
}

interface LogLine {
  readonly n: number;
  readonly t: string;
}

interface TaskState {
  readonly status?: string;
  readonly exitstatus?: string;
}

/** The node in a UPID; undefined when the text is none. */
export function upidNode(text: unknown): string | undefined {
  return typeof text === 'string' ? /^UPID:([^:\s]+):(?:[^:\s]*:){6}$/.exec(text)?.[1] : undefined;
}

export const taskExitCode = (status: string): number =>
  status === 'OK' || status.startsWith('WARNINGS') ? exitCode.ok : exitCode.refused;

/** How long an unreachable daemon may take to come back (ms). */
const patience = 30_000;
/** How often to look when events arrive, and when they do not (ms). */
const slowPoll = 5000;
const quickPoll = 250;

export interface FollowOptions {
  /** Only looking on: Ctrl-C leaves the task alone at once. */
  readonly watchOnly?: boolean;
}

/**
 * Shows the task until it has ended. The first Ctrl-C asks it to stop, the second leaves it alone.
 * `write` takes the log lines.
 */
export async function followTask(
  session: Session,
  upid: string,
  write: (text: string) => void,
  options: FollowOptions = {},
): Promise<TaskEnd> {
  const follower = new TaskFollower(session, upid, write, options.watchOnly === true);
  const release = session.system.onInterrupt(() => follower.interrupt());
  try {
    return await follower.run();
  } finally {
    release();
    follower.close();
  }
}

class TaskFollower {
  private shown = 0;
  private interrupts: number;
  private live = false;
  private ended = false;
  private progressLine = '';
  private readonly stream = new AbortController();
  private wake = new AbortController();
  private readonly path: string;
  private readonly session: Session;
  private readonly upid: string;
  private readonly write: (text: string) => void;

  constructor(session: Session, upid: string, write: (text: string) => void, watchOnly: boolean) {
    this.session = session;
    this.upid = upid;
    this.write = write;
    this.interrupts = watchOnly ? 1 : 0;
    this.path = `/nodes/${encodeURIComponent(upidNode(upid) ?? '')}/tasks/${encodeURIComponent(upid)}`;
  }

  async run(): Promise<TaskEnd> {
    void this.listen();
    for (;;) {
      const state = await this.look();
      if (state?.status === 'stopped') {
        await this.drainLog();
        const status = state.exitstatus ?? 'unknown';
        return { status, exitCode: taskExitCode(status) };
      }
      if (this.interrupts > 1) return { status: 'left running', exitCode: exitCode.interrupted };
      await this.pause();
    }
  }

  close(): void {
    this.stream.abort();
    this.clearProgress();
  }

  interrupt(): void {
    this.interrupts++;
    this.clearProgress();
    if (this.interrupts === 1) {
      this.session.system.err('Stopping the task. Press Ctrl-C again to leave it running.\n');
      this.session.api.call('DELETE', this.path, {}).catch((error: unknown) => {
        this.session.system.err(
          `The task cannot be stopped: ${error instanceof Error ? error.message : error}\n`,
        );
      });
    } else {
      this.session.system.err(`The task goes on. Follow it with: pvenode task follow ${this.upid}\n`);
    }
    this.nudge();
  }

  /** The task's state after its log was shown; undefined while the daemon is away. */
  private async look(): Promise<TaskState | undefined> {
    const until = Date.now() + patience;
    for (;;) {
      try {
        const { data } = await this.session.api.call('GET', `${this.path}/status`, {});
        const state = data as TaskState;
        if (state.status !== 'stopped') await this.drainLog();
        return state;
      } catch (error) {
        // A daemon that restarts is away for a moment; its tasks go on. Whoever pressed Ctrl-C does not wait for it.
        if (!(error instanceof LocalError) || Date.now() > until || this.interrupts > 1) throw error;
        await this.session.system.sleep(quickPoll);
      }
    }
  }

  private async drainLog(): Promise<void> {
    const { data } = await this.session.api.call('GET', `${this.path}/log`, {
      start: String(this.shown),
      limit: '0',
    });
    const lines = data as LogLine[];
    // A log without further lines answers one line that says so, numbered 1.
    if (lines.length === 1 && lines[0]?.n === 1 && lines[0].t === 'no content') return;
    for (const line of lines) this.show(line);
  }

  private show(line: LogLine): void {
    if (line.n !== this.shown + 1) return;
    this.shown = line.n;
    // The end of the task is told by the exit code and, when it failed, on stderr.
    if (/^TASK (OK$|ERROR: |WARNINGS: )/.test(line.t)) return;
    this.clearProgress();
    this.write(`${printable(line.t)}\n`);
    this.drawProgress();
  }

  private async listen(): Promise<void> {
    try {
      for await (const event of this.session.api.events(
        '/cluster/events',
        { task: this.upid },
        this.stream.signal,
      )) {
        this.receive(event.type, JSON.parse(event.data) as Record<string, unknown>);
      }
    } catch {
      // Polling goes on without the stream.
    }
    this.live = false;
    this.nudge();
  }

  private receive(type: string, data: Record<string, unknown>): void {
    // Lines written before this moment came without an event.
    if (type === 'hello') {
      this.live = true;
      this.nudge();
    }
    if (data.upid !== undefined && data.upid !== this.upid) return;
    if (type === 'log' && typeof data.n === 'number' && typeof data.t === 'string') {
      if (data.n > this.shown + 1) this.nudge();
      else this.show({ n: data.n, t: data.t });
    } else if (type === 'task' && data.upid === this.upid) {
      if (typeof data.progress === 'number') this.setProgress(data.progress, data.note);
      if (data.endtime !== undefined || data.exitstatus !== undefined) {
        this.ended = true;
        this.nudge();
      }
    }
  }

  private nudge(): void {
    this.wake.abort();
  }

  private async pause(): Promise<void> {
    if (!this.wake.signal.aborted) {
      const wait = this.live && !this.ended ? slowPoll : quickPoll;
      await this.session.system.sleep(wait, this.wake.signal);
    }
    this.wake = new AbortController();
  }

  private setProgress(fraction: number, note: unknown): void {
    const percent = `${Math.floor(fraction * 100)} %`.padStart(5);
    this.clearProgress();
    this.progressLine = typeof note === 'string' && note !== '' ? `${percent} ${printable(note)}` : percent;
    this.drawProgress();
  }

  private get drawsProgress(): boolean {
    return this.session.system.stderrIsTerminal && !this.session.output.quiet;
  }

  private drawProgress(): void {
    const columns = this.session.system.columns ?? 80;
    if (this.progressLine !== '' && this.drawsProgress && textWidth(this.progressLine) < columns) {
      this.session.system.err(this.progressLine);
    }
  }

  private clearProgress(): void {
    // Back to the line's start and clear to its end (ECMA-48 EL).
    if (this.progressLine !== '' && this.drawsProgress) this.session.system.err('\r\x1b[K');
  }
}

/** Follows a task and tells how it ended; the exit code of the command. */
export async function followAndReport(
  session: Session,
  upid: string,
  write: (text: string) => void,
  options: FollowOptions = {},
): Promise<number> {
  const end = await followTask(session, upid, write, options);
  if (end.exitCode === exitCode.refused) session.system.err(`${printable(end.status)}\n`);
  else if (end.status.startsWith('WARNINGS')) session.system.err(`The task ended with ${end.status}\n`);
  return end.exitCode;
}
