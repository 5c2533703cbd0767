import { Spinner } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import ExclamationTriangleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon';
import QuestionCircleIcon from '@patternfly/react-icons/dist/esm/icons/question-circle-icon';
import { outcome, type Task } from '../api/rows.ts';
import { useT } from '../i18n/index.ts';
import { useFormat } from '../util/use-format.ts';

/** How a task stands: icon and text, with the bar of a running one. */
export function TaskState({ task }: { task: Pick<Task, 'endtime' | 'status' | 'progress' | 'note'> }) {
  const t = useT();
  const format = useFormat();
  switch (outcome(task)) {
    case 'running':
      return (
        <span className="ry-task-state">
          <Spinner size="sm" aria-label={t('task.running')} />
          {task.progress === undefined ? (
            <span>{task.note ?? t('task.running')}</span>
          ) : (
            <>
              <span className="ry-number">{format.percent(task.progress)}</span>
              <span className="ry-meter-bar" aria-hidden>
                <span style={{ inlineSize: `${task.progress * 100}%` }} />
              </span>
              {task.note ? <span className="ry-subtle">{task.note}</span> : null}
            </>
          )}
        </span>
      );
    case 'ok':
      return (
        <span className="ry-task-state ry-state-good">
          <CheckCircleIcon /> {t('task.ok')}
        </span>
      );
    case 'warning':
      return (
        <span className="ry-task-state ry-state-warn">
          <ExclamationTriangleIcon /> {task.status}
        </span>
      );
    case 'failed':
      return (
        <span className="ry-task-state ry-state-bad" title={task.status}>
          <ExclamationCircleIcon /> <span className="ry-ellipsis">{task.status}</span>
        </span>
      );
    default:
      return (
        <span className="ry-task-state ry-state-quiet">
          <QuestionCircleIcon /> {t('task.unknown')}
        </span>
      );
  }
}
