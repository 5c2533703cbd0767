/**
 * Open consoles. Opening one gives a port number (a name, nothing listens on it) and a ticket; the WebSocket that
 * shows both is joined to the console's target by a token on the relay socket.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { AccessControl } from '../../access/access-control.ts';
import type { Call } from '../handler-table.ts';
import { openToGateway } from '../servers.ts';
import { SpiceTickets } from './spice-tickets.ts';

export interface ConsoleTarget {
  /** Opens the far end for a session; called once a connection. */
  readonly open: (session: ConsoleSession) => Duplex | Promise<Duplex>;
  /** Speaks the terminal protocol (termproxy) instead of raw bytes. */
  readonly terminal: boolean;
  /** Name of a far end that serves one client, such as a serial port: who comes later takes it over. */
  readonly exclusive?: string;
}

export interface ConsoleSession {
  readonly port: number;
  readonly user: string;
  /** ACL path that the ticket is bound to. */
  readonly path: string;
  readonly ticket: string;
  readonly target: ConsoleTarget;
  readonly onEnd: () => void;
  /** Whose it is: whoever asked for it, then whoever opened it. May that caller still have it? */
  mayStay: () => boolean;
  /** The relay connection that is joined to it. */
  socket?: Socket;
}

/** What is asked of whoever has a console. */
export type ConsoleCaller = Pick<Call, 'user' | 'goesOn' | 'can'>;

const stay = (call: ConsoleCaller, path: string) => () =>
  call.goesOn() && call.can(path, [path.startsWith('/nodes/') ? 'Sys.Console' : 'VM.Console']);

const firstPort = 5900;
const lastPort = 5999;
/** A console that nobody connects to is closed after this time (ms). */
const unusedTimeout = 40_000;

export class ConsoleSessions {
  readonly spice = new SpiceTickets();
  private readonly sessions = new Map<number, { session: ConsoleSession; timer: NodeJS.Timeout }>();
  private readonly tokens = new Map<string, ConsoleSession>();
  private readonly open = new Set<ConsoleSession>();
  private readonly holders = new Map<string, ConsoleSession>();
  private server: Server | undefined;
  private nextPort = firstPort;

  constructor(private readonly access: AccessControl) {}

