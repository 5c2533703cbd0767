import { Button } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import type { ResultOf } from '@ryokan/api/method.ts';
import { accessRealmSync } from '@ryokan/api/methods/access-realms.ts';
import { realmSyncJobDelete, realmSyncJobs } from '@ryokan/api/methods/cluster-jobs.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { ConfirmDialog } from '../../../components/confirm-dialog.tsx';
import { type Column, DataTable } from '../../../components/data-table.tsx';
import { Empty } from '../../../components/empty.tsx';
import { Loaded } from '../../../components/loaded.tsx';
import { type MenuEntry, RowMenu } from '../../../components/row-menu.tsx';
import { Time } from '../../../components/time.tsx';
import { type Translate, useT } from '../../../i18n/index.ts';
import { SyncJobDialog } from './sync-job-dialog.tsx';

export type SyncJob = ResultOf<typeof realmSyncJobs>[number];

/** An open dialog; `add` has no job. */
type Open = { readonly what: 'add' } | { readonly what: 'edit' | 'remove'; readonly job: SyncJob };

/** Syncs of directories at set times. */
export function SyncJobs() {
  const t = useT();
  const answer = useCall(realmSyncJobs, {}, { everyMs: 60_000 });
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const entries = (job: SyncJob): MenuEntry[] => [
    { key: 'run', label: t('realms.job.run'), onClick: () => void runNow(t, job) },
    { key: 'edit', label: t('action.edit'), onClick: () => setOpen({ what: 'edit', job }) },
    {
      key: 'remove',
      label: t('action.remove'),
      danger: true,
      onClick: () => setOpen({ what: 'remove', job }),
    },
  ];
  const columns: Column<SyncJob>[] = [
    { key: 'realm', title: t('login.realm'), render: ({ realm }) => <span className="ry-id">{realm}</span> },
    { key: 'schedule', title: t('realms.job.schedule'), render: ({ schedule }) => <code>{schedule}</code> },
    { key: 'next', title: t('realms.job.next'), render: (job) => <NextRun job={job} /> },
    {
      key: 'last',
      title: t('realms.job.last'),
      wide: true,
      render: ({ 'last-run': last }) => (last === undefined ? t('realms.job.never') : <Time at={last} />),
    },
    { key: 'comment', title: t('access.comment'), wide: true, render: ({ comment }) => comment ?? '' },
    {
      key: 'actions',
      title: '',
      width: '4rem',
      render: (job) => <RowMenu label={t('realms.actionsOf', { realm: job.id })} entries={entries(job)} />,
    },
  ];
  return (
    <Loaded answer={answer}>
      {(jobs) => (
        <>
          <DataTable<SyncJob>
            label={t('realms.jobs')}
            rows={jobs}
            rowKey={({ id }) => id}
            columns={columns}
            empty={<Empty title={t('realms.job.none')}>{t('realms.job.noneBody')}</Empty>}
            actions={
              <Button size="sm" icon={<PlusIcon />} onClick={() => setOpen({ what: 'add' })}>
                {t('realms.job.add')}
              </Button>
            }
          />
          {open?.what === 'add' ? <SyncJobDialog jobs={jobs} onClose={close} /> : null}
          {open?.what === 'edit' ? <SyncJobDialog job={open.job} jobs={jobs} onClose={close} /> : null}
          {open?.what === 'remove' ? <RemoveJob job={open.job} onClose={close} /> : null}
        </>
      )}
    </Loaded>
  );
}

function NextRun({ job }: { job: SyncJob }) {
  const t = useT();
  if (job.enabled === 0) return t('realms.job.off');
  const next = job['next-run'];
  return next === undefined ? t('realms.job.never') : <Time at={next} />;
}

/** The sync that the job would start. */
async function runNow(t: Translate, job: SyncJob): Promise<void> {
  const { realm, scope, 'enable-new': enableNew, 'remove-vanished': removeVanished } = job;
  await run(t('realms.syncFailed', { realm }), () =>
    api.call(accessRealmSync, {
      realm,
      ...(scope === undefined ? {} : { scope }),
      ...(enableNew === undefined ? {} : { 'enable-new': enableNew === 1 }),
      ...(removeVanished === undefined ? {} : { 'remove-vanished': removeVanished }),
    }),
  );
}

function RemoveJob({ job, onClose }: { job: SyncJob; onClose: () => void }) {
  const t = useT();
  const { id, realm } = job;
  return (
    <ConfirmDialog
      danger
      title={t('access.removeTitle', { name: id })}
      body={t('realms.job.removeBody', { realm })}
      confirm={t('action.remove')}
      onClose={onClose}
      onConfirm={() => {
        onClose();
        void run(t('access.removeFailed', { name: id }), async () => {
          await api.call(realmSyncJobDelete, { id });
          await invalidate(realmSyncJobs);
        });
      }}
    />
  );
}
