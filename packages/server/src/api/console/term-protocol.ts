/**
 * The terminal protocol of the public API: the client sends `user:ticket\n` and gets `OK`; then `0:<bytes>:<data>` is
 * input, `1:<columns>:<rows>:` a new size, `2` keeps the connection alive. Output comes raw.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConsoleSession } from './sessions.ts';

/** A far end that can be resized, such as a pseudo terminal. */
export interface Resizable {
  resize(columns: number, rows: number): void;
}

const maxInput = 128 * 1024;

/** Joins a relay connection to the session's target; resolves when either side has ended. */
export async function joinTerminal(socket: Socket, session: ConsoleSession): Promise<void> {
  const parser = new TerminalParser();
  if (!(await authenticated(socket, session, parser))) {
    socket.destroy();
    return;
  }
  const far = await session.target.open(session);
  socket.write('OK');
  await relayTerminal(socket, far, parser);
}

/** Passes input and sizes that the client sends to `far`, and its output back; resolves when either side has ended. */
export async function relayTerminal(
  client: Duplex,
  far: Duplex & Partial<Resizable>,
  parser: TerminalParser,
): Promise<void> {
  parser.onData = (data) => {
    if (far.write(data)) return;
    // A guest that does not read: what is typed or pasted meanwhile waits at its sender.
    client.pause();
    far.once('drain', () => client.resume());
  };
  parser.onResize = (columns, rows) => far.resize?.(columns, rows);
  far.pipe(client);
  await new Promise<void>((resolve) => {
    const end = () => {
      far.destroy();
      client.destroy();
      resolve();
    };
    far.on('error', end);
    far.on('close', end);
    client.on('close', end);
    client.on('data', (chunk: Buffer) => {
      if (!parser.push(chunk)) end();
    });
    parser.push(Buffer.alloc(0));
    client.resume();
  });
}

function authenticated(socket: Socket, session: ConsoleSession, parser: TerminalParser): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 10_000);
    let head: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(10);
      if (end < 0 && head.length < 4096) return;
      socket.off('data', onData);
      socket.pause();
      clearTimeout(timer);
      const given = head.subarray(0, Math.max(0, end));
      const wanted = Buffer.from(`${session.user}:${session.ticket}`);
      parser.rest = head.subarray(end + 1);
      resolve(given.length === wanted.length && timingSafeEqual(given, wanted));
    };
    socket.on('data', onData);
    socket.on('close', () => resolve(false));
    socket.resume();
  });
}

export class TerminalParser {
  rest: Buffer = Buffer.alloc(0);
  onData: (data: Buffer) => void = () => {};
  onResize: (columns: number, rows: number) => void = () => {};

  /** False when the peer does not keep to the protocol. */
  push(chunk: Buffer): boolean {
    this.rest = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    for (;;) {
      const kind = this.rest[0];
      if (kind === undefined) return true;
      const taken = kind === 0x32 ? 1 : kind === 0x30 ? this.input() : kind === 0x31 ? this.size() : -1;
      if (taken < 0) return false;
      if (taken === 0) return this.rest.length <= maxInput;
      this.rest = this.rest.subarray(taken);
    }
  }

  /** `0:<bytes>:<data>`; bytes taken, 0 when it is not complete yet, -1 when malformed. */
  private input(): number {
    const head = /^0:(\d{1,6}):/.exec(this.rest.toString('latin1', 0, 10));
    if (!head) return this.rest.length < 10 ? 0 : -1;
    const start = head[0].length;
    const length = Number(head[1]);
    if (length > maxInput) return -1;
    if (this.rest.length < start + length) return 0;
    this.onData(Buffer.from(this.rest.subarray(start, start + length)));
    return start + length;
  }

  private size(): number {
    const head = /^1:(\d{1,4}):(\d{1,4}):/.exec(this.rest.toString('latin1', 0, 14));
    if (!head) return this.rest.length < 13 ? 0 : -1;
    const columns = Number(head[1]);
    const rows = Number(head[2]);
    if (columns > 0 && rows > 0) this.onResize(columns, rows);
    return head[0].length;
  }
}