  /** Listens on the relay socket, which the gateway's user may open. */
  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    this.server = createServer((socket) => this.accept(socket));
    await new Promise<void>((resolve, reject) => this.server?.once('error', reject).listen(path, resolve));
    openToGateway(path);
  }

  close(): void {
    this.server?.close();
  }

  create(call: ConsoleCaller, path: string, target: ConsoleTarget, onEnd: () => void): ConsoleSession {
    const { user } = call;
    const port = this.freePort();
    const ticket = this.access.consoleTicket(user, path, port);
    const session: ConsoleSession = { port, user, path, target, onEnd, ticket, mayStay: stay(call, path) };
    const timer = setTimeout(() => this.drop(port), unusedTimeout);
    timer.unref();
    this.sessions.set(port, { session, timer });
    return session;
  }

  /** Checks ticket and port; returns a token that the relay socket takes once, within a few seconds. */
  admit(call: ConsoleCaller, path: string, port: number, ticket: string): string {
    const { user } = call;
    const entry = this.sessions.get(port);
    if (
      !entry ||
      entry.session.path !== path ||
      entry.session.user !== user ||
      !this.access.checkConsoleTicket(ticket, user, path, port)
    ) {
      throw new RyokanError('forbidden', 'invalid or used console ticket; open the console again');
    }
    clearTimeout(entry.timer);
    this.sessions.delete(port);
    entry.session.mayStay = stay(call, path);
    return this.tokenFor(entry.session);
  }

  /** A token that leads to `target`, for a connection by which `caller` looks at it. Throws 'forbidden' when that is over. */
  tunnel(caller: ConsoleCaller, path: string, target: ConsoleTarget): string {
    const mayStay = stay(caller, path);
    if (!mayStay()) throw new RyokanError('forbidden', 'the session has ended that has opened this console');
    const { user } = caller;
    return this.tokenFor({ port: 0, user, path, ticket: '', target, onEnd: () => {}, mayStay });
  }

  private tokenFor(session: ConsoleSession): string {
    const token = randomBytes(24).toString('base64url');
    this.tokens.set(token, session);
    setTimeout(() => {
      if (this.tokens.delete(token)) session.onEnd();
    }, 10_000).unref();
    return token;
  }

  /** Ends a console, whatever state it is in. */
  end(session: ConsoleSession): void {
    const waiting = this.sessions.get(session.port);
    if (waiting?.session === session) {
      clearTimeout(waiting.timer);
      this.drop(session.port);
    }
    for (const [token, one] of this.tokens) if (one === session) this.tokens.delete(token);
    session.socket?.destroy();
  }

  /** Ends the consoles of sessions that have ended, of users without the right any more; after a change of either. */
  checkLogins(): void {
    const waiting = [...this.sessions.values()].map(({ session }) => session);
    for (const session of [...waiting, ...this.open]) if (!session.mayStay()) this.end(session);
    for (const [token, session] of this.tokens) {
      if (!session.mayStay() && this.tokens.delete(token)) session.onEnd();
    }
  }

  /** The one who had the far end until now is told so: waiting silently for each other would look like a hang. */
  private takeOver(session: ConsoleSession): void {
    const { exclusive } = session.target;
    if (exclusive === undefined) return;
    const before = this.holders.get(exclusive)?.socket;
    this.holders.set(exclusive, session);
    session.socket?.once('close', () => {
      if (this.holders.get(exclusive) === session) this.holders.delete(exclusive);
    });
    if (before?.destroyed !== false) return;
    before.end(`\r\n[${session.user} has opened this console and taken it over]\r\n`, () => before.destroy());
  }

  private freePort(): number {
    for (let tries = firstPort; tries <= lastPort; tries++) {
      const port = this.nextPort;
      this.nextPort = port === lastPort ? firstPort : port + 1;
      if (!this.sessions.has(port)) return port;
    }
    throw new RyokanError(
      'failed',
      'too many consoles are being opened at the same time; try again in a minute',
    );
  }

  private drop(port: number): void {
    const entry = this.sessions.get(port);
    this.sessions.delete(port);
    entry?.session.onEnd();
  }

  /** First line of a relay connection: the token. Everything after it belongs to the console. */
  private accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    let head: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(10);
      if (end < 0) {
        if (head.length > 256) socket.destroy();
        return;
      }
      socket.off('data', onData);
      socket.pause();
      const token = head.subarray(0, end).toString();
      const session = this.tokens.get(token);
      this.tokens.delete(token);
      if (!session) return void socket.destroy();
      if (head.length > end + 1) socket.unshift(head.subarray(end + 1));
      void this.join(socket, session);
    };
    socket.on('data', onData);
  }

  private async join(socket: Socket, session: ConsoleSession): Promise<void> {
    const { target } = session;
    session.socket = socket;
    this.open.add(session);
    socket.once('close', () => this.open.delete(session));
    this.takeOver(session);
    let far: Duplex;
    try {
      if (target.terminal) {
        const { joinTerminal } = await import('./term-protocol.ts');
        await joinTerminal(socket, session);
        return session.onEnd();
      }
      far = await target.open(session);
    } catch {
      socket.destroy();
      return session.onEnd();
    }
    far.on('error', () => socket.destroy());
    far.on('close', () => socket.destroy());
    socket.on('close', () => {
      far.destroy();
      session.onEnd();
    });
    socket.pipe(far);
    far.pipe(socket);
    socket.resume();
  }
}

/** A target behind a Unix socket; one that speaks the terminal protocol is a serial port. */
export function unixTarget(path: string, terminal: boolean): ConsoleTarget {
  return { terminal, open: () => connect(path), ...(terminal ? { exclusive: path } : {}) };
}
