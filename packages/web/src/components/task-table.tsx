import { outcome, type Task } from '../api/rows.ts';
import { useTaskLink } from '../frame/task-link.ts';
import { useT } from '../i18n/index.ts';
import { describeTask } from '../util/task-text.ts';
import { useFormat } from '../util/use-format.ts';
import { type Column, DataTable } from './data-table.tsx';
import { Empty } from './empty.tsx';
import { TaskState } from './task-state.tsx';
import { Time } from './time.tsx';

export function TaskTable({ tasks, label }: { tasks: readonly Task[]; label: string }) {
  const t = useT();
  const format = useFormat();
  const { open } = useTaskLink();
  const columns: Column<Task>[] = [
    {
      key: 'task',
      title: t('column.task'),
      sort: (task) => describeTask(task.type, task.id),
      render: (task) => (
        <button type="button" className="ry-link" onClick={() => open(task.upid)}>
          {describeTask(task.type, task.id)}
        </button>
      ),
    },
    {
      key: 'status',
      title: t('column.status'),
      sort: (task) => outcome(task),
      render: (task) => <TaskState task={task} />,
    },
    {
      key: 'started',
      title: t('column.started'),
      width: '9rem',
      sort: (task) => task.starttime,
      render: (task) => <Time at={task.starttime} />,
    },
    {
      key: 'duration',
      title: t('column.duration'),
      width: '7rem',
      numeric: true,
      wide: true,
      sort: (task) => (task.endtime === undefined ? undefined : task.endtime - task.starttime),
      render: (task) => (task.endtime === undefined ? '–' : format.duration(task.endtime - task.starttime)),
    },
    {
      key: 'node',
      title: t('column.node'),
      width: '8rem',
      wide: true,
      sort: (task) => task.node,
      render: (task) => task.node,
    },
    {
      key: 'user',
      title: t('column.user'),
      width: '10rem',
      wide: true,
      sort: (task) => task.user,
      render: (task) => (task.tokenid ? `${task.user}!${task.tokenid}` : task.user),
    },
  ];
  return (
    <DataTable<Task>
      label={label}
      rows={tasks}
      rowKey={(task) => task.upid}
      filterBy={(task) => [
        describeTask(task.type, task.id),
        task.type,
        task.id,
        task.user,
        task.node,
        task.status,
      ]}
      initialSort={{ key: 'started', descending: true }}
      columns={columns}
      empty={<Empty title={t('task.none')}>{t('task.noneBody')}</Empty>}
    />
  );
}
