/** Jobs that run at set times: syncs of realms, and what a schedule means. */
import { defineMethod } from '../method.ts';
// The format of schedules.
import '../schema/calendar-event.ts';
import { RealmId, syncFields, syncsRealm } from '../schema/realm-options.ts';
import { Bit, Enum, Format, Null, Subdirs, Type } from '../schema/types.ts';

const Optional = Type.Optional;
const audits = { perm: '/', privs: ['Sys.Audit'] } as const;

const jobId = () => Format('pve-configid', { maxLength: 64, description: 'The id of the job.' });
const schedule = () =>
  Format('pve-calendar-event', {
    maxLength: 128,
    description: 'When it runs, a calendar event: daily, mon..fri 22:00, */15.',
  });
const settings = {
  enabled: Optional(Type.Boolean({ default: true, description: 'Off: the job does not run.' })),
  comment: Optional(Type.String({ maxLength: 512, description: 'What it is for.' })),
  ...syncFields,
};

const Job = {
  id: Type.String(),
  type: Optional(Type.String()),
  enabled: Bit(),
  schedule: Type.String(),
  realm: Type.String(),
  scope: Optional(Enum(['users', 'groups', 'both'])),
  'enable-new': Optional(Bit()),
  'remove-vanished': Optional(Type.String()),
  comment: Optional(Type.String()),
  'last-run': Optional(Type.Integer({ description: 'Seconds since the epoch.' })),
  'next-run': Optional(Type.Integer({ description: 'Seconds since the epoch.' })),
};

export const jobsIndex = defineMethod({
  id: 'jobs.index',
  verb: 'GET',
  path: '/cluster/jobs',
  description: 'Directory of jobs.',
  params: Type.Object({}),
  returns: Subdirs(),
  permission: { user: 'all' },
});

export const realmSyncJobs = defineMethod({
  id: 'jobs.realmSyncList',
  verb: 'GET',
  path: '/cluster/jobs/realm-sync',
  description: 'Jobs that sync realms, with their last and next run.',
  params: Type.Object({}),
  returns: Type.Array(Type.Object(Job)),
  permission: audits,
});

export const realmSyncJob = defineMethod({
  id: 'jobs.realmSyncRead',
  verb: 'GET',
  path: '/cluster/jobs/realm-sync/{id}',
  description: 'One job that syncs a realm.',
  params: Type.Object({ id: jobId() }),
  returns: Type.Object(Job),
  permission: audits,
});

export const realmSyncJobCreate = defineMethod({
  id: 'jobs.realmSyncCreate',
  verb: 'POST',
  dryRun: 'documents',
  path: '/cluster/jobs/realm-sync/{id}',
  description: 'Sync a realm at set times. What is not given comes from the realm.',
  params: Type.Object({
    id: jobId(),
    schedule: schedule(),
    realm: RealmId(),
    ...settings,
  }),
  returns: Null(),
  permission: syncsRealm,
});

export const realmSyncJobUpdate = defineMethod({
  id: 'jobs.realmSyncUpdate',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/cluster/jobs/realm-sync/{id}',
  description: 'Change a job that syncs a realm; takes the same rights as a sync of its realm.',
  params: Type.Object({
    id: jobId(),
    schedule: schedule(),
    ...settings,
    delete: Optional(
      Format('pve-configid-list', {
        maxLength: 4096,
        description: 'Settings to remove, separated by commas.',
      }),
    ),
  }),
  returns: Null(),
  permission: { user: 'all' },
});

export const realmSyncJobDelete = defineMethod({
  id: 'jobs.realmSyncDelete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/cluster/jobs/realm-sync/{id}',
  description: 'Remove a job that syncs a realm.',
  params: Type.Object({ id: jobId() }),
  returns: Null(),
  permission: { perm: '/', privs: ['Sys.Modify'] },
});

export const scheduleAnalyze = defineMethod({
  id: 'jobs.scheduleAnalyze',
  verb: 'GET',
  path: '/cluster/jobs/schedule-analyze',
  description: 'The next times at which a schedule runs.',
  params: Type.Object({
    schedule: schedule(),
    starttime: Optional(Type.Integer({ description: 'Seconds since the epoch; now when not given.' })),
    iterations: Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'How many to tell.' }),
    ),
  }),
  returns: Type.Array(
    Type.Object({
      timestamp: Type.Integer({ description: 'Seconds since the epoch.' }),
      utc: Type.String({ description: 'The same as a person reads it, in UTC.' }),
    }),
  ),
  permission: { user: 'all' },
});
