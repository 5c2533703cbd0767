import { Button } from '@patternfly/react-core';
import { taskStop } from '@ryokan/api/methods/tasks.ts';
import { useState } from 'react';
import { useRunningTasks } from '../api/hooks.ts';
import type { Task } from '../api/rows.ts';
import { run } from '../api/run.ts';
import { api } from '../api/session.ts';
import { useT } from '../i18n/index.ts';
import { describeTask } from '../util/task-text.ts';
import { TaskState } from './task-state.tsx';

/** Tasks of a guest that run now, with their progress and a way to stop them. */
export function RunningTasks({ tasks }: { tasks: readonly Task[] }) {
  return tasks.map((task) => <RunningTask key={task.upid} task={task} />);
}

/** Tasks of these types that work on the guest now. */
export function useTasksOf(vmid: number, types: ReadonlySet<string>): Task[] {
  return useRunningTasks(vmid).filter((task) => types.has(task.type));
}

function RunningTask({ task }: { task: Task }) {
  const t = useT();
  const [stopping, setStopping] = useState(false);
  const { node, upid } = task;
  const what = describeTask(task.type, task.id);
  const stop = async () => {
    setStopping(true);
    const asked = await run(t('task.stopFailed'), () => api.call(taskStop, { node, upid }).then(() => true));
    if (!asked) setStopping(false);
  };
  return (
    <span className="ry-inline-list" role="status">
      {what} <TaskState task={task} />
      <Button
        variant="link"
        size="sm"
        isInline
        isDisabled={stopping}
        aria-label={`${t('task.stop')}: ${what}`}
        onClick={() => void stop()}
      >
        {t('task.stop')}
      </Button>
    </span>
  );
}
