/**
 * The proxy of SPICE viewers: CONNECT with a ticket for a host name, which the daemon checks. Behind it the viewer speaks
 * TLS with what it takes for the guest's display. That TLS ends here, where the node's certificate is; the bytes go on
 * to QEMU's socket by the daemon's relay.
 */
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { DaemonLink } from './daemon-link.ts';
import { headOf } from './http.ts';

export interface SpiceProxyContext {
  readonly link: DaemonLink;
  readonly relaySocket: string;
  readonly cert: string;
  readonly key: string;
}

/** A viewer that has vanished without a word is noticed by the kernel's keep-alive after this time (ms) and its retries. */
const keepAliveAfter = 30_000;
/** How long a viewer may take for the TLS handshake (ms). */
const handshakeTimeout = 10_000;

export function spiceProxy(
  context: SpiceProxyContext,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { cert, key } = context;
  const secureContext = createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    void context.link.ask(headOf(request), Buffer.alloc(0)).then(({ head: reply }) => {
      if (socket.destroyed) return;
      if (reply.relay === undefined) {
        socket.end(
          `HTTP/1.1 ${reply.status} ${reply.reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        );
        return;
      }
      (socket as Socket).setKeepAlive(true, keepAliveAfter);
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      if (head.length > 0) socket.unshift(head);
      const viewer = new TLSSocket(socket as Socket, { isServer: true, secureContext });
      const timer = setTimeout(() => viewer.destroy(), handshakeTimeout);
      viewer.once('secure', () => clearTimeout(timer));
      viewer.once('close', () => clearTimeout(timer));
      join(viewer, context.relaySocket, reply.relay);
    });
  };
}

/** Both ends go together. */
function join(viewer: TLSSocket, relaySocket: string, token: string): void {
  const display = connect(relaySocket);
  display.write(`${token}\n`);
  for (const [one, other] of [
    [viewer, display],
    [display, viewer],
  ] as const) {
    one.on('error', () => one.destroy());
    one.on('close', () => other.destroy());
  }
  viewer.pipe(display);
  display.pipe(viewer);
}
