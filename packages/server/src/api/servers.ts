/** The daemon's two doors: frames from the gateway, and HTTP for root's CLI. */
import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { type Frame, FrameConnection, FrameType } from '../host/frames.ts';
import { type KeptMark, SentBodies } from '../host/kept-bodies.ts';
import { findUser, gatewayUser } from '../host/users.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { HttpReply } from './reply.ts';
import { parseForm, type RequestHead, type UploadHead } from './request.ts';

/** A listener that lags behind by this much (bytes) is cut off; it connects again and asks for everything. */
const maxBehind = 1024 * 1024;

export interface CallServer {
  close(): void;
}

/** Frames from the gateway; its user may open the socket, nobody else. */
export async function serveGateway(path: string, dispatcher: Dispatcher): Promise<CallServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const calls = new Map<number, Cancellation>();
    const bodies = new SentBodies();
    const frames = new FrameConnection(socket, (frame) => {
      if (frame.type === FrameType.cancel) calls.get(frame.channel)?.abort();
      else if (frame.type === FrameType.request) {
        // Only a gateway gone wrong sends what cannot be answered.
        answer({ frames, calls, bodies }, frame, dispatcher).catch(() => socket.destroy());
      }
    });
    socket.on('close', () => {
      sockets.delete(socket);
      for (const call of calls.values()) call.abort();
    });
  });
  await listenOn(server, path);
  openToGateway(path);
  return {
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The gateway's user, and root, may connect. */
export function openToGateway(path: string): void {
  const user = findUser(gatewayUser);
  if (user) chownSync(path, user.uid, user.gid);
  chmodSync(path, 0o600);
}

/** Ends a call early. The signal is made when somebody looks at it: most calls are over before anybody would. */
class Cancellation {
  private aborted = false;
  private controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.aborted) this.controller.abort();
    return this.controller.signal;
  }

  abort(): void {
    this.aborted = true;
    this.controller?.abort();
  }
}

/** One connection of the gateway. */
interface GatewayLink {
  readonly frames: FrameConnection;
  readonly calls: Map<number, Cancellation>;
  readonly bodies: SentBodies;
}

/** An answer without its bytes, as the gateway gets it. */
type ReplyHead = Omit<HttpReply, 'body' | 'stream' | 'keepAs'> & { readonly kept?: KeptMark };

async function answer(
  { frames, calls, bodies }: GatewayLink,
  { channel, head, body }: Frame,
  dispatcher: Dispatcher,
): Promise<void> {
  const cancellation = new Cancellation();
  calls.set(channel, cancellation);
  const reply = await dispatcher.dispatch(head as RequestHead, body, cancellation);
  const { body: bytes, stream, keepAs, ...rest } = reply;
  if (!stream) {
    const kept = bodies.mark(keepAs, bytes);
    const replyHead: ReplyHead = kept ? { ...rest, kept } : rest;
    frames.send(channel, FrameType.response, replyHead, kept?.repeat ? undefined : bytes);
  } else {
    const { signal } = cancellation;
    frames.send(channel, FrameType.head, rest);
    await stream((chunk) => void frames.send(channel, FrameType.data, undefined, Buffer.from(chunk)), signal);
    if (!signal.aborted) frames.send(channel, FrameType.end);
  }
  calls.delete(channel);
}

/** Plain HTTP on a socket that only root can open: who comes here is root@pam. */
export async function serveLocal(path: string, dispatcher: Dispatcher): Promise<CallServer> {
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answerHttp(request, response, Buffer.concat(chunks), dispatcher).catch(() => response.destroy());
    });
  });
  await listenOn(server, path);
  chmodSync(path, 0o600);
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Root's client puts the file into the spool itself and asks in the gateway's two phases: the header
 * `X-Ryokan-Upload: begin <bytes>`, later `commit <bytes>`.
 */
function localUpload(request: IncomingMessage, body: Buffer): UploadHead | undefined {
  const match = /^(begin|commit) (\d{1,15})$/.exec(String(request.headers['x-ryokan-upload'] ?? ''));
  if (!match) return undefined;
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseForm(body.toString('utf8')))) fields[name] = String(value);
  return { phase: match[1] as UploadHead['phase'], size: Number(match[2]), fields };
}

async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  dispatcher: Dispatcher,
): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  response.on('error', () => {});
  const head: RequestHead = {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    contentType: request.headers['content-type'],
    idempotencyKey: request.headers['idempotency-key'] as string | undefined,
    remote: 'local',
    upload: localUpload(request, body),
  };
  const reply: HttpReply = await dispatcher.dispatch(head, body, { trusted: true, signal: abort.signal });
  if (response.destroyed) return;
  const type = reply.stream ? 'text/event-stream' : (reply.contentType ?? 'text/plain');
  if (!reply.stream) {
    response.writeHead(reply.status, reply.reason, {
      'Content-Type': type,
      'Content-Length': reply.body.length,
    });
    response.end(reply.body);
    return;
  }
  response.writeHead(reply.status, reply.reason, { 'Content-Type': type });
  const send = (chunk: string) => {
    response.write(chunk);
    if (response.writableLength > maxBehind) response.destroy();
  };
  await reply.stream(send, abort.signal);
  response.end();
}

function listenOn(
  server: {
    listen(path: string, done: () => void): unknown;
    once(event: 'error', done: (error: Error) => void): unknown;
  },
  path: string,
): Promise<void> {
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
