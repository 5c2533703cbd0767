/** The audit log: who did what, from where, with which result. Not in the public API. */
import { defineMethod } from '../method.ts';
import { Bit, Enum, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;
const audits = { perm: '/', privs: ['Sys.Audit'] } as const;

const filters = {
  user: Optional(
    Type.String({ maxLength: 128, description: 'User or full token id; with * at its end, its beginning.' }),
  ),
  method: Optional(Enum(['POST', 'PUT', 'DELETE', 'GET'], { description: 'GET: refused ones only.' })),
  path: Optional(Type.String({ maxLength: 256, description: 'Part of the path: /qemu/100/.' })),
  from: Optional(Type.String({ maxLength: 64, description: 'Address of the client.' })),
  result: Optional(
    Enum(['ok', 'refused', 'failed'], {
      description: 'refused: no login or no right; failed: any other error.',
    }),
  ),
  since: Optional(Type.Integer({ minimum: 0, description: 'Seconds since the epoch.' })),
  until: Optional(Type.Integer({ minimum: 0, description: 'Seconds since the epoch.' })),
};

export const auditList = defineMethod({
  id: 'cluster.audit',
  verb: 'GET',
  path: '/cluster/audit',
  description: 'Records of the audit log, newest first.',
  params: Type.Object({
    ...filters,
    before: Optional(
      Type.Integer({ minimum: 1, description: 'Only records before this number: the next page.' }),
    ),
    limit: Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  }),
  returns: Type.Array(
    Type.Object({
      seq: Type.Integer(),
      time: Type.Integer({ description: 'Milliseconds since the epoch.' }),
      user: Type.String({ description: 'Empty: nobody was logged in.' }),
      from: Type.String({ description: "Address of the client; 'local' for root's command line." }),
      agent: Optional(Type.String()),
      session: Optional(Type.String()),
      method: Type.String(),
      path: Type.String(),
      operation: Optional(Type.String()),
      params: Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'Without secrets.' })),
      result: Enum(['ok', 'refused', 'failed']),
      reason: Optional(Type.String()),
      upid: Optional(Type.String({ description: 'The task that does the work.' })),
      skipped: Optional(Type.Integer({ description: 'Refusals like this that were not written.' })),
      hash: Type.String({ description: 'SHA-256 over the hash before and this record.' }),
    }),
  ),
  permission: audits,
  extension: true,
  cli: {
    command: 'ryokan audit list',
    columns: ['seq', 'time', 'user', 'from', 'method', 'path', 'result', 'reason'],
  },
});

export const auditExport = defineMethod({
  id: 'cluster.auditExport',
  verb: 'GET',
  path: '/cluster/audit/export',
  description: 'Records as they stand in the log: one JSON object a line, newest first, at most 50000.',
  params: Type.Object(filters),
  returns: Null(),
  permission: audits,
  extension: true,
});

export const auditVerify = defineMethod({
  id: 'cluster.auditVerify',
  verb: 'GET',
  path: '/cluster/audit/verify',
  description: 'Check the chain of the whole audit log: whether a record was changed, added or taken out.',
  params: Type.Object({}),
  returns: Type.Object({
    ok: Bit(),
    records: Type.Integer(),
    first: Type.Integer({ description: 'More than 1 when old files have been removed.' }),
    last: Type.Integer(),
    problems: Type.Array(Type.String()),
  }),
  permission: audits,
  extension: true,
  cli: { command: 'ryokan audit verify' },
});
