/** Questions to the audit log: records by filter, and whether the chain is whole. */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import type { ConfigStore } from '../../cluster/store.ts';
import { auditFiles, linesBackwards } from './audit-files.ts';
import { gapOperation, readChainNote } from './audit-log.ts';
import {
  type AuditRecord,
  type AuditResult,
  type ChainEnd,
  chainProblem,
  readFileHead,
  readRecord,
} from './audit-record.ts';

export interface AuditFilter {
  /** The whole name, or its beginning with `*` behind it. */
  readonly user?: string | undefined;
  readonly method?: string | undefined;
  /** Part of the path. */
  readonly path?: string | undefined;
  readonly from?: string | undefined;
  readonly result?: AuditResult | undefined;
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only records before this number: to go on where the last answer ended. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Newest first. Reads only as far back as needed. */
export async function queryAudit(folder: string, filter: AuditFilter): Promise<AuditRecord[]> {
  const found: AuditRecord[] = [];
  for (const path of (await auditFiles(folder)).reverse()) {
    for await (const line of linesBackwards(path)) {
      if (!mayFit(line, filter)) continue;
      const record = readRecord(line);
      if (!record) continue;
      if (filter.since !== undefined && record.time < filter.since) return found;
      if (!fits(record, filter)) continue;
      found.push(record);
      if (found.length >= filter.limit) return found;
    }
  }
  return found;
}

/** Most lines fit no filter: the text tells so without being parsed. `since` needs the time of every record. */
function mayFit(line: string, { path, result, since }: AuditFilter): boolean {
  if (since !== undefined) return true;
  return (
    (path === undefined || line.includes(JSON.stringify(path).slice(1, -1))) &&
    (result === undefined || line.includes(`"result":"${result}"`))
  );
}

function fits(record: AuditRecord, filter: AuditFilter): boolean {
  const { user, method, path, from, result, until, before } = filter;
  return (
    (user === undefined ||
      (user.endsWith('*') ? record.user.startsWith(user.slice(0, -1)) : record.user === user)) &&
    (method === undefined || record.method === method) &&
    (path === undefined || record.path.includes(path)) &&
    (from === undefined || record.from === from) &&
    (result === undefined || record.result === result) &&
    (until === undefined || record.time <= until) &&
    (before === undefined || record.seq < before)
  );
}

export interface AuditVerdict {
  readonly ok: boolean;
  readonly records: number;
  /** Number of the first record there is; more than 1 when old files have been removed. */
  readonly first: number;
  readonly last: number;
  /** What was found, with file and record. */
  readonly problems: readonly string[];
}

/** Problems that are told; a changed record is one, everything behind a cut would be thousands. */
const maxProblems = 20;

/** Reads all files and checks the chain, and the note of its end in the config store. */
export async function verifyAudit(folder: string, store: ConfigStore, node: string): Promise<AuditVerdict> {
  const problems: string[] = [];
  const say = (problem: string) => void (problems.length < maxProblems && problems.push(problem));
  const noted = readChainNote(store, node);
  let records = 0;
  let first = 0;
  let end: ChainEnd | undefined;
  for (const path of await auditFiles(folder)) {
    const name = basename(path);
    let isHead = true;
    for await (const line of createInterface({
      input: createReadStream(path),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      if (isHead) {
        isHead = false;
        const head = readFileHead(line);
        if (!head) say(`${name}: it does not begin as a file of the log should`);
        else if (end && (head.seq !== end.seq || head.hash !== end.hash))
          say(`${name}: it does not continue the file before (record ${end.seq + 1} should follow)`);
        end = head ?? end;
        continue;
      }
      const problem = end ? chainProblem(end, line) : undefined;
      if (problem !== undefined) say(`${name}: ${problem}`);
      const record = readRecord(line);
      if (!record) continue;
      records++;
      first ||= record.seq;
      if (record.operation === gapOperation)
        say(`${name}: record ${record.seq} says: ${record.reason ?? ''}`);
      end = record;
      if (noted && record.seq === noted.seq && record.hash !== noted.hash)
        say(`${name}: record ${record.seq} is not the one that was noted in the configuration`);
    }
  }
  if (noted && (end?.seq ?? 0) < noted.seq)
    say(
      `the log ends with record ${end?.seq ?? 0}, and record ${noted.seq} was there once: its end was cut off`,
    );
  return { ok: problems.length === 0, records, first, last: end?.seq ?? 0, problems };
}
