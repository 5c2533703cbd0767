/**
 * Client of the QEMU Machine Protocol (https://www.qemu.org/docs/master/interop/qmp-spec.html): commands with ids,
 * events, errors with their class.
 */
import type { Socket } from 'node:net';
import { RyokanError } from '@ryokan/api/errors.ts';
import { type ConnectOptions, connectUnix, readLines } from './json-socket.ts';

/** A bigint is sent as a plain number of any length; what QEMU answers never holds one. */
export type JsonValue = string | number | bigint | boolean | null | readonly JsonValue[] | JsonObject;
/** Undefined members are left out when it is sent. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };
export type QmpArguments = JsonObject;

/** What QEMU says of itself when a client connects. */
export interface QmpGreeting {
  readonly version: {
    readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
  };
  readonly capabilities: readonly string[];
}

export interface QmpEvent {
  /** `SHUTDOWN`, `RESET`, `BLOCK_JOB_COMPLETED`, … */
  readonly event: string;
  readonly data: JsonObject;
  /** Milliseconds since the epoch, by QEMU's clock. */
  readonly time: number;
}

export interface ExecuteOptions {
  /** Milliseconds; default 10 s. QEMU may still carry the command out after that. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface WaitOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
  readonly where?: (event: QmpEvent) => boolean;
}

/** QEMU refused a command. `qmpClass` is `GenericError`, `CommandNotFound`, `DeviceNotFound`, … */
export class QmpError extends RyokanError {
  readonly command: string;
  readonly qmpClass: string;
  constructor(command: string, qmpClass: string, description: string) {
    super('failed', `QEMU refused '${command}': ${description}`, { context: { command, class: qmpClass } });
    this.name = 'QmpError';
    this.command = command;
    this.qmpClass = qmpClass;
  }
}

export interface QmpClient {
  readonly greeting: QmpGreeting;
  /**
   * Runs a command and returns its `return` member. Rejects with QmpError (refused), RyokanError 'unavailable' (the
   * connection ended, so the guest stopped or crashed) or 'failed' (no answer in time, aborted).
   */
  execute<T = unknown>(command: string, args?: QmpArguments, options?: ExecuteOptions): Promise<T>;
  /** Calls back for each event from now on; returns the function that ends it. */
  onEvent(listener: (event: QmpEvent) => void): () => void;
  /** The next event of that name; start waiting BEFORE the command that causes it. */
  waitForEvent(name: string, options: WaitOptions): Promise<QmpEvent>;
  /** Resolves when the connection has ended, for whatever reason; never rejects. */
  readonly closed: Promise<void>;
  close(): void;
}

const defaultTimeout = 10_000;

/** Connects, reads the greeting and leaves negotiation mode. Defaults: 5 s, the socket must exist. */
export async function connectQmp(
  socketPath: string,
  options: Partial<ConnectOptions> = {},
): Promise<QmpClient> {
  const timeout = options.timeout ?? 5_000;
  const started = Date.now();
  const socket = await connectUnix(socketPath, { ...options, timeout });
  const connection = new Connection(socket, socketPath);
  const left = Math.max(1, timeout - (Date.now() - started));
  try {
    connection.greeting = await connection.greeted(left, options.signal);
    await connection.execute('qmp_capabilities', {}, { timeout: left, signal: options.signal });
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

interface Waiter {
  readonly command: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** One line from QEMU: a greeting, an answer or an event. */
interface Message {
  readonly QMP?: QmpGreeting;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: JsonObject;
  readonly timestamp?: { readonly seconds: number; readonly microseconds: number };
}

class Connection implements QmpClient {
  greeting: QmpGreeting = { version: { qemu: { major: 0, minor: 0, micro: 0 } }, capabilities: [] };
  readonly closed: Promise<void>;
  private readonly waiting = new Map<number, Waiter>();
  private readonly listeners = new Set<(event: QmpEvent) => void>();
  private onGreeting: ((greeting: QmpGreeting) => void) | undefined;
  private early: QmpGreeting | undefined;
  private lastId = 0;
  private ended = false;
  private readonly socket: Socket;
  private readonly path: string;

  constructor(socket: Socket, path: string) {
    this.socket = socket;
    this.path = path;
    // 'close' follows and tells the waiters; the error itself (a reset by a dying QEMU) adds nothing.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.ended = true;
        for (const waiter of this.waiting.values()) waiter.reject(this.gone(waiter.command));
        this.waiting.clear();
        resolve();
      });
    });
    readLines(socket, (line) => this.receive(line));
  }

