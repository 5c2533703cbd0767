/** Starting changes: calls with a message when they fail, and tasks that are followed to their end. */
import { taskStatus } from '@ryokan/api/methods/tasks.ts';
import { parseUpid } from '@ryokan/api/schema/upid.ts';
import { toast, toastError } from '../components/toasts.tsx';
import { translate } from '../i18n/index.ts';
import { describeTask } from '../util/task-text.ts';
import { onStreamOpen, onTaskEnd } from './live.ts';
import { outcome, type Task } from './rows.ts';
import { api } from './session.ts';

/** Tasks that this page started: their failure is told wherever the user is by then. */
const mine = new Set<string>();
let showTask: (upid: string) => void = () => undefined;

/** The frame says how a task is opened. */
export function setTaskOpener(open: (upid: string) => void): void {
  showTask = open;
}

/** Tells how tasks of this page ended. Call once at start. */
export function announceTaskEnds(): () => void {
  return onTaskEnd((task) => {
    if (!mine.delete(task.upid)) return;
    const result = outcome(task);
    if (result === 'ok') toast({ variant: 'success', title: describeTask(task.type, task.id) });
    else tellTrouble(task, task.status ?? 'unknown', result === 'warning');
  });
}

/** A task that failed or warned, with the way to its log. */
function tellTrouble(task: Pick<Task, 'upid' | 'type' | 'id'>, exit: string, warned: boolean): void {
  toast({
    variant: warned ? 'warning' : 'danger',
    title: translate(warned ? 'task.endedWithWarnings' : 'task.failed', {
      task: describeTask(task.type, task.id),
    }),
    body: exit,
    link: { text: translate('task.openLog'), onClick: () => showTask(task.upid) },
  });
}

/** Runs a call; a failure becomes a message and `undefined`. A task id in the answer is followed. */
export async function run<T>(failureTitle: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    const result = await call();
    if (typeof result === 'string' && result.startsWith('UPID:')) mine.add(result);
    return result;
  } catch (error) {
    toastError(failureTitle, error);
    return undefined;
  }
}

/** Remembers a task started elsewhere (a dialog that shows its own errors). */
export function follow(upid: unknown): void {
  if (typeof upid === 'string' && upid.startsWith('UPID:')) mine.add(upid);
}

/**
 * Resolves when a task has ended well; with warnings it says so by a message. Throws an Error with the exit text of a task
 * that failed.
 */
export async function taskDone(upid: string, signal?: AbortSignal): Promise<void> {
  const exit = await taskEnd(upid, signal);
  if (exit === 'OK') return;
  const parts = parseUpid(upid);
  if (!exit.startsWith('WARNINGS')) throw new Error(exit);
  if (parts) tellTrouble({ upid, type: parts.type, id: parts.id }, exit, true);
}

/** The exit text of a task (`OK`, `WARNINGS: 1` or what went wrong), as soon as it has ended. */
async function taskEnd(upid: string, signal?: AbortSignal): Promise<string> {
  const node = parseUpid(upid)?.node ?? '';
  const stops: (() => void)[] = [];
  const event = new Promise<string>((resolve, reject) => {
    const ask = async () => {
      const status = await api.call(taskStatus, { node, upid }, signal ? { signal } : {});
      if (status.status === 'stopped') resolve(status.exitstatus ?? 'unknown');
    };
    stops.push(onTaskEnd((task) => task.upid === upid && resolve(task.status ?? 'unknown')));
    // Its end may fall into a gap of the event stream: ask when the stream comes back.
    stops.push(onStreamOpen(() => void ask().catch(() => undefined)));
    // It may have ended before we listened: ask once, then wait for the event.
    ask().catch(reject);
  });
  try {
    return await event;
  } finally {
    for (const stop of stops) stop();
  }
}
