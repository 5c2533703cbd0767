import { useTasks } from '../../api/hooks.ts';
import { TaskTable } from '../../components/task-table.tsx';
import { useT } from '../../i18n/index.ts';

export default function DatacenterTasks() {
  const t = useT();
  return <TaskTable tasks={useTasks()} label={t('tab.tasks')} />;
}
