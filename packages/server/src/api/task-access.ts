/**
 * Who may see and end tasks. A user sees the own ones and those of the own API tokens, a token only what it has started
 * itself; Sys.Audit on the node shows all, Sys.Modify ends them.
 */
import type { TaskRow } from '../tasks/tasks.ts';
import type { Call } from './handler-table.ts';

/** `user@realm!token` as clients want it: user and token apart. */
export function taskRow(row: TaskRow): TaskRow & { tokenid?: string } {
  const mark = row.user.indexOf('!');
  return mark < 0 ? row : { ...row, user: row.user.slice(0, mark), tokenid: row.user.slice(mark + 1) };
}

const isOwn = (call: Call, row: TaskRow): boolean =>
  row.user === call.user || row.user.startsWith(`${call.user}!`);

/** The caller's own task, or one of a node whose state the caller may read. */
export function maySeeTask(call: Call, row: TaskRow): boolean {
  return isOwn(call, row) || call.can(`/nodes/${row.node}`, ['Sys.Audit']);
}

/** What narrows a list of tasks down to those that the caller may see. */
export function visibleTasks(call: Call, node: string): { owner?: string } {
  return call.can(`/nodes/${node}`, ['Sys.Audit']) ? {} : { owner: call.user };
}

/** May the caller end this task? */
export function mayStopTask(call: Call, row: TaskRow): boolean {
  return isOwn(call, row) || call.can(`/nodes/${row.node}`, ['Sys.Modify']);
}
