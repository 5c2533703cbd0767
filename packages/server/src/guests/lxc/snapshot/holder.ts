/**
 * The process that holds a container's file systems. It stands in the mount namespace of LXC's monitor, so that there is
 * somebody to let them go, and the container's processes with them, whoever else is killed: a file system that was left
 * frozen could never be unmounted, nor its loop device be freed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { Freezer } from '../cgroup.ts';

export interface HoldTarget {
  /** A process in the mount namespace. */
  readonly pid: number;
  /** Where the file systems are mounted there. */
  readonly paths: readonly string[];
  /** Of processes that go on when the file systems do. */
  readonly freezer: Freezer | undefined;
}

/** How long file systems may take to write out what they have (ms). */
const patience = 30_000;
/** How long they may be held (s): a storage that hangs must not take the container along. */
const longestHold = 30;
/** Exit code of a holder that nobody ended in time: that of timeout(1). */
const late = 124;

/**
 * Arguments: seconds; file and word that let the processes go on, empty when nothing shall; paths. Waits for a line,
 * freezes, says `ready`, and waits for the end of its input, which comes when the worker ends, too. Without the line it
 * only lets go.
 */
const holdAndLetGo = `
trap '' PIPE
limit=$1 freezer=$2 word=$3
shift 3
freeze() { for path; do fsfreeze --freeze "$path" || return 1; done; }
read -r _ && freeze "$@" && echo ready && timeout "$limit" cat > /dev/null
end=$?
for path; do fsfreeze --unfreeze "$path" || [ $end = 1 ] || end=2; done
[ -z "$freezer" ] || echo "$word" > "$freezer"
exit $end
`;

export class Holder {
  private words = '';
  private readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    child.stdin?.on('error', () => {});
    child.stderr?.on('data', (data) => {
      this.words += String(data);
    });
    this.ended = once(child, 'close').then(
      ([code]: (number | null)[]) => code ?? null,
      (error: unknown) => {
        this.words = messageOf(error);
        return null;
      },
    );
  }

  /** Starts one that holds nothing yet. What it is told comes by a pipe that no other process has. */
  static start({ pid, paths, freezer }: HoldTarget): Holder {
    const args = [
      ...['--target', String(pid), '--mount', '--', 'sh', '-c', holdAndLetGo, 'sh'],
      ...[String(longestHold), freezer?.path ?? '', freezer?.thaw ?? '', ...paths],
    ];
    // In a session of its own: what is left of a killed worker's is killed, too.
    const child = spawn('nsenter', args, {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    });
    return new Holder(child);
  }

  /** Resolves when the file systems are held. Call `end` whatever happens. */
  async hold(signal: AbortSignal): Promise<void> {
    const { stdout, stdin } = this.child;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
    const ready = stdout ? once(stdout, 'data', { signal: limit }) : Promise.resolve();
    stdin?.write('\n');
    const first = await Promise.race([ready.then(() => 'ready'), this.ended]).catch(() => 'time');
    signal.throwIfAborted();
    if (first === 'ready') return;
    const reason = first === 'time' ? `they took more than ${patience / 1000} s` : this.firstWords();
    throw new RyokanError('failed', `the file systems could not be held: ${reason}`);
  }

  /**
   * Lets all go; resolves when that is done. `late`: it was done before, since the time was over. `killed`: nobody knows
   * whether it was.
   */
  async end(): Promise<'in time' | 'late' | 'killed'> {
    this.child.stdin?.end();
    const code = await this.ended;
    if (code === null) return 'killed';
    if (code === 2) throw new RyokanError('failed', `a file system was not let go: ${this.firstWords()}`);
    return code === late ? 'late' : 'in time';
  }

  private firstWords(): string {
    return this.words.trim().split('\n')[0] || 'the process that holds them ended';
  }
}
