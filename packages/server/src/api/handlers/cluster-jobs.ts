/** Handlers for jobs that run at set times. */
import { ParameterError } from '@ryokan/api/errors.ts';
import { accessRealmSync } from '@ryokan/api/methods/access-realms.ts';
import {
  jobsIndex,
  realmSyncJob,
  realmSyncJobCreate,
  realmSyncJobDelete,
  realmSyncJobs,
  realmSyncJobUpdate,
  scheduleAnalyze,
} from '@ryokan/api/methods/cluster-jobs.ts';
import { nextEvent, parseCalendarEvent } from '@ryokan/api/schema/calendar-event.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { requireRealm } from '../../access/realms/realm-config.ts';
import { type Section, sectionValue, withValues } from '../../cluster/section-document.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { Services } from '../../services.ts';
import type { JobType } from '../../tasks/job-scheduler.ts';
import {
  changeJob,
  createJob,
  isEnabled,
  jobs,
  lastRun,
  nextRun,
  removeJob,
  requireJob,
} from '../../tasks/jobs.ts';
import { childrenOf } from '../directory.ts';
import type { Call, HandlerTable } from '../handler-table.ts';

const type = 'realm-sync';
/** What a job keeps for its runs, and what may be removed from it. */
const syncKeys = ['scope', 'enable-new', 'remove-vanished'] as const;
const optionalKeys: readonly string[] = [...syncKeys, 'enabled', 'comment'];

export function jobHandlers(table: HandlerTable, { store }: Services): void {
  table.on(jobsIndex, () => childrenOf(jobsIndex, 'subdir'));
  table.on(scheduleAnalyze, ({ schedule, starttime, iterations = 10 }) => {
    const start = starttime === undefined ? Date.now() : starttime * 1000;
    return upcoming(schedule, start, iterations);
  });
  table.on(realmSyncJobs, () => jobs(store, type).map((job) => shown(store, job)));
  table.on(realmSyncJob, ({ id }) => shown(store, requireJob(store, type, id)));
  table.on(realmSyncJobCreate, async ({ id, realm, ...settings }, call) => {
    requireRealm(store, realm);
    const job = withSettings({ type, id, lines: [['realm', realm]] }, settings);
    await createJob(store, job, call.user);
    return null;
  });
  table.on(realmSyncJobUpdate, async ({ id, delete: removed = '', ...settings }, call) => {
    demandSync(requireJob(store, type, id), call);
    const remove = splitList(removed);
    const unknown = remove.find((key) => !optionalKeys.includes(key));
    if (unknown) throw new ParameterError({ delete: `'${unknown}' cannot be removed from a job` });
    const without = Object.fromEntries(remove.map((key) => [key, undefined]));
    await changeJob(store, type, id, (job) => withSettings(withValues(job, without), settings), call.user);
    return null;
  });
  table.on(realmSyncJobDelete, async ({ id }, call) => {
    await removeJob(store, type, id, call.user);
    return null;
  });
}

/** What a job of realm-sync does when its time comes. */
export function realmSyncJobType({ tasks }: Services): JobType {
  return {
    type,
    start(job) {
      const { realm = '', scope, 'enable-new': enableNew, 'remove-vanished': removeVanished } = valuesOf(job);
      const params = {
        realm,
        ...(scope === undefined ? {} : { scope: scope as 'users' | 'groups' | 'both' }),
        ...(enableNew === undefined ? {} : { 'enable-new': enableNew === '1' }),
        ...(removeVanished === undefined ? {} : { 'remove-vanished': removeVanished }),
      };
      return tasks.start(accessRealmSync, params, 'root@pam');
    },
  };
}

/** The rule of the sync itself: a job acts with all rights. */
function demandSync(job: Section, call: Call): void {
  call.demand(`/access/realm/${sectionValue(job, 'realm') ?? ''}`, ['Realm.AllocateUser']);
  call.demand('/access/groups', ['User.Modify']);
}

const valuesOf = (job: Section): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(job.lines);

function withSettings(
  job: Section,
  settings: Readonly<Record<string, string | boolean | undefined>>,
): Section {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const text = (value: unknown) => (typeof value === 'boolean' ? (value ? '1' : '0') : String(value));
  return withValues(job, Object.fromEntries(given.map(([key, value]) => [key, [text(value)]])));
}

function shown(store: ConfigStore, job: Section) {
  const { realm = '', schedule = '', 'enable-new': enableNew, comment, scope, ...others } = valuesOf(job);
  const enabled = isEnabled(job);
  const last = lastRun(store, job);
  const next = enabled ? nextRun(job, Date.now()) : undefined;
  const removeVanished = others['remove-vanished'];
  return {
    id: job.id,
    type,
    realm,
    schedule,
    enabled: enabled ? (1 as const) : (0 as const),
    ...(scope === undefined ? {} : { scope: scope as 'users' | 'groups' | 'both' }),
    ...(enableNew === undefined ? {} : { 'enable-new': enableNew === '1' ? (1 as const) : (0 as const) }),
    ...(removeVanished === undefined ? {} : { 'remove-vanished': removeVanished }),
    ...(comment === undefined ? {} : { comment }),
    ...(last === undefined ? {} : { 'last-run': last }),
    ...(next === undefined ? {} : { 'next-run': next / 1000 }),
  };
}

function upcoming(schedule: string, start: number, count: number): { timestamp: number; utc: string }[] {
  const event = parseCalendarEvent(schedule);
  const found: { timestamp: number; utc: string }[] = [];
  for (
    let time = nextEvent(event, start);
    time !== undefined && found.length < count;
    time = nextEvent(event, time)
  ) {
    found.push({ timestamp: time / 1000, utc: utcText(time) });
  }
  return found;
}

/** `Sat Nov 21 20:00:00 2026`, as clients of the public API know it. */
function utcText(time: number): string {
  const [day, date, month, year, clock] = new Date(time).toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${clock} ${year}`;
}
