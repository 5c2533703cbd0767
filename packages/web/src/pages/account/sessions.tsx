/** Sessions: one's own, and those of others for who looks after users. */
import { Button } from '@patternfly/react-core';
import type { ResultOf } from '@ryokan/api/method.ts';
import { sessionEnd, sessionList } from '@ryokan/api/methods/access-sessions.ts';
import { invalidate, useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { Time } from '../../components/time.tsx';
import { useT } from '../../i18n/index.ts';
import { kindText } from './kinds.ts';

type Row = ResultOf<typeof sessionList>[number];

export function Sessions() {
  const t = useT();
  const { data, error, refetch } = useCall(sessionList, {}, { everyMs: 30_000 });
  if (error && !data) return <ErrorNotice error={error} onRetry={refetch} />;
  if (!data) return <Loading />;
  const end = (id: string) =>
    run(t('account.endFailed'), async () => {
      await api.call(sessionEnd, { id });
      await invalidate(sessionList);
    });
  return (
    <DataTable<Row>
      label={t('account.sessions')}
      rows={data}
      rowKey={({ id }) => id}
      filterBy={({ userid, remote, agent }) => [userid, remote, agent]}
      initialSort={{ key: 'created', descending: true }}
      columns={[
        {
          key: 'userid',
          title: t('column.user'),
          sort: ({ userid }) => userid,
          render: ({ userid }) => <span className="ry-id">{userid}</span>,
        },
        {
          key: 'remote',
          title: t('account.address'),
          sort: ({ remote }) => remote,
          render: ({ remote }) => <span className="ry-id">{remote}</span>,
        },
        { key: 'agent', title: t('account.agent'), wide: true, render: ({ agent }) => agent || '–' },
        {
          key: 'tfa',
          title: t('account.factor'),
          width: '9rem',
          wide: true,
          render: ({ tfa }) => (tfa ? kindText(t, tfa) : '–'),
        },
        {
          key: 'created',
          title: t('account.since'),
          width: '9rem',
          wide: true,
          sort: ({ created }) => created,
          render: ({ created }) => <Time at={created} />,
        },
        {
          key: 'seen',
          title: t('account.seen'),
          width: '9rem',
          wide: true,
          sort: ({ seen }) => seen,
          render: ({ seen }) => <Time at={seen} />,
        },
        {
          key: 'actions',
          title: '',
          width: 'min(9rem, 30vw)',
          render: ({ id, current, userid, remote }) =>
            current ? (
              t('account.thisSession')
            ) : (
              <Button
                variant="link"
                size="sm"
                isInline
                isDanger
                aria-label={t('account.endOf', { user: userid, address: remote })}
                onClick={() => void end(id)}
              >
                {t('account.end')}
              </Button>
            ),
        },
      ]}
      empty={<Empty title={t('account.noSessions')} />}
    />
  );
}
