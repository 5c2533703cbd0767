/**
 * Jobs that run at set times: `jobs.cfg`, sections `<type>: <id>` with a `schedule`. When a job last ran stands in
 * `jobs-state/<type>-<id>` (seconds since the epoch): whoever writes it first may run the job, so that in a cluster one
 * node does.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { nextEvent, parseCalendarEvent } from '@ryokan/api/schema/calendar-event.ts';
import { changeSections, parseSections, type Section, sectionValue } from '../cluster/section-document.ts';
import { type ConfigStore, ConflictError } from '../cluster/store.ts';

export const jobsCfg = 'jobs.cfg';

const statePath = ({ type, id }: Section): string => `jobs-state/${type}-${id}`;

/** Jobs of one type, or all. */
export function jobs(store: ConfigStore, type?: string): Section[] {
  const all = parseSections(store.get(jobsCfg)?.text ?? '').filter((job) => job.type !== undefined);
  return type === undefined ? all : all.filter((job) => job.type === type);
}

/** Throws RyokanError 'not-found'. */
export function requireJob(store: ConfigStore, type: string, id: string): Section {
  const found = jobs(store, type).find((job) => job.id === id);
  if (!found) throw new RyokanError('not-found', `no such job '${id}'`);
  return found;
}

/** Throws RyokanError 'exists': ids are unique over all types. */
export async function createJob(store: ConfigStore, job: Section, author: string): Promise<void> {
  await changeSections(store, jobsCfg, { author }, (sections) => {
    if (sections.some((one) => one.id === job.id)) {
      throw new RyokanError('exists', `job '${job.id}' already exists`);
    }
    return [...sections, job];
  });
}

/** Throws RyokanError 'not-found'. */
export async function changeJob(
  store: ConfigStore,
  type: string,
  id: string,
  edit: (job: Section) => Section,
  author: string,
): Promise<void> {
  await changeSections(store, jobsCfg, { author }, (sections) => {
    if (!sections.some((one) => one.type === type && one.id === id)) requireJob(store, type, id);
    return sections.map((one) => (one.type === type && one.id === id ? edit(one) : one));
  });
}

/** Throws RyokanError 'not-found'. */
export async function removeJob(store: ConfigStore, type: string, id: string, author: string): Promise<void> {
  const job = requireJob(store, type, id);
  await changeSections(store, jobsCfg, { author }, (sections) =>
    sections.filter((one) => one.type !== type || one.id !== id),
  );
  await store.commit([], [{ path: statePath(job), text: null }], { author });
}

export const isEnabled = (job: Section): boolean => sectionValue(job, 'enabled') !== '0';

/** When the job runs next after `after`; both in milliseconds. Undefined for never, also when its schedule is none. */
export function nextRun(job: Section, after: number): number | undefined {
  try {
    return nextEvent(parseCalendarEvent(sectionValue(job, 'schedule') ?? ''), after);
  } catch {
    return undefined;
  }
}

/** Seconds since the epoch; undefined when it has not run yet. */
export function lastRun(store: ConfigStore, job: Section): number | undefined {
  const text = store.get(statePath(job))?.text;
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** True when the run that is due at `due` (milliseconds) is this node's to make. */
export async function claimRun(store: ConfigStore, job: Section, due: number): Promise<boolean> {
  const path = statePath(job);
  const state = store.get(path);
  const seconds = Math.floor(due / 1000);
  if (state && Number.parseInt(state.text, 10) >= seconds) return false;
  try {
    await store.commit([{ path, revision: state?.revision ?? 0 }], [{ path, text: `${seconds}\n` }], {
      author: 'schedule',
    });
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
}
