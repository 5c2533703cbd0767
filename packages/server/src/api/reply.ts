/** Answers in the shape that clients of the public API expect: envelope, status, reason phrase. */
import { httpStatus, messageOf, ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { viewerFile } from '@ryokan/api/schema/viewer-file.ts';
import { PictureReply, ReadyReply, Reply } from './handler-table.ts';

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
  /** Seconds after which the caller may try again. */
  readonly retryAfter?: number;
  /** Token for a console connection on the relay socket. */
  readonly relay?: string;
  readonly fileName?: string;
  /** The text of a Set-Cookie header. */
  readonly setCookie?: string;
  /** The body is going to be sent again: the gateway may keep it by this name, see host/kept-bodies.ts. */
  readonly keepAs?: string | undefined;
}

const viewerFileType = 'application/x-virt-viewer;charset=UTF-8';

export const jsonType = 'application/json;charset=UTF-8';

/** A successful answer. */
export function success(result: unknown, format: string): HttpReply {
  if (format === 'spiceconfig')
    return { ...ok(Buffer.from(viewerFile(result))), contentType: viewerFileType };
  if (result instanceof PictureReply) {
    if (format === 'png') return { ...ok(result.png), contentType: 'image/png' };
    return success({ filename: result.filename }, format);
  }
  if (result instanceof Reply && result.setCookie !== undefined) {
    const { data, extra, setCookie } = result;
    return { ...success(new Reply(data, extra), format), setCookie };
  }
  if (!(result instanceof ReadyReply)) return ok(Buffer.from(JSON.stringify(envelope(result, format))));
  if (format === 'json') return { ...ok(result.body), keepAs: result.name };
  const { data } = JSON.parse(result.body.toString('utf8')) as { data: unknown };
  return ok(Buffer.from(JSON.stringify(envelope(data, format))));
}

const ok = (body: Buffer): HttpReply => ({ status: 200, reason: 'OK', contentType: jsonType, body });

function envelope(result: unknown, format: string): object {
  const { data, extra } = result instanceof Reply ? result : { data: result, extra: {} };
  return { ...(format === 'extjs' ? { success: 1 } : {}), data: data ?? null, ...extra };
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
  return { status, reason, contentType: jsonType, body, delayed: status === 401, ...retryAfter(error) };
}

const retryAfter = (error: unknown): Pick<HttpReply, 'retryAfter'> =>
  error instanceof RyokanError && error.code === 'too-many'
    ? { retryAfter: Number(error.context.seconds) }
    : {};

/** The first line of a message, as far as a status line can carry it. */
export function reasonPhrase(message: string): string {
  const line = message.split('\n').find((one) => one.trim() !== '') ?? 'Error';
  return line.replace(/[^\x20-\x7e]/g, '?').slice(0, 512);
}
