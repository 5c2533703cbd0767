/** Handlers for the audit log. */

import { auditExport, auditList, auditVerify } from '@ryokan/api/methods/audit.ts';
import type { Static } from '@ryokan/api/schema/types.ts';
import { queryAudit, verifyAudit } from '../../access/audit/audit-query.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { TextReply } from '../dispatcher.ts';
import type { HandlerTable } from '../handler-table.ts';

const exported = 50_000;

type Filters = Static<(typeof auditExport)['params']>;
/** Whole seconds in, milliseconds out; `until` takes its second with it. */
const inMilliseconds = ({ since, until, ...filter }: Filters) => ({
  ...filter,
  since: since === undefined ? undefined : since * 1000,
  until: until === undefined ? undefined : until * 1000 + 999,
});

export function auditHandlers(table: HandlerTable, { audit, store, settings }: DaemonServices): void {
  table.on(auditList, async ({ limit = 100, before, ...filter }) => {
    await audit.flush();
    return queryAudit(audit.folder, { ...inMilliseconds(filter), before, limit }) as never;
  });
  table.on(auditExport, async (filter) => {
    await audit.flush();
    const records = await queryAudit(audit.folder, { ...inMilliseconds(filter), limit: exported });
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    return new TextReply(text, `audit-${settings.node}.jsonl`) as never;
  });
  table.on(auditVerify, async () => {
    await audit.flush();
    const { ok, problems, ...rest } = await verifyAudit(audit.folder, store, settings.node);
    return { ...rest, ok: ok ? (1 as const) : (0 as const), problems: [...problems] };
  });
}
