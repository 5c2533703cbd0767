/** Starting changes: calls with a message when they fail, and tasks that are followed to their end. */
import { taskStatus } from '@ryokan/api/methods/tasks.ts';
import { parseUpid } from '@ryokan/api/schema/upid.ts';
import { toast, toastError } from '../components/toasts.tsx';
import { translate } from '../i18n/index.ts';
import { describeTask } from '../util/task-text.ts';
import { onTaskEnd } from './live.ts';
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
    const title = describeTask(task.type, task.id);
    if (result === 'ok') {
      toast({ variant: 'success', title });
      return;
    }
    toast({
      variant: result === 'warning' ? 'warning' : 'danger',
      title: translate(result === 'warning' ? 'task.endedWithWarnings' : 'task.failed', { task: title }),
      body: task.status,
      link: { text: translate('task.openLog'), onClick: () => showTask(task.upid) },
    });
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

/** Resolves when a task has ended, with its exit text (`OK` or what went wrong). */
export async function taskEnd(upid: string, signal?: AbortSignal): Promise<string> {
  const node = parseUpid(upid)?.node ?? '';
  let stop = () => {};
  const event = new Promise<string>((resolve) => {
    stop = onTaskEnd((task: Task) => task.upid === upid && resolve(task.status ?? 'unknown'));
  });
  try {
    // It may have ended before we listened: ask once, then wait for the event.
    const status = await api.call(taskStatus, { node, upid }, signal ? { signal } : {});
    if (status.status === 'stopped') return status.exitstatus ?? 'unknown';
    return await event;
  } finally {
    stop();
  }
}
