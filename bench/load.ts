/**
 * Load generator: connections over TLS that each send the same GET as soon as the last answer is complete. Speaks
 * just as much HTTP as this needs, so that it takes as little of the machine as it can from the server it measures.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import type { Role } from './lib/children.ts';

export interface LoadRequest {
  readonly port: number;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  /** Milliseconds. Requests under way at the end are completed and counted. */
  readonly duration: number;
  /**
   * Requests a second over all connections. Each has its moment and its latency counts from there, also when it had to
   * wait for a free connection. Without it every connection sends its next request as soon as it has its answer.
   */
  readonly rate?: number;
}

export interface LoadResult {
  /** Milliseconds of each request, from its first byte sent to its last byte received. */
  readonly latencies: number[];
  /** Milliseconds from the first request to the last answer. */
  readonly elapsed: number;
  /** Bytes of one answer's body. */
  readonly bodySize: number;
}

export function loadRole(): Role {
  return (message) => generate(message as LoadRequest);
}

async function generate(request: LoadRequest): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: request.connections }, () => openTls(request.port)));
  const text = requestText(request);
  const clients = sockets.map((socket) => new Client(socket, text));
  try {
    // The first answer of a connection is not counted: the server builds what it keeps for it.
    await Promise.all(clients.map((client) => client.exchange()));
    const latencies: number[] = [];
    const begun = performance.now();
    let next = 0;
    const paced = async (client: Client, rate: number) => {
      for (;;) {
        const due = begun + (next++ * 1000) / rate;
        if (due - begun >= request.duration) return;
        const early = due - performance.now();
        if (early > 0) await sleep(early);
        await client.exchange();
        latencies.push(performance.now() - due);
      }
    };
    const unpaced = async (client: Client) => {
      while (performance.now() - begun < request.duration) latencies.push(await client.exchange());
    };
    const { rate } = request;
    await Promise.all(clients.map((client) => (rate ? paced(client, rate) : unpaced(client))));
    const elapsed = performance.now() - begun;
    return { latencies, elapsed, bodySize: clients[0]?.bodySize ?? 0 };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function openTls(port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => resolve(socket));
    socket.setNoDelay(true);
    socket.once('error', reject);
  });
}

function requestText({ port, path, headers }: LoadRequest): Buffer {
  const lines = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Accept: */*'];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

const headEnd = Buffer.from('\r\n\r\n');

/** One connection with one request under way at a time. Takes answers with a Content-Length and status 200 only. */
class Client {
  bodySize = 0;
  private head: Buffer | undefined;
  /** Bytes of the body still to come. */
  private missing = 0;
  private sent = 0;
  private settle: { resolve(latency: number): void; reject(error: Error): void } | undefined;

  constructor(
    private readonly socket: TLSSocket,
    private readonly request: Buffer,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => this.settle?.reject(error));
    socket.on('close', () => this.settle?.reject(new Error('the server closed the connection')));
  }

  /** Sends the request; resolves with the milliseconds until the answer was complete. */
  exchange(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.head = Buffer.alloc(0);
      this.sent = performance.now();
      this.socket.write(this.request);
    });
  }

  private receive(chunk: Buffer): void {
    if (this.head === undefined) this.missing -= chunk.length;
    else {
      const received = this.head.length === 0 ? chunk : Buffer.concat([this.head, chunk]);
      const end = received.indexOf(headEnd);
      if (end < 0) {
        this.head = received;
        return;
      }
      this.head = undefined;
      this.bodySize = this.bodyLength(received.toString('latin1', 0, end));
      this.missing = this.bodySize - (received.length - end - headEnd.length);
    }
    if (this.missing > 0) return;
    const { settle } = this;
    this.settle = undefined;
    settle?.resolve(performance.now() - this.sent);
  }

  private bodyLength(head: string): number {
    const length = /^content-length: (\d+)$/im.exec(head)?.[1];
    if (!head.startsWith('HTTP/1.1 200 ') || length === undefined) {
      this.settle?.reject(new Error(`an answer that was not expected: ${head.split('\r\n')[0]}`));
    }
    return Number(length ?? 0);
  }
}
