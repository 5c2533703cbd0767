/**
 * Console WebSockets: after the daemon has checked the ticket, bytes pass between the browser and a fresh connection
 * to the daemon's relay socket, which leads to QEMU's VNC or serial socket or a shell.
 */
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { DaemonLink } from './daemon-link.ts';
import { headOf } from './http.ts';

export interface ConsoleContext {
  readonly link: DaemonLink;
  readonly relaySocket: string;
}

/** A browser that has gone without a word is noticed when two of these (ms) have passed. */
const pingEvery = 30_000;

/** Bytes waiting for a slow browser before the source is paused. */
const highWater = 1024 * 1024;

export function consoleUpgrades(
  context: ConsoleContext,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: 128 * 1024,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false),
  });
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      return refuseUpgrade(socket, 501, 'only WebSockets are possible here', Buffer.alloc(0));
    }
    if (!isOwnOrigin(request)) {
      return refuseUpgrade(socket, 403, 'this page may not open consoles here', Buffer.alloc(0));
    }
    void context.link.ask(headOf(request), Buffer.alloc(0)).then(({ head: reply, body }) => {
      if (reply.status !== 200 || reply.relay === undefined)
        return refuseUpgrade(socket, reply.status, reply.reason, body);
      const token = reply.relay;
      server.handleUpgrade(request, socket, head, (webSocket) =>
        relay(context.relaySocket, token, webSocket),
      );
    });
  };
}

/**
 * Browsers send the cookie of this site along with the WebSockets of any page, and name the page's origin: another one than
 * ours is refused. Programs name none.
 */
function isOwnOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function refuseUpgrade(socket: Duplex, status: number, reason: string, body: Buffer): void {
  const code = status === 200 ? 501 : status;
  socket.end(
    `HTTP/1.1 ${code} ${reason}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body.toString()}`,
  );
}

function relay(path: string, token: string, webSocket: WebSocket): void {
  const target = connect(path);
  target.write(`${token}\n`);
  target.on('data', (chunk: Buffer) => {
    webSocket.send(chunk, { binary: true }, () => {
      if (target.isPaused() && webSocket.bufferedAmount < highWater / 2) target.resume();
    });
    if (webSocket.bufferedAmount > highWater) target.pause();
  });
  target.on('error', () => webSocket.close(1011, 'console is gone'));
  target.on('close', () => webSocket.close(1000));
  webSocket.on('message', (data: Buffer) => {
    if (!target.write(data)) {
      webSocket.pause();
      target.once('drain', () => webSocket.resume());
    }
  });
  endWhenSilent(webSocket);
  webSocket.on('close', () => target.destroy());
  webSocket.on('error', () => target.destroy());
}

/** A serial port serves one console: one whose browser has vanished must not keep it. */
function endWhenSilent(webSocket: WebSocket): void {
  let alive = true;
  const timer = setInterval(() => {
    if (!alive) return webSocket.terminate();
    alive = false;
    webSocket.ping();
  }, pingEvery);
  webSocket.on('pong', () => {
    alive = true;
  });
  webSocket.on('close', () => clearInterval(timer));
}
