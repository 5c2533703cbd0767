import AngleDownIcon from '@patternfly/react-icons/dist/esm/icons/angle-down-icon';
import AngleUpIcon from '@patternfly/react-icons/dist/esm/icons/angle-up-icon';
import { useTasks } from '../api/hooks.ts';
import { outcome, type Task } from '../api/rows.ts';
import { TaskState } from '../components/task-state.tsx';
import { Time } from '../components/time.tsx';
import { useT } from '../i18n/index.ts';
import { setPreferences, usePreferences } from '../util/preferences.ts';
import { describeTask } from '../util/task-text.ts';
import { useTaskLink } from './task-link.ts';

/** Running and recent tasks at the foot of every page; one line when closed. */
export function TaskDrawer() {
  const t = useT();
  const tasks = useTasks();
  const { drawerOpen } = usePreferences();
  const running = tasks.filter((task) => outcome(task) === 'running').length;
  const latest = tasks[0];
  return (
    <section className={drawerOpen ? 'ry-drawer ry-open' : 'ry-drawer'} aria-label={t('task.drawer')}>
      <button
        type="button"
        className="ry-drawer-bar"
        aria-expanded={drawerOpen}
        onClick={() => setPreferences({ drawerOpen: !drawerOpen })}
      >
        {drawerOpen ? <AngleDownIcon /> : <AngleUpIcon />}
        <span className="ry-drawer-title">{t('task.drawer')}</span>
        <span className={running > 0 ? 'ry-count ry-count-busy' : 'ry-count'}>
          {t('task.runningCount', { count: running })}
        </span>
        {latest && !drawerOpen ? (
          <span className="ry-drawer-latest">
            <span className="ry-drawer-what">{describeTask(latest.type, latest.id)}</span>
            <TaskState task={latest} />
          </span>
        ) : null}
      </button>
      {drawerOpen ? <DrawerTable tasks={tasks.slice(0, 100)} /> : null}
    </section>
  );
}

function DrawerTable({ tasks }: { tasks: readonly Task[] }) {
  const t = useT();
  const { open } = useTaskLink();
  if (tasks.length === 0) return <p className="ry-drawer-empty">{t('task.none')}</p>;
  return (
    <div className="ry-drawer-scroller" tabIndex={0} role="region" aria-label={t('task.drawer')}>
      <table className="ry-table ry-drawer-table">
        <thead>
          <tr>
            <th scope="col">{t('column.task')}</th>
            <th scope="col">{t('column.status')}</th>
            <th scope="col">{t('column.started')}</th>
            <th scope="col">{t('column.node')}</th>
            <th scope="col">{t('column.user')}</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.upid}>
              <td>
                <button type="button" className="ry-link" onClick={() => open(task.upid)}>
                  {describeTask(task.type, task.id)}
                </button>
              </td>
              <td>
                <TaskState task={task} />
              </td>
              <td>
                <Time at={task.starttime} />
              </td>
              <td>{task.node}</td>
              <td>{task.tokenid ? `${task.user}!${task.tokenid}` : task.user}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
