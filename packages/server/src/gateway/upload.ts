/**
 * Uploads: the multipart body is parsed here, without rights, and the file streamed into DATA/spool. Before the first
 * byte of it is kept the daemon has said that this caller may put this file there; afterwards it takes the file over
 * in a task. Whatever breaks in between leaves nothing in the spool.
 */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import type { UploadHead } from '../api/request.ts';
import type { DaemonLink, ReplyHead } from './daemon-link.ts';
import { headOf, sendRefusal, sendReply } from './http.ts';

export interface UploadContext {
  readonly link: DaemonLink;
  readonly spool: string;
}

const uploadPath = /^\/api2\/(?:json|extjs)\/nodes\/[^/?]+\/storage\/[^/?]+\/upload\/?(?:\?|$)/;
/** A client that sends nothing for this long has gone (ms). */
const idleTimeout = 120_000;
/** Fields are few and short, and nobody has asked for a login yet: the file part must begin within this time (ms). */
const fieldsTimeout = 30_000;

export function isUpload(request: IncomingMessage): boolean {
  return (
    request.method === 'POST' &&
    uploadPath.test(request.url ?? '') &&
    /^multipart\/form-data/i.test(request.headers['content-type'] ?? '')
  );
}

export function receiveUpload(
  context: UploadContext,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const fields: Record<string, string> = {};
  const size = Number(request.headers['content-length'] ?? 0);
  let file: Promise<void> | undefined;
  let answered = false;
  const answer = (head: ReplyHead, body: Buffer) => {
    if (answered) return;
    answered = true;
    sendReply(request, response, head, body);
  };
  const refuse = (status: number, text: string) => {
    if (answered) return;
    answered = true;
    sendRefusal(response, status, text);
  };
  const ask = (phase: UploadHead['phase'], more: Record<string, string>) =>
    context.link.ask(
      { ...headOf(request), contentType: undefined, upload: { phase, fields: { ...fields, ...more }, size } },
      Buffer.alloc(0),
    );

  let parser: busboy.Busboy;
  try {
    parser = busboy({
      headers: request.headers,
      limits: { files: 1, fields: 16, fieldSize: 4096, parts: 20 },
    });
  } catch {
    return refuse(400, 'malformed multipart body');
  }
  request.setTimeout(idleTimeout, () => request.destroy());
  const fieldsTimer = setTimeout(() => refuse(408, 'the file part did not arrive in time'), fieldsTimeout);
  request.once('close', () => clearTimeout(fieldsTimer));
  parser.on('field', (name, value) => {
    // Where the file stands is for the gateway alone to say.
    if (name !== 'tmpfilename') fields[name] = value;
  });
  parser.on('file', (_name, stream, info) => {
    clearTimeout(fieldsTimer);
    file = takeFile(stream, info.filename ?? '');
  });
  parser.on('error', () => refuse(400, 'malformed multipart body'));
  parser.on('close', () => {
    if (!file) refuse(400, 'upload without a file part');
  });
  request.pipe(parser);

  async function takeFile(stream: Readable, fileName: string): Promise<void> {
    stream.pause();
    stream.on('error', () => {});
    fields.filename ??= fileName;
    const begin = await ask('begin', {});
    if (begin.head.status !== 200 || isFailure(begin.body)) {
      answer(begin.head, begin.body);
      // Read on until a moment after the answer (a refused login waits for it), so that the client sees the answer
      // instead of a broken connection.
      stream.resume();
      response.once('finish', () => setTimeout(() => request.destroy(), 2000).unref());
      return;
    }
    const path = join(context.spool, `pveupload-${randomBytes(16).toString('hex')}`);
    try {
      await store(stream, request, path);
    } catch (error) {
      await unlink(path).catch(() => {});
      refuse(400, error instanceof Error ? error.message : 'upload failed');
      return;
    }
    const commit = await ask('commit', { tmpfilename: path });
    if (commit.head.status !== 200 || isFailure(commit.body)) await unlink(path).catch(() => {});
    answer(commit.head, commit.body);
  }
}

/** extjs answers are always 200. */
const isFailure = (body: Buffer): boolean => body.subarray(0, 12).toString() === '{"success":0';

/** Streams a file part to disk. Rejects when the client breaks off before its end. */
function store(stream: Readable, request: IncomingMessage, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const out = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    const fail = (error: Error) => {
      stream.unpipe(out);
      stream.resume();
      out.destroy();
      out.once('close', () => reject(error));
    };
    // `close` without `complete`: the connection broke before the whole body was here.
    const onClose = () => {
      if (!request.complete) fail(new Error('upload was broken off'));
    };
    if (request.destroyed && !request.complete) return fail(new Error('upload was broken off'));
    request.once('close', onClose);
    // The whole body is here, but the file part in it has no end.
    stream.once('error', fail);
    out.once('error', (error: NodeJS.ErrnoException) =>
      fail(new Error(error.code === 'ENOSPC' ? 'no space left for the upload' : error.message)),
    );
    out.once('finish', () => {
      request.off('close', onClose);
      resolve();
    });
    stream.pipe(out);
  });
}
