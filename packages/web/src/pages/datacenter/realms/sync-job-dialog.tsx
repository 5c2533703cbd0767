import { accessRealms } from '@ryokan/api/methods/access-realms.ts';
import {
  realmSyncJobCreate,
  realmSyncJobs,
  realmSyncJobUpdate,
  scheduleAnalyze,
} from '@ryokan/api/methods/cluster-jobs.ts';
import { calendarEventProblem } from '@ryokan/api/schema/calendar-event.ts';
import { useDeferredValue, useState } from 'react';
import { invalidate, useCall } from '../../../api/query.ts';
import { api } from '../../../api/session.ts';
import { CheckField, SelectField, TextField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { isDirectory } from './realm-draft.ts';
import type { SyncJob } from './sync-jobs.tsx';
import { type SyncChoice, SyncOptions, syncParams, usualSync } from './sync-options.tsx';

const schedules = ['hourly', 'daily', '2:30', 'mon..fri 22:00', '8..18:0/30', 'sat *-1..7 3:00'];
/** What a job may have of its own; without them the realm's settings count. */
const ownKeys = ['scope', 'enable-new', 'remove-vanished'] as const;

interface Draft {
  readonly realm: string;
  readonly schedule: string;
  readonly enabled: boolean;
  readonly comment: string;
  /** Undefined: as the realm says. */
  readonly own: SyncChoice | undefined;
}

function draftOf(job: SyncJob | undefined): Draft {
  if (!job) return { realm: '', schedule: 'daily', enabled: true, comment: '', own: undefined };
  const { realm, schedule, enabled, comment = '', scope = 'both', 'remove-vanished': removed = 'none' } = job;
  const remove = new Set(removed.split(';'));
  const own = ownKeys.some((key) => job[key] !== undefined)
    ? { scope, enableNew: job['enable-new'] !== 0, remove }
    : undefined;
  return { realm, schedule, enabled: enabled === 1, comment, own };
}

/** A name for a new job that no other has: `sync-corp`, `sync-corp-2`. */
function freeId(realm: string, jobs: readonly SyncJob[]): string {
  const base = `sync-${realm}`.slice(0, 58);
  const taken = new Set(jobs.map(({ id }) => id));
  for (let number = 1; ; number++) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(id)) return id;
  }
}

async function save(job: SyncJob | undefined, draft: Draft, jobs: readonly SyncJob[]): Promise<void> {
  const { realm, schedule, enabled, comment, own } = draft;
  const settings = { schedule: schedule.trim(), enabled, ...(own ? syncParams(own) : {}) };
  if (!job) {
    const about = comment === '' ? {} : { comment };
    await api.call(realmSyncJobCreate, { id: freeId(realm, jobs), realm, ...settings, ...about });
  } else {
    const unset = [...(own ? [] : ownKeys.filter((key) => job[key] !== undefined))];
    const removed = [...unset, ...(comment === '' && job.comment !== undefined ? ['comment'] : [])];
    await api.call(realmSyncJobUpdate, {
      id: job.id,
      ...settings,
      ...(comment === '' ? {} : { comment }),
      ...(removed.length === 0 ? {} : { delete: removed.join(',') }),
    });
  }
  await invalidate(realmSyncJobs);
}

/** Adds a sync at set times, or changes one; says when it would run next. */
export function SyncJobDialog(props: { job?: SyncJob; jobs: readonly SyncJob[]; onClose: () => void }) {
  const t = useT();
  const [{ job, jobs }] = useState(props);
  const [draft, setDraft] = useState(() => draftOf(job));
  const { data: realms = [] } = useCall(accessRealms, {});
  const directories = realms.filter(({ type }) => isDirectory(type)).map(({ realm }) => realm);
  const realm = draft.realm || (directories[0] ?? '');
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const problem = calendarEventProblem(draft.schedule) !== undefined;
  return (
    <FormDialog
      wide
      title={job ? t('realms.job.edit', { id: job.id }) : t('realms.job.add')}
      submit={t(job ? 'action.save' : 'access.add')}
      ready={realm !== '' && !problem}
      onClose={props.onClose}
      onSubmit={() => save(job, { ...draft, realm }, jobs)}
    >
      <SelectField
        id="job-realm"
        label={t('login.realm')}
        value={realm}
        disabled={job !== undefined}
        help={directories.length === 0 ? t('realms.job.noDirectory') : null}
        onChange={(value) => set({ realm: value })}
        choices={(job ? [job.realm] : directories).map((one) => ({ value: one, label: one }))}
      />
      <TextField
        id="job-schedule"
        label={t('realms.job.schedule')}
        mono
        required
        value={draft.schedule}
        suggestions={schedules}
        problem={problem ? t('realms.job.badSchedule') : undefined}
        help={<NextRuns schedule={draft.schedule} />}
        onChange={(schedule) => set({ schedule })}
      />
      <CheckField
        id="job-enabled"
        label={t('realms.job.enabled')}
        value={draft.enabled}
        onChange={(enabled) => set({ enabled })}
      />
      <TextField
        id="job-comment"
        label={t('access.comment')}
        value={draft.comment}
        onChange={(comment) => set({ comment })}
      />
      <CheckField
        id="job-own"
        label={t('realms.job.own')}
        help={t('realms.job.ownHelp')}
        value={draft.own !== undefined}
        onChange={(on) => set({ own: on ? usualSync : undefined })}
      />
      {draft.own ? <SyncOptions value={draft.own} onChange={(own) => set({ own })} /> : null}
    </FormDialog>
  );
}

/** The node's answer, as schedules go by its clock and time zone. */
function NextRuns({ schedule }: { schedule: string }) {
  const t = useT();
  const format = useFormat();
  const asked = useDeferredValue(schedule.trim());
  const { data = [] } = useCall(
    scheduleAnalyze,
    { schedule: asked, iterations: 3 },
    { enabled: calendarEventProblem(asked) === undefined, staleTime: 60_000 },
  );
  const times = data.map(({ timestamp }) => format.dateTime(timestamp));
  return times.length === 0 ? null : t('realms.job.nextRuns', { times: times.join(' · ') });
}
