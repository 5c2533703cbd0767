import { taskList } from '@ryokan/api/methods/tasks.ts';
import { useEffect } from 'react';
import { onTaskEnd } from '../../api/live.ts';
import { useCall } from '../../api/query.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { TaskTable } from '../../components/task-table.tsx';
import { useT } from '../../i18n/index.ts';

/** Tasks of a node, or of one guest on it: more than the drawer keeps. */
export function TaskHistory({ node, vmid }: { node: string; vmid?: number }) {
  const t = useT();
  const { data, error, refetch } = useCall(taskList, {
    node,
    source: 'all',
    limit: 500,
    ...(vmid === undefined ? {} : { vmid }),
  });
  useEffect(
    () =>
      onTaskEnd((task) => {
        if (task.node === node) void refetch();
      }),
    [node, refetch],
  );
  if (error && !data) return <ErrorNotice error={error} onRetry={refetch} />;
  if (!data) return <Loading />;
  return <TaskTable tasks={data} label={t('tab.tasks')} />;
}

export default function NodeTasks({ node }: { node: string }) {
  return <TaskHistory node={node} />;
}
