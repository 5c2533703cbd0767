import {
  Button,
  ClipboardCopy,
  Label,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
} from '@patternfly/react-core';
import { clusterEvents } from '@ryokan/api/methods/cluster.ts';
import { taskLog, taskStatus, taskStop } from '@ryokan/api/methods/tasks.ts';
import { parseUpid } from '@ryokan/api/schema/upid.ts';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTasks } from '../api/hooks.ts';
import { useCall } from '../api/query.ts';
import { run } from '../api/run.ts';
import { api } from '../api/session.ts';
import { ErrorNotice } from '../components/error-notice.tsx';
import { Facts } from '../components/facts.tsx';
import { TaskState } from '../components/task-state.tsx';
import { Time } from '../components/time.tsx';
import { useT } from '../i18n/index.ts';
import { describeTask } from '../util/task-text.ts';
import { useFormat } from '../util/use-format.ts';
import { useNow } from '../util/use-now.ts';

/** One task: its state, its log as it grows, and a way to stop it. */
export default function TaskViewer({ upid, onClose }: { upid: string; onClose: () => void }) {
  const t = useT();
  const format = useFormat();
  const now = useNow();
  const parts = parseUpid(upid);
  const node = parts?.node ?? '';
  const listed = useTasks().find((task) => task.upid === upid);
  const ended = listed?.endtime !== undefined;
  const status = useCall(taskStatus, { node, upid }, { enabled: parts !== undefined });
  // The list says when the task ends; its exit text then comes from the status.
  const { refetch } = status;
  useEffect(() => {
    if (ended) void refetch();
  }, [ended, refetch]);
  const title = parts ? describeTask(parts.type, parts.id) : t('task.notFound');
  const data = status.data;
  const running = listed ? !ended : data?.status === 'running';
  const state = listed ?? {
    ...(data?.status === 'stopped' ? { endtime: 0, status: data.exitstatus } : {}),
    ...(data?.progress === undefined ? {} : { progress: data.progress }),
  };
  const seconds = (listed?.endtime ?? now) - (parts?.starttime ?? now);
  return (
    <Modal variant="large" isOpen onClose={onClose} aria-label={title} className="ry-task-viewer">
      <ModalHeader title={title} />
      <ModalBody>
        {status.error ? <ErrorNotice error={status.error} /> : null}
        <Facts
          rows={[
            [t('column.status'), data || listed ? <TaskState key="s" task={state} /> : '…'],
            [t('column.started'), parts ? <Time key="t" at={parts.starttime} /> : undefined],
            [t('column.duration'), running || listed ? format.duration(Math.max(0, seconds)) : undefined],
            [t('column.node'), parts?.node],
            [t('column.user'), parts?.user],
          ]}
        />
        {parts ? <TaskLog node={node} upid={upid} follow={running === true} /> : null}
      </ModalBody>
      <ModalFooter>
        <Button
          variant="danger"
          isDisabled={!running}
          onClick={() => run(t('task.stopFailed'), () => api.call(taskStop, { node, upid }))}
        >
          {t('task.stop')}
        </Button>
        <Button variant="secondary" onClick={onClose}>
          {t('action.close')}
        </Button>
        <ClipboardCopy
          isReadOnly
          hoverTip={t('action.copy')}
          clickTip={t('action.copied')}
          variant="inline-compact"
          isCode
        >
          {upid}
        </ClipboardCopy>
        {running ? <Label color="blue">{t('task.running')}</Label> : null}
      </ModalFooter>
    </Modal>
  );
}

/** Lines by number, so that the first answer and the live ones may overlap. */
function useLog(node: string, upid: string, follow: boolean) {
  const [lines, setLines] = useState<ReadonlyMap<number, string>>(new Map());
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const abort = new AbortController();
    const add = (rows: readonly { n: number; t: string }[]) =>
      setLines((before) => new Map([...before, ...rows.map((row) => [row.n, row.t] as const)]));
    const load = () =>
      api
        .call(taskLog, { node, upid, start: 0, limit: 0 }, { signal: abort.signal })
        .then(add)
        .catch((reason: unknown) => !abort.signal.aborted && setError(reason));
    void load();
    let source: EventSource | undefined;
    if (follow) {
      source = new EventSource(`/api2/json${clusterEvents.path}?task=${encodeURIComponent(upid)}`);
      source.addEventListener('log', (event) => {
        const data = JSON.parse((event as MessageEvent<string>).data) as {
          upid: string;
          lines: { n: number; t: string }[];
        };
        if (data.upid === upid) add(data.lines);
      });
    }
    return () => {
      abort.abort();
      source?.close();
    };
  }, [node, upid, follow]);
  return { lines, error };
}

function TaskLog({ node, upid, follow }: { node: string; upid: string; follow: boolean }) {
  const t = useT();
  const { lines, error } = useLog(node, upid, follow);
  const text = useMemo(
    () =>
      [...lines.entries()]
        .sort(([a], [b]) => a - b)
        .map(([, line]) => line)
        .join('\n'),
    [lines],
  );
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new text scrolls, as long as the reader is at its end
  useEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <>
      {error ? <ErrorNotice error={error} /> : null}
      <div className="ry-log-header">
        <h2>{t('task.log')}</h2>
        <Button variant="link" size="sm" onClick={() => navigator.clipboard.writeText(text)}>
          {t('task.copyLog')}
        </Button>
      </div>
      <pre
        ref={box}
        className="ry-log"
        tabIndex={0}
        role="log"
        aria-label={t('task.log')}
        onScroll={(event) => {
          const one = event.currentTarget;
          atEnd.current = one.scrollHeight - one.scrollTop - one.clientHeight < 24;
        }}
      >
        {text}
      </pre>
    </>
  );
}
