/** What keeps a guest from working although its QEMU runs, in words that say what to do. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ProcessId } from '../../host/pidfile.ts';
import { processStat } from '../../host/procfs.ts';
import { readableSize } from '../../storage/image-names.ts';

/** Why a QEMU says nothing, as far as its process tells. */
export function silenceText({ pid }: ProcessId): string {
  const state = processStat(pid)?.state;
  if (state === 'T' || state === 't')
    return `QEMU does not answer: its process ${pid} was halted by a signal or a debugger. 'kill -CONT ${pid}' on the node lets it go on, Stop ends it by force`;
  if (state === 'D')
    return `QEMU does not answer: its process ${pid} waits for a disk or another device of the node. Look whether its storage answers; Stop ends it by force`;
  return `QEMU does not answer: its process ${pid} is busy or hangs. Look at the load of the node and at the log of the guest; Stop ends it by force`;
}

/** For whoever needs an answer of such a QEMU. */
export const notAnswering = (vmid: number, process: ProcessId, cause?: unknown) =>
  new RyokanError('unavailable', `VM ${vmid} runs, but ${silenceText(process)}`, {
    context: { vmid },
    cause,
  });

const byState: Readonly<Record<string, string>> = {
  'guest-panicked':
    'The operating system of the guest has crashed and said so (panic): look at its console, then reset it',
  'internal-error':
    'QEMU could not go on with the guest (internal error): its log on the node says why; reset or stop the guest',
  watchdog:
    'The watchdog of the guest ran out and has paused it: look at its console, then resume or reset it',
};

/** What a run state of QEMU means for a person; undefined for states that need no one. */
export const stateText = (qmpstatus: string): string | undefined => byState[qmpstatus];

/** A disk whose reads or writes fail. */
export interface FailingDisk {
  readonly key: string;
  /** What the configuration names; undefined when it does not say. */
  readonly volid?: string | undefined;
  /** `write` or `read`. */
  readonly operation: string;
  /** The operating system's words: `Input/output error`. */
  readonly reason: string;
  readonly noSpace: boolean;
  /** The guest was paused; otherwise it was told of the error. */
  readonly paused: boolean;
  readonly storage?: DiskStorage | undefined;
}

/** The storage of a failing disk; without figures when it does not say. */
export interface DiskStorage {
  readonly name: string;
  /** Bytes. */
  readonly space?: { readonly free: number; readonly total: number };
}

export function failingDiskText(disk: FailingDisk): string {
  const what = `disk ${disk.key}${disk.volid === undefined ? '' : ` (${disk.volid})`}`;
  const { storage } = disk;
  const where = storage === undefined ? '' : ` on storage '${storage.name}'`;
  if (disk.noSpace) {
    const space = storage?.space
      ? ` (${readableSize(storage.space.free)} of ${readableSize(storage.space.total)} are free)`
      : '';
    return `${what}: no space left${where}${space}. The guest is paused, nothing of what it wrote is lost: make room there, and it goes on by itself`;
  }
  const lost = storage && !storage.space ? `; storage '${storage.name}' is not available` : '';
  const fails = `${what}: it cannot ${disk.operation}: ${disk.reason}${lost}`;
  return disk.paused
    ? `${fails}. The guest is paused, nothing of what it wrote is lost: mend the storage, then resume the guest`
    : `${fails}. The guest was told so, and its file systems may be read-only now: mend the storage, then reset the guest`;
}

/** Room on a storage from which on a guest that ran out of it is let go on: not for the last few blocks. */
export const enoughRoom = ({ free, total }: { free: number; total: number }): boolean =>
  free >= Math.min(64 * 1024 * 1024, total / 10);

/** For a guest whose QEMU ended without having said that it would. `words`: the end of its log. */
export function crashText(time: Date, words: string): string {
  const said = words ? `; its last words: ${words}` : '';
  return (
    `QEMU ended unexpectedly at ${time.toISOString().slice(0, 19)}Z (it was killed, or crashed)${said}. ` +
    "The guest can be started again. Look at the node's kernel log: did the node run out of memory?"
  );
}
