/**
 * Turns what came over HTTP into path fragments and parameters, by the rules that clients of the public API rely on
 * (percent-decoding before splitting, form or JSON bodies, query over body).
 */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { Credentials } from '../access/access-control.ts';

/** What the gateway passes on of a request. */
export interface RequestHead {
  readonly method: string;
  /** As on the wire: path and query. */
  readonly url: string;
  readonly cookie?: string | undefined;
  readonly authorization?: string | undefined;
  readonly csrf?: string | undefined;
  readonly contentType?: string | undefined;
  /** Header `Idempotency-Key`. */
  readonly idempotencyKey?: string | undefined;
  /** Header `Ryokan-Session`: where the client wants its ticket, see session-cookie.ts. */
  readonly sessionIn?: string | undefined;
  readonly remote: string;
  /** The headers Host and User-Agent. */
  readonly host?: string | undefined;
  readonly agent?: string | undefined;
  /** Set by the gateway for the two phases of an upload, see gateway/upload.ts. */
  readonly upload?: UploadHead | undefined;
}

export interface UploadHead {
  readonly phase: 'begin' | 'commit';
  readonly fields: Readonly<Record<string, string>>;
  readonly size: number;
}

export interface ParsedUrl {
  /** `json`, `extjs`, … */
  readonly format: string;
  /** Decoded fragments below the format. */
  readonly fragments: readonly string[];
  readonly query: Record<string, unknown>;
}

/** Percent-decodes without touching `+`; undefined when the escapes are not valid UTF-8. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Undefined when the URL is not below /api2/. */
export function parseUrl(url: string): ParsedUrl | undefined {
  const mark = url.indexOf('?');
  const path = decodePercent(mark < 0 ? url : url.slice(0, mark));
  if (path === undefined) return undefined;
  const fragments = path.split('/').filter((fragment) => fragment !== '');
  if (fragments[0] !== 'api2' || fragments[1] === undefined) return undefined;
  return {
    format: fragments[1],
    fragments: fragments.slice(2),
    query: mark < 0 ? {} : parseForm(url.slice(mark + 1)),
  };
}

/** application/x-www-form-urlencoded with `&` or `;`; a repeated key becomes an array. */
export function parseForm(text: string): Record<string, unknown> {
  const values: Record<string, unknown> = Object.create(null);
  for (const pair of text.split(/[&;]/)) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = decodeFormPart(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodeFormPart(pair.slice(equals + 1));
    const present = values[key];
    if (present === undefined) values[key] = value;
    else if (Array.isArray(present)) present.push(value);
    else values[key] = [present, value];
  }
  return values;
}

function decodeFormPart(text: string): string {
  const decoded = decodePercent(text.replaceAll('+', ' '));
  if (decoded === undefined) throw new ParameterError({}, 'request holds text that is not valid UTF-8');
  return decoded;
}

/** The body as parameters. Throws for types other than form and JSON, and for JSON that is not an object. */
export function parseBody(contentType: string | undefined, body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return parseJson(body);
  if (type === 'application/x-www-form-urlencoded') return parseForm(body.toString('utf8'));
  throw new RyokanError('protocol', `unsupported content type '${type ?? ''}'`);
}

function parseJson(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new RyokanError('parameter', 'request body is not valid JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RyokanError('parameter', 'request body must be a JSON object');
  }
  return value as Record<string, unknown>;
}

/** Body, query over it, path over both. A value that differs from the path's is refused. */
export function mergeParams(
  body: Record<string, unknown>,
  query: Record<string, unknown>,
  path: Record<string, string>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...body, ...query };
  const errors: Record<string, string> = {};
  for (const [key, value] of Object.entries(path)) {
    if (merged[key] !== undefined && String(merged[key]) !== value) {
      errors[key] = 'duplicate parameter (already defined in URI) with conflicting values!';
    }
    merged[key] = value;
  }
  if (Object.keys(errors).length > 0) throw new ParameterError(errors);
  // Ext JS adds a cache breaker to every GET.
  delete merged._dc;
  return merged;
}

/** Name of the cookie with the ticket; also of the form of the Authorization header that stands for it. */
export const ticketCookie = 'PVEAuthCookie';

/** The value of one cookie, percent-decoded; clients also send it raw, with `:`, `+`, `/` and `=` in it. */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  if (!header) return undefined;
  for (const part of header.split(/;\s*/)) {
    if (part.startsWith(`${name}=`)) return decodePercent(part.slice(name.length + 1));
  }
  return undefined;
}

/** What a request brings to say who calls. A cookie wins over both forms of the Authorization header. */
export const credentialsOf = ({ cookie, authorization, csrf }: RequestHead): Credentials => ({
  ticket: cookieValue(cookie, ticketCookie) ?? headerValue(authorization, ticketCookie),
  apiToken: headerValue(authorization, 'PVEAPIToken'),
  csrfToken: csrf,
});

/** `Name=value` or `Name value` in an Authorization header. */
function headerValue(header: string | undefined, name: string): string | undefined {
  if (!header?.startsWith(name)) return undefined;
  const separator = header[name.length];
  return separator === '=' || separator === ' ' ? header.slice(name.length + 1).trim() : undefined;
}
