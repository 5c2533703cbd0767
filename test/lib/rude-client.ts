/**
 * Clients that do not keep to the rules: they send slowly, stop in the middle, promise more than they send, or send far
 * too much. Written on a raw TLS socket, because an HTTP library would mend what these tests want broken.
 */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { sleep } from './wait.ts';

export interface RawConnection {
  readonly socket: TLSSocket;
  /** All that came so far. */
  received(): string;
  /** Resolves with all that came when the server has closed; rejects after `seconds`. */
  closed(seconds: number): Promise<string>;
}

/** Opens a TLS connection to the node. Errors of the socket (a reset) count as its end. */
export async function openRaw(port: number, host = '127.0.0.1'): Promise<RawConnection> {
  const socket = connect({ port, host, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  const chunks: Buffer[] = [];
  await once(socket, 'secureConnect');
  const end = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const received = (): string => Buffer.concat(chunks).toString('latin1');
  return {
    socket,
    received,
    closed: async (seconds) => {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error(`the server kept the connection for ${seconds} s`)),
          seconds * 1000,
        );
      });
      await Promise.race([end, limit]).finally(() => {
        clearTimeout(timer);
        socket.destroy();
      });
      return received();
    },
  };
}

/** Head of a request. `length` is what the client claims, whatever it sends after. */
export function requestHead(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | number>> = {},
): string {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/**
 * Sends `total` zero bytes in pieces of 1 MiB until all are sent or the server closes. Resolves with how many went out,
 * which is more than the server read: the kernel's buffers hold some.
 */
export async function sendZeros(connection: RawConnection, total: number): Promise<number> {
  const piece = Buffer.alloc(1024 * 1024);
  const { socket } = connection;
  let sent = 0;
  while (sent < total && socket.writable) {
    const part = piece.subarray(0, Math.min(piece.length, total - sent));
    sent += part.length;
    // Called when the piece is out, and also when the server has closed and it never will be.
    await new Promise<void>((resolve) => socket.write(part, () => resolve()));
  }
  return sent;
}

/** Sends text one byte each `interval` milliseconds until it is out or the server closes; gives the bytes sent. */
export async function sendSlowly(connection: RawConnection, text: string, interval: number): Promise<number> {
  let sent = 0;
  for (const byte of Buffer.from(text)) {
    if (!connection.socket.writable) return sent;
    connection.socket.write(Buffer.from([byte]));
    sent++;
    await sleep(interval);
  }
  return sent;
}
