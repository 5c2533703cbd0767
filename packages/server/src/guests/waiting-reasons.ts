/**
 * Why pending changes of a running guest wait, for those who look at them later. A file beside the guest's pid file, which
 * goes when the guest ends: nothing waits then. A reason that is lost (a full disk, a crash) is an explanation less.
 */
import { rmSync } from 'node:fs';
import { readTextIfPresent, writeFileAtomic } from '../host/files.ts';
import type { GuestConfigFile } from './config-file.ts';
import type { Waiting } from './live-outcome.ts';

interface Note {
  /** The value that waits; null: the key's removal. */
  readonly change: string | null;
  readonly reason: string;
}

/** Reasons by key. */
export type WaitingReasons = Readonly<Record<string, string>>;

/** Notes what became of the `tried` keys: those that hold now, or wait without a reason, have none any more. */
export async function noteWaiting(
  path: string,
  file: GuestConfigFile,
  tried: readonly string[],
  waiting: Readonly<Record<string, Waiting>>,
): Promise<void> {
  const before = readNotes(path);
  const notes = new Map(Object.entries(before).filter(([key]) => !tried.includes(key)));
  for (const [key, { reason }] of Object.entries(waiting))
    if (reason !== '') notes.set(key, { change: changeOf(file, key), reason });
  // The change itself has been told of already.
  if (notes.size > 0)
    await writeFileAtomic(path, JSON.stringify(Object.fromEntries(notes))).catch(() => undefined);
  else rmSync(path, { force: true });
}

/** Reasons for what waits in `file`; one for another value than that which waits now does not count. */
export function waitingReasons(path: string, file: GuestConfigFile): WaitingReasons {
  const notes = Object.entries(readNotes(path)).filter(
    ([key, note]) =>
      (key in file.pending.properties || key in file.pending.delete) && note.change === changeOf(file, key),
  );
  return Object.fromEntries(notes.map(([key, { reason }]) => [key, reason]));
}

const changeOf = ({ pending }: GuestConfigFile, key: string): string | null =>
  pending.properties[key] ?? null;

function readNotes(path: string): Readonly<Record<string, Note>> {
  try {
    return JSON.parse(readTextIfPresent(path) ?? '{}') as Record<string, Note>;
  } catch {
    return {};
  }
}
