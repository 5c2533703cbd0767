/**
 * HTTP on the public port, by the rules of the public API's server: HTTP/1.1 with reason phrases, four verbs, no
 * chunked bodies, small limits. Everything below /api2 goes to the daemon; the rest are the files of the Web UI.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip, type ZlibOptions } from 'node:zlib';
import type { RequestHead } from '../api/request.ts';
import type { DaemonLink, ReplyHead } from './daemon-link.ts';
import type { StaticFiles } from './static-files.ts';
import { isUpload, receiveUpload, type UploadContext } from './upload.ts';

/** Longest body of an ordinary call in bytes. */
export const maxBody = 512 * 1024;
/** Milliseconds within which an ordinary body must have arrived. */
const bodyTimeout = 30_000;
/** A listener that lags behind by this much (bytes) is cut off; it connects again and asks for everything. */
const maxBehind = 1024 * 1024;
/** Answers up to this size (bytes) are written together with their head. */
const shortBody = 8 * 1024;
/** How long a refused login waits for its answer (ms). Clients give up after 5 s. */
const refusalDelay = 3000;

export interface HttpContext extends UploadContext {
  readonly link: DaemonLink;
  readonly files: StaticFiles;
}

export function handleRequest(
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  response.on('error', () => {});
  request.on('error', () => {});
  const refusal = refuse(request);
  if (refusal) return sendRefusal(response, 501, refusal);
  const url = request.url ?? '/';
  if (!url.startsWith('/api2/') && !/^\/+api2(\/|%2f)/i.test(url)) {
    if (request.method !== 'GET')
      return sendRefusal(response, 501, `Method '${request.method} ${url}' not implemented`);
    context.files.serve(request, response);
    return;
  }
  if (isUpload(request)) {
    receiveUpload(context, request, response);
    return;
  }
  const length = Number(request.headers['content-length'] ?? 0);
  if (length === 0) forward(context, request, response, Buffer.alloc(0));
  else readBody(request, response, length, (body) => forward(context, request, response, body));
}

/** Why a request is not taken at all; undefined when it is fine. */
function refuse(request: IncomingMessage): string | undefined {
  const method = request.method ?? '';
  if (!['GET', 'POST', 'PUT', 'DELETE'].includes(method)) return `method '${method}' not available`;
  if (request.headers['transfer-encoding'] !== undefined) return 'chunked transfer encoding not supported';
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > 0 && (method === 'GET' || method === 'DELETE'))
    return `Unexpected content for method '${method}'`;
  if (length > maxBody && !isUpload(request)) return 'for data too large';
  return undefined;
}

function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  length: number,
  onBody: (body: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  let received = 0;
  const timer = setTimeout(() => {
    sendRefusal(response, 408, 'request body did not arrive in time');
    request.destroy();
  }, bodyTimeout);
  request.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    received += chunk.length;
  });
  request.on('close', () => clearTimeout(timer));
  request.on('end', () => {
    clearTimeout(timer);
    if (received === length) onBody(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  });
}

/** What the daemon needs to know of a request. */
export function headOf(request: IncomingMessage): RequestHead {
  const { headers } = request;
  return {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    cookie: headers.cookie,
    authorization: headers.authorization,
    csrf: headers.csrfpreventiontoken as string | undefined,
    contentType: headers['content-type'],
    idempotencyKey: headers['idempotency-key'] as string | undefined,
    sessionIn: headers['ryokan-session'] as string | undefined,
    remote: request.socket.remoteAddress ?? '',
    host: headers.host,
    agent: headers['user-agent'],
  };
}

function forward(
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
): void {
  const cancel = context.link.call(headOf(request), body, {
    onReply: (head, bytes, more) =>
      more ? startStream(response, head, bytes) : sendReply(request, response, head, bytes),
    onData(chunk) {
      response.write(chunk);
      if (response.writableLength > maxBehind) response.destroy();
    },
    onEnd: () => void response.end(),
  });
  // A client that has gone needs no answer; the daemon stops what serves only this call.
  response.on('close', () => {
    if (!response.writableFinished) cancel();
  });
}

let date = { second: 0, text: '' };

/** Now, as HTTP writes it (RFC 9110, section 5.6.7); the text is made once a second. */
function httpDate(): string {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (second !== date.second) date = { second, text: new Date(now).toUTCString() };
  return date.text;
}

function baseHeaders(head: ReplyHead): Record<string, string> {
  const headers: Record<string, string> = {
    'Cache-Control': 'max-age=0',
    Pragma: 'no-cache',
    Expires: httpDate(),
    Server: 'pve-api-daemon/3.0',
    'X-Content-Type-Options': 'nosniff',
  };
  if (head.contentType !== undefined) headers['Content-Type'] = head.contentType;
  if (head.retryAfter !== undefined) headers['Retry-After'] = String(head.retryAfter);
  if (head.setCookie !== undefined) headers['Set-Cookie'] = head.setCookie;
  if (head.fileName !== undefined) {
    headers['Content-Disposition'] = `attachment; filename="${head.fileName.replace(/[^\w.-]/g, '_')}"`;
  }
  return headers;
}

export function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  head: ReplyHead,
  body: Buffer,
): void {
  if (head.delayed) {
    setTimeout(() => sendReply(request, response, { ...head, delayed: false }, body), refusalDelay);
    return;
  }
  if (response.destroyed) return;
  const headers = baseHeaders(head);
  if (head.status >= 400) headers.Connection = 'close';
  const finish = (bytes: Buffer) => {
    headers['Content-Length'] = String(bytes.length);
    response.writeHead(head.status, head.reason, headers);
    // Node.js sends head and text in one piece, head and bytes in two; latin1 is the same bytes as text.
    if (bytes.length <= shortBody) response.end(bytes.toString('latin1'), 'latin1');
    else response.end(bytes);
  };
  if (body.length > 1024 && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    gzipOf(body, head.kept !== undefined).then(
      (compressed) => {
        headers['Content-Encoding'] = 'gzip';
        headers.Vary = 'Accept-Encoding';
        finish(compressed);
      },
      () => finish(body),
    );
  } else finish(body);
}

const compress = promisify<Buffer, ZlibOptions, Buffer>(gzip);
/** Compressed forms of bodies that are sent more than once. */
const compressedForms = new WeakMap<Buffer, Promise<Buffer>>();

function gzipOf(body: Buffer, again: boolean): Promise<Buffer> {
  const known = compressedForms.get(body);
  if (known) return known;
  const fresh = compress(body, { level: 1 });
  if (again) compressedForms.set(body, fresh);
  return fresh;
}

function startStream(response: ServerResponse, head: ReplyHead, first: Buffer): void {
  response.writeHead(head.status, head.reason, {
    ...baseHeaders(head),
    'Content-Type': 'text/event-stream',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  if (first.length > 0) response.write(first);
}

/** Answers without asking the daemon, and closes. */
export function sendRefusal(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify({ data: null, message: `${reason}\n` }));
  response.writeHead(status, reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 256), {
    'Content-Type': 'application/json;charset=UTF-8',
    'Content-Length': String(body.length),
    Connection: 'close',
  });
  response.end(body, () => response.socket?.destroySoon());
}
