/** What the audit log is told of a call: who, what, from where, with which result; never a secret. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { Method } from '@ryokan/api/method.ts';
import type { TSchema } from '@ryokan/api/schema/types.ts';
import type { AuditEvent, AuditResult } from '../access/audit/audit-record.ts';
import type { RequestHead } from './request.ts';

/** What the dispatcher learns of a call on its way. */
export interface Trail {
  user?: string;
  session?: string | undefined;
  method?: Method;
  params?: Readonly<Record<string, unknown>>;
  upid?: string;
  /** It asks only what would change. */
  isDryRun?: boolean;
  error?: unknown;
}

/** Refusals of callers who are not logged in, by address: records a minute. More are counted. */
const refusalsPerMinute = 30;
const maxAddresses = 1000;
const longestValue = 200;
const longestReason = 500;

export class AuditTrail {
  private readonly refusals = new Map<string, { since: number; count: number; skipped: number }>();

  constructor(private readonly add: (event: AuditEvent) => void) {}

  /** Changing calls and refusals are recorded, reading is not. */
  record(head: RequestHead, remote: string, trail: Trail): void {
    const { user = '', session, method, params, upid, error } = trail;
    const result = resultOf(error);
    if (trail.isDryRun && result !== 'refused') return;
    if (!isWorthARecord(head, method, result, user)) return;
    const skipped = result === 'refused' && !session ? this.countRefusal(remote) : 0;
    if (skipped === undefined) return;
    const by = user || claimedUser(method, params);
    this.add({
      user: by,
      from: remote,
      agent: head.agent?.slice(0, longestValue),
      session,
      method: head.method,
      path: pathOf(head.url),
      operation: method?.id,
      params: method && params && by !== nameless ? withoutSecrets(method, params) : undefined,
      result,
      reason: reasonOf(error),
      upid,
      ...(skipped > 0 ? { skipped } : {}),
    });
  }

  /** How many were passed over before this one; undefined when this one is too. */
  private countRefusal(remote: string): number | undefined {
    const now = Date.now();
    const known = this.refusals.get(remote);
    if (known && now - known.since < 60_000) {
      known.count++;
      if (known.count <= refusalsPerMinute) return 0;
      known.skipped++;
      return undefined;
    }
    this.refusals.delete(remote);
    if (this.refusals.size >= maxAddresses) this.refusals.delete(this.refusals.keys().next().value ?? '');
    this.refusals.set(remote, { since: now, count: 1, skipped: 0 });
    return known?.skipped ?? 0;
  }
}

function resultOf(error: unknown): AuditResult {
  if (error === undefined) return 'ok';
  const isRefusal = error instanceof RyokanError && ['unauthenticated', 'forbidden'].includes(error.code);
  return isRefusal ? 'refused' : 'failed';
}

function isWorthARecord(
  head: RequestHead,
  method: Method | undefined,
  result: AuditResult,
  user: string,
): boolean {
  // The first phase of an upload only asks; the second one acts.
  if (head.upload?.phase === 'begin' && result === 'ok') return false;
  // A page that asks without a login is no event; a wrong ticket or a missing right is.
  if (head.method === 'GET') return result === 'refused' && (user !== '' || hasCredentials(head));
  return ['POST', 'PUT', 'DELETE'].includes(head.method) && (method !== undefined || result === 'refused');
}

const hasCredentials = (head: RequestHead): boolean =>
  head.authorization !== undefined || /PVEAuthCookie=[^;\s]/.test(head.cookie ?? '');

/** Stands for what was typed into a login's name field and is no user id. */
const nameless = '?';

/** Who a login wanted to be: there is no caller yet. People type passwords into the name field: only user ids are kept. */
function claimedUser(method: Method | undefined, params: Readonly<Record<string, unknown>> = {}): string {
  if (method?.id !== 'access.login') return '';
  const { username, realm } = params;
  const name = typeof realm === 'string' ? `${String(username)}@${realm}` : String(username);
  return /^[^\s:/]{1,60}@[A-Za-z][\w.-]{1,31}$/.test(name) ? name : nameless;
}

/** For the log: the text without line ends and other commands to a terminal. */
const plain = (text: string, length: number): string =>
  text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, length);

function reasonOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  const reason = error instanceof RyokanError ? error.context.reason : undefined;
  return plain(typeof reason === 'string' ? reason : messageOf(error), longestReason);
}

function pathOf(url: string): string {
  const path = plain(url.split('?')[0] ?? '', 1024);
  return path.replace(/^\/api2\/\w+/, '') || '/';
}

/** Names of what is never written, also where a schema forgets to say so. */
const secretName =
  /pass(?:word|phrase)?$|secret|keyring|private|ticket|token-?value|client-key|encryption-key|^otp$/i;
const hidden = '***';

/** Parameters as they came, without those of the path, secrets hidden, long ones cut, unknown ones by name only. */
export function withoutSecrets(
  method: Method,
  params: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const properties = method.params.properties as Readonly<Record<string, TSchema>>;
  const shown = Object.entries(params)
    .filter(([key]) => !method.path.includes(`{${key}}`))
    .slice(0, 100)
    .map(([key, value]) => {
      const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
      const isSecret = !schema || isSecretParameter(key, schema);
      return [plain(key, 64), isSecret ? hidden : shortened(value)] as const;
    });
  return shown.length > 0 ? Object.fromEntries(shown) : undefined;
}

export const isSecretParameter = (name: string, schema: TSchema): boolean =>
  schema.secret === true || (schema.type !== 'boolean' && secretName.test(name));

function shortened(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // URLs may carry a password.
  const safe = text.replace(/:\/\/[^/\s@]+@/g, `://${hidden}@`);
  return safe.length > longestValue ? `${safe.slice(0, longestValue)}… (${safe.length} characters)` : safe;
}
