/**
 * Records of the audit log: one JSON object a line, each with a hash over the one before and itself, so that nothing in
 * between can be changed or taken out unseen.
 *
 *     hash = SHA-256(<hash of the record before> + <the record's JSON text without its hash>), hexadecimal
 *
 * A file begins with a line of its own that says where its chain goes on: `{"file":"audit","first":<seq>,"prev":"<hash>"}`.
 */
import { createHash } from 'node:crypto';

/** What is said of a call; time, number and hash are added by the log. */
export interface AuditEvent {
  /** `user@realm`, `user@realm!token`, or as typed at a login; empty for nobody. */
  readonly user: string;
  /** Address of the client; `local` for the command line of root. */
  readonly from: string;
  readonly agent?: string | undefined;
  readonly session?: string | undefined;
  readonly method: string;
  /** Path below /api2/json, without the query. */
  readonly path: string;
  /** Id of the operation; absent for paths that there are none of. */
  readonly operation?: string | undefined;
  /** Parameters without those of the path; secrets are never in here. */
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  readonly result: AuditResult;
  /** Why it was refused or failed. */
  readonly reason?: string | undefined;
  /** The task that does the work; its own end is in the task index. */
  readonly upid?: string | undefined;
  /** Refusals like this one that were not written, since there were too many. */
  readonly skipped?: number | undefined;
}

/** `refused`: no login, or no right. `failed`: anything else that went wrong, wrong parameters too. */
export const auditResults = ['ok', 'refused', 'failed'] as const;
export type AuditResult = (typeof auditResults)[number];

export interface AuditRecord extends AuditEvent {
  /** Counts all records of this node, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly hash: string;
}

/** Where a chain stands. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

export const chainBegin: ChainEnd = { seq: 0, hash: '0'.repeat(64) };

/** The line of an event, and the chain's new end. */
export function appendToChain(
  end: ChainEnd,
  event: AuditEvent,
  time: number,
): { line: string; end: ChainEnd } {
  const seq = end.seq + 1;
  const body = JSON.stringify({ seq, time, ...event });
  const hash = hashAfter(end.hash, body);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}\n`, end: { seq, hash } };
}

export const fileHead = (end: ChainEnd): string =>
  `${JSON.stringify({ file: 'audit', first: end.seq + 1, prev: end.hash })}\n`;

/** The end of the chain before a file; undefined when the line is no head. */
export function readFileHead(line: string): ChainEnd | undefined {
  const match = /^\{"file":"audit","first":(\d{1,15}),"prev":"([0-9a-f]{64})"\}$/.exec(line);
  return match ? { seq: Number(match[1]) - 1, hash: match[2] as string } : undefined;
}

const hashPart = /,"hash":"([0-9a-f]{64})"\}$/;

/** Undefined for a line that is no record. */
export function readRecord(line: string): AuditRecord | undefined {
  if (!hashPart.test(line)) return undefined;
  try {
    const value = JSON.parse(line) as Partial<AuditRecord>;
    return typeof value.seq === 'number' && typeof value.time === 'number'
      ? (value as AuditRecord)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a line that stands after `end`; undefined when it continues the chain. */
export function chainProblem(end: ChainEnd, line: string): string | undefined {
  const record = readRecord(line);
  if (!record) return 'a line that is no record';
  if (record.seq !== end.seq + 1) return `record ${record.seq} stands where ${end.seq + 1} should`;
  const body = line.replace(hashPart, '}');
  return hashAfter(end.hash, body) === record.hash ? undefined : `record ${record.seq} was changed`;
}

const hashAfter = (previous: string, body: string): string =>
  createHash('sha256').update(previous).update(body).digest('hex');
