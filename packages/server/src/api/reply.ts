/** Answers in the shape that clients of the public API expect: envelope, status, reason phrase. */
import { httpStatus, messageOf, ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { Reply } from './handler-table.ts';

/** Writes a body in pieces until the caller goes away or the source ends. */
export type StreamSource = (send: (chunk: string) => void, signal: AbortSignal) => Promise<void>;

export interface HttpReply {
  readonly status: number;
  /** One line of printable ASCII: what older clients show as the error. */
  readonly reason: string;
  readonly body: Buffer;
  readonly contentType?: string;
  /** Answer only after a pause, so that guessing is slow. */
  readonly delayed?: boolean;
  readonly stream?: StreamSource;
  /** Token for a console connection on the relay socket. */
  readonly relay?: string;
  readonly fileName?: string;
}

export const jsonType = 'application/json;charset=UTF-8';
const dataStart = Buffer.from('{"data":');
const dataEnd = Buffer.from('}');

/** A successful answer. */
export function success(result: unknown, format: string): HttpReply {
  return { status: 200, reason: 'OK', contentType: jsonType, body: successBody(result, format) };
}

function successBody(result: unknown, format: string): Buffer {
  const reply = result instanceof Reply ? result : undefined;
  if (reply?.json && format === 'json') return Buffer.concat([dataStart, reply.json, dataEnd]);
  const data = reply ? (reply.json ? JSON.parse(reply.json.toString('utf8')) : reply.data) : result;
  const envelope = { data: data ?? null, ...reply?.extra };
  return Buffer.from(JSON.stringify(format === 'extjs' ? { success: 1, ...envelope } : envelope));
}

/** A failed answer. 401 without a login has an empty body; a failed login carries the JSON that clients read. */
export function failure(error: unknown, format: string, options: { emptyBody?: boolean } = {}): HttpReply {
  const status = httpStatus(error);
  const message = messageOf(error);
  const reason = reasonPhrase(message);
  if (options.emptyBody) return { status, reason, body: Buffer.alloc(0), delayed: status === 401 };
  const errors =
    error instanceof ParameterError && Object.keys(error.errors).length > 0 ? error.errors : undefined;
  const envelope = {
    data: null,
    message: message.endsWith('\n') ? message : `${message}\n`,
    ...(errors ? { errors } : {}),
    ...(error instanceof RyokanError ? { code: error.code } : {}),
  };
  if (format === 'extjs') {
    const body = Buffer.from(JSON.stringify({ success: 0, status, ...envelope }));
    return { status: 200, reason: 'OK', contentType: jsonType, body, delayed: status === 401 };
  }
  const body = Buffer.from(JSON.stringify(envelope));
  return { status, reason, contentType: jsonType, body, delayed: status === 401 };
}

/** The first line of a message, as far as a status line can carry it. */
export function reasonPhrase(message: string): string {
  const line = message.split('\n').find((one) => one.trim() !== '') ?? 'Error';
  return line.replace(/[^\x20-\x7e]/g, '?').slice(0, 512);
}