  /** The greeting; it may have come in the same read as the connection. */
  greeted(timeout: number, signal?: AbortSignal): Promise<QmpGreeting> {
    if (this.early) return Promise.resolve(this.early);
    const greeting = new Promise<QmpGreeting>((resolve, reject) => {
      this.onGreeting = resolve;
      void this.closed.then(() => reject(this.gone('greeting')));
    });
    return limited(
      greeting,
      { timeout, signal },
      `QEMU did not greet on '${this.path}'; is another client connected?`,
    );
  }

  execute<T>(command: string, args: QmpArguments = {}, options: ExecuteOptions = {}): Promise<T> {
    if (this.ended) return Promise.reject(this.gone(command));
    const id = ++this.lastId;
    const answer = new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { command, resolve: resolve as (value: unknown) => void, reject });
    });
    this.socket.write(`${jsonText({ execute: command, arguments: args, id })}\n`);
    const limit = { timeout: options.timeout ?? defaultTimeout, signal: options.signal };
    return limited(answer, limit, `QEMU did not answer '${command}'`).finally(() => this.waiting.delete(id));
  }

  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  waitForEvent(name: string, options: WaitOptions): Promise<QmpEvent> {
    let stop: (() => void) | undefined;
    const event = new Promise<QmpEvent>((resolve, reject) => {
      stop = this.onEvent((candidate) => {
        if (candidate.event === name && (options.where?.(candidate) ?? true)) resolve(candidate);
      });
      void this.closed.then(() => reject(this.gone(`event ${name}`)));
    });
    return limited(event, options, `no event ${name} from QEMU`).finally(() => stop?.());
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch (cause) {
      // What follows cannot be trusted either.
      this.socket.destroy(new Error(`not JSON from QEMU: ${line.slice(0, 100)}`, { cause }));
      return;
    }
    if (message.event !== undefined) this.publish(message, message.event);
    else if (message.QMP) {
      this.early = message.QMP;
      this.onGreeting?.(message.QMP);
    } else this.answer(message);
  }

  private publish(message: Message, name: string): void {
    const { seconds = 0, microseconds = 0 } = message.timestamp ?? {};
    const event: QmpEvent = {
      event: name,
      data: message.data ?? {},
      time: seconds * 1000 + Math.floor(microseconds / 1000),
    };
    for (const listener of [...this.listeners]) listener(event);
  }

  private answer(message: Message): void {
    // An answer without id can only be to text that QEMU could not parse; an unknown id was given up by its caller.
    const waiter = message.id === undefined ? undefined : this.waiting.get(message.id);
    if (!waiter) return;
    if (message.error) waiter.reject(new QmpError(waiter.command, message.error.class, message.error.desc));
    else waiter.resolve(message.return);
  }

  private gone(what: string): RyokanError {
    return new RyokanError(
      'unavailable',
      `the connection to QEMU ended (waiting for ${what}); the guest has stopped`,
      {
        context: { path: this.path },
      },
    );
  }
}

/**
 * A promise that resolves at the next event of that name, after `within` ms, or when the signal aborts: for a look at
 * something whose progress comes with no event. Begin before the look; `cancel` when it has shown enough.
 */
export function nextEvent(
  qmp: QmpClient,
  name: string,
  within: number,
  signal?: AbortSignal,
  where: (data: JsonObject) => boolean = () => true,
): { readonly happened: Promise<void>; cancel(): void } {
  let cancel = () => {};
  const happened = new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, within);
    const stop = qmp.onEvent(({ event, data }) => {
      if (event === name && where(data)) done();
    });
    signal?.addEventListener('abort', done, { once: true });
    cancel = done;
  });
  return { happened, cancel };
}

/** JSON.stringify, which knows no bigint (JSON.rawJSON would, from Node.js 22 on). */
export function jsonText(value: JsonValue | undefined): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`).join(',')}}`;
}

/** `promise`, or a RyokanError 'failed' after `timeout` ms or when `signal` aborts. */
export function limited<T>(
  promise: Promise<T>,
  limit: { readonly timeout: number; readonly signal?: AbortSignal },
  what: string,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(
      () => settle(new RyokanError('failed', `${what} within ${limit.timeout} ms`)),
      limit.timeout,
    );
    const onAbort = (): void =>
      settle(new RyokanError('failed', `${what}: aborted`, { cause: limit.signal?.reason }));
    function settle(error?: Error): void {
      clearTimeout(timer);
      limit.signal?.removeEventListener('abort', onAbort);
      if (error) reject(error);
    }
    limit.signal?.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: Error) => settle(error),
    );
    if (limit.signal?.aborted) onAbort();
  });
}
