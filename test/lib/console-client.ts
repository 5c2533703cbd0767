/** The console protocols as clients of the public API speak them, over a real WebSocket. */
import { once } from 'node:events';
import { type RawData, WebSocket } from 'ws';
import type { ApiSession } from './api-session.ts';
import { waitFor } from './wait.ts';

/** What `vncproxy` and `termproxy` answer. */
export interface ProxyAnswer {
  readonly user: string;
  readonly ticket: string;
  readonly port: number | string;
  readonly upid: string;
  readonly password?: string;
}

/** Opens the WebSocket that belongs to a `vncproxy` or `termproxy` answer. `path`: of the guest or node. */
async function openWebSocket(session: ApiSession, path: string, proxy: ProxyAnswer): Promise<WebSocket> {
  const query = new URLSearchParams({ port: String(proxy.port), vncticket: proxy.ticket });
  const url = `${session.client.url.replace(/^http/, 'ws')}/api2/json${path}/vncwebsocket?${query}`;
  const socket = new WebSocket(url, 'binary', { headers: { ...session.headers }, rejectUnauthorized: false });
  await once(socket, 'open');
  return socket;
}

const bytesOf = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);

export class Terminal {
  readonly #socket: WebSocket;
  #output = '';

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: RawData) => {
      this.#output += bytesOf(data).toString('latin1');
    });
  }

  /** All that came so far, the protocol's first `OK` included. */
  get output(): string {
    return this.#output;
  }

  /** Input as if typed. */
  type(text: string): void {
    this.#socket.send(`0:${Buffer.byteLength(text)}:${text}`);
  }

  resize(columns: number, rows: number): void {
    this.#socket.send(`1:${columns}:${rows}:`);
  }

  /** Waits until the output after position `from` matches; gives the position behind the match. */
  async shows(pattern: RegExp, timeout: number, from = 0): Promise<number> {
    return waitFor(
      () => {
        const match = pattern.exec(this.#output.slice(from));
        return match ? from + match.index + match[0].length : undefined;
      },
      { timeout, what: () => `${pattern} on the terminal; its last output:\n${this.#output.slice(-1500)}` },
    );
  }

  /** Types a line and waits for `pattern` in what comes after it. */
  async answers(line: string, pattern: RegExp, timeout = 30): Promise<string> {
    const from = this.#output.length;
    this.type(`${line}\r`);
    const to = await this.shows(pattern, timeout, from);
    return this.#output.slice(from, to);
  }

  close(): void {
    this.#socket.close();
  }
}

/**
 * Opens a terminal by `termproxy`: serial port of a guest (`…/qemu/100`), console of a container or shell of a node.
 * `answer` is that of `termproxy` when another client of the same user has asked for it.
 */
export async function openTerminal(
  session: ApiSession,
  path: string,
  answer?: ProxyAnswer,
): Promise<Terminal> {
  const proxy = answer ?? (await session.call<ProxyAnswer>('POST', `${path}/termproxy`));
  const socket = await openWebSocket(session, path, proxy);
  const terminal = new Terminal(socket);
  socket.send(`${proxy.user}:${proxy.ticket}\n`);
  await terminal.shows(/^OK/, 10);
  return terminal;
}

/** Opens a guest's screen by `vncproxy`; gives the server's RFB greeting, which ends with a line feed. */
export async function rfbGreeting(session: ApiSession, path: string): Promise<string> {
  const proxy = await session.call<ProxyAnswer>('POST', `${path}/vncproxy`, { websocket: true });
  const socket = await openWebSocket(session, path, proxy);
  let greeting = '';
  socket.on('message', (data: RawData) => {
    greeting += bytesOf(data).toString('latin1');
  });
  try {
    await waitFor(() => greeting.length >= 12, { timeout: 10, what: 'the RFB greeting' });
    return greeting;
  } finally {
    socket.close();
  }
}
