/** Tasks of this node: lists, states, logs. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { taskIndex, taskList, taskLog, taskStatus, taskStop } from '@ryokan/api/methods/tasks.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import type { TaskRow } from '../../tasks/tasks.ts';
import { childrenOf } from '../directory.ts';
import { TextReply } from '../dispatcher.ts';
import { type Call, type HandlerTable, Reply } from '../handler-table.ts';
import { maySeeTask, mayStopTask, taskRow, visibleTasks } from '../task-access.ts';

export function taskHandlers(table: HandlerTable, services: DaemonServices): void {
  const { tasks, settings } = services;
  const find = (upid: string, call: Call): TaskRow => {
    const row = tasks.get(upid);
    if (!row) throw new ParameterError({ upid: 'no such task' });
    if (!maySeeTask(call, row)) {
      throw new RyokanError('forbidden', `Permission check failed (/nodes/${row.node}, Sys.Audit)`);
    }
    return row;
  };
  table.on(taskList, (params, call) => {
    const { userfilter, statusfilter, node: _node, ...filter } = params;
    const { rows, total } = tasks.list({
      ...filter,
      ...(userfilter === undefined ? {} : { user: userfilter }),
      ...(statusfilter === undefined ? {} : { statusfilter: splitList(statusfilter) }),
      ...visibleTasks(call, settings.node),
    });
    const data = rows.map((row) => ({
      ...taskRow(row),
      ...(row.endtime === undefined ? { status: 'RUNNING' } : {}),
    }));
    return new Reply(data, total > 0 ? { total } : {});
  });
  table.on(taskIndex, ({ upid }, call) => {
    find(upid, call);
    return childrenOf(taskIndex, 'name');
  });
  table.on(taskStatus, ({ upid }, call) => {
    const { endtime, status, ...row } = taskRow(find(upid, call));
    return endtime === undefined
      ? { ...row, status: 'running' as const }
      : { ...row, status: 'stopped' as const, exitstatus: status };
  });
  table.on(taskLog, async ({ upid, start = 0, limit = 50, download }, call) => {
    find(upid, call);
    const { lines, total } = await tasks.log(upid, download ? 0 : start, download ? 0 : limit);
    if (download) return new TextReply(`${lines.join('\n')}\n`, `task-${upid}.log`) as never;
    const data = lines.map((t, i) => ({ n: start + i + 1, t }));
    return new Reply(data.length > 0 ? data : [{ n: 1, t: 'no content' }], { total });
  });
  table.on(taskStop, async ({ upid }, call) => {
    const row = find(upid, call);
    if (!mayStopTask(call, row)) call.demand(`/nodes/${row.node}`, ['Sys.Modify']);
    await tasks.stop(upid);
    return null;
  });
}
