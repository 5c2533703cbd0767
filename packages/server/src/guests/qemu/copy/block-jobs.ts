/**
 * Block jobs of a running guest that copy an image into another: started, followed, ended. The jobs are made with
 * `auto-dismiss` off, so that an error can still be read when they have ended; see the QMP reference, section "Block
 * devices" and "Background jobs".
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { type NodeNames, removeNodes, rootNode } from '../block-graph.ts';
import { type JsonObject, nextEvent, type QmpClient } from '../qmp-client.ts';

/** A copy under way: its job and the nodes of its target, the upper one first. */
export interface Mirror {
  readonly job: string;
  readonly nodes: readonly string[];
}

interface Job {
  readonly id: string;
  /** created, running, ready, waiting, pending, aborting, concluded, … */
  readonly status: string;
  readonly 'current-progress': number;
  readonly 'total-progress': number;
  readonly error?: string;
}

/** Looks at jobs at least this often (ms): their progress comes with no event. */
const lookEvery = 400;

/** QEMU flushes at the turns of a job, and answers nobody meanwhile: a slow storage takes its time (ms). */
const patience = { timeout: 600_000 };

/** The name of the job that fills a node: known before either exists, for the undo. */
export function mirrorOf({ format, file }: Omit<NodeNames, 'root'>): Mirror {
  return { job: `mirror-${format}`, nodes: [format, file] };
}

/** The same for a target that takes the disk's place: with a filter of its own, as the device rests on one. */
export function movingMirrorOf(names: NodeNames): Mirror {
  return { job: `mirror-${names.format}`, nodes: [names.root, names.format, names.file] };
}

export interface MirrorOptions {
  /** Bytes a second. */
  readonly speed?: number | undefined;
}

/** Opens the target in QEMU and begins to copy the whole image of the disk `key` into it. */
export async function startMirror(
  qmp: QmpClient,
  key: string,
  target: JsonObject,
  { job, nodes }: Mirror,
  { speed }: MirrorOptions,
): Promise<void> {
  await qmp.execute('blockdev-add', target);
  await qmp.execute('blockdev-mirror', {
    'job-id': job,
    // QEMU mirrors only what no other node rests on, so the filter.
    device: await rootNode(qmp, key),
    target: nodes[0],
    sync: 'full',
    'auto-dismiss': false,
    speed,
  });
}

/**
 * Options that a target needs while it is filled, whatever the disk's own are: holes of the source stay holes. The filter
 * above the image decides about what the guest itself discards.
 */
export function sparseTarget(image: JsonObject): JsonObject {
  return { ...image, discard: 'unmap', file: { ...(image.file as JsonObject), discard: 'unmap' } };
}

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** 0..1 over all the jobs. */
  readonly onProgress?: (fraction: number) => void;
}

/** Resolves when every job has one of the statuses. Rejects with the job's error when one fails, or with the abort. */
export async function untilJobs(
  qmp: QmpClient,
  mirrors: readonly Mirror[],
  statuses: readonly string[],
  { signal, onProgress }: WatchOptions = {},
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const changed = nextChange(qmp, statuses, signal);
    const jobs = await Promise.all(mirrors.map(async ({ job }) => demandJob(await findJob(qmp, job), job)));
    onProgress?.(progressOf(jobs));
    for (const job of jobs) demandSound(job, statuses);
    if (jobs.every((job) => statuses.includes(job.status))) {
      changed.cancel();
      return;
    }
    await changed.happened;
  }
}

/**
 * A job comes into a status that is waited for or ends, or it is time for the next look. Not at every change: QEMU 7.2
 * may answer in the middle of taking a job apart, and has been seen to crash then.
 */
const nextChange = (qmp: QmpClient, statuses: readonly string[], signal?: AbortSignal) =>
  nextEvent(qmp, 'JOB_STATUS_CHANGE', lookEvery, signal, ({ status }) =>
    [...statuses, 'concluded', 'null'].includes(String(status)),
  );

async function findJob(qmp: QmpClient, id: string): Promise<Job | undefined> {
  return (await qmp.execute<Job[]>('query-jobs', {}, patience)).find((job) => job.id === id);
}

function demandJob(job: Job | undefined, id: string): Job {
  if (job) return job;
  throw new RyokanError(
    'failed',
    `the copy '${id}' is not known to QEMU any more; was it ended from outside?`,
  );
}

function progressOf(jobs: readonly Job[]): number {
  const sum = (field: 'current-progress' | 'total-progress') =>
    jobs.reduce((all, job) => all + job[field], 0);
  return sum('total-progress') === 0 ? 0 : sum('current-progress') / sum('total-progress');
}

function demandSound(job: Job, statuses: readonly string[]): void {
  if (job.error !== undefined) throw failure(job.error);
  const over = ['aborting', 'concluded', 'null'].includes(job.status);
  if (over && !statuses.includes(job.status)) throw failure('it ended before it was done');
}

function failure(reason: string): RyokanError {
  return /No space left/i.test(reason)
    ? new RyokanError('no-space', 'the storage of the copy is full')
    : new RyokanError('failed', `the copy failed: ${reason}`);
}

/** The jobs have caught up with the guest: they end here, and the targets stay as the disks are at this moment. */
export async function endReady(qmp: QmpClient, mirrors: readonly Mirror[]): Promise<void> {
  for (const { job } of mirrors) await qmp.execute('block-job-cancel', { device: job }, patience);
  await untilJobs(qmp, mirrors, ['concluded']);
}

/** Forgets ended jobs and closes their targets, as far as nothing else in QEMU uses them. */
export async function closeTargets(qmp: QmpClient, mirrors: readonly Mirror[]): Promise<void> {
  for (const { job, nodes } of mirrors) {
    await qmp.execute('job-dismiss', { id: job });
    await removeNodes(qmp, nodes);
  }
}

/**
 * The job, which has caught up, puts its target in the place of what it copied. Rejects when it could not, or when QEMU
 * does not say. It replaces the whole drive, not the image below the filter: with `replaces`, QEMU 7.2 takes the lock of
 * the disk's I/O thread twice and hangs for good.
 */
export async function switchOver(qmp: QmpClient, mirror: Mirror): Promise<void> {
  await qmp.execute('job-complete', { id: mirror.job }, patience);
  await untilJobs(qmp, [mirror], ['concluded']);
  await dismiss(qmp, mirror);
}

/** Lets a job that is held (`pending`) end. */
export async function finalize(qmp: QmpClient, mirror: Mirror): Promise<void> {
  await qmp.execute('job-finalize', { id: mirror.job }, patience);
  await untilJobs(qmp, [mirror], ['concluded']);
  await dismiss(qmp, mirror);
}

/** It is done; a job that stays in QEMU's list harms nobody. */
const dismiss = (qmp: QmpClient, { job }: Mirror) => qmp.execute('job-dismiss', { id: job }).catch(() => {});

/** Puts an end to a copy in whatever state it is and closes its target. Safe to repeat. */
export async function abandon(qmp: QmpClient, mirror: Mirror): Promise<void> {
  await endJob(qmp, mirror.job);
  await removeNodes(qmp, mirror.nodes);
}

/** Puts an end to a job in whatever state it is. Safe to repeat. */
export async function endJob(qmp: QmpClient, job: string): Promise<void> {
  let found = await findJob(qmp, job);
  if (found && found.status !== 'concluded') {
    // It may end by itself at this moment.
    await qmp.execute('job-cancel', { id: job }, patience).catch(() => {});
    while (found && found.status !== 'concluded') {
      await nextChange(qmp, ['concluded']).happened;
      found = await findJob(qmp, job);
    }
  }
  if (found) await qmp.execute('job-dismiss', { id: job });
}
