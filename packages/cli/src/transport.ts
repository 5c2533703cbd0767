/** Calls to the API. One interface, so that a connection over TLS to another host can stand beside the Unix socket. */
import type { IncomingMessage } from 'node:http';
import type { ParamValues } from './arguments.ts';
import { ApiError, LocalError } from './errors.ts';
import type { Verb } from './manifest.ts';
import { readServerEvents, type ServerEvent } from './server-events.ts';

/** What stands around `data` in an answer. */
export interface Envelope {
  readonly data: unknown;
  readonly total?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Transport {
  /**
   * Calls `path` below /api2/json (already percent-encoded, without a query). Throws ApiError when the API refuses,
   * LocalError when nothing answers.
   */
  call(verb: Verb, path: string, params: ParamValues, options?: CallOptions): Promise<Envelope>;
  /** Server-sent events until the server or `signal` ends them. Throws like `call`. */
  events(path: string, params: ParamValues, signal: AbortSignal): AsyncIterable<ServerEvent>;
}

interface Outgoing {
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** The daemon's own socket: plain HTTP, the caller is root@pam by being able to open it. */
export class UnixTransport implements Transport {
  private readonly socketPath: string;
  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  async call(verb: Verb, path: string, params: ParamValues, options: CallOptions = {}): Promise<Envelope> {
    const fields = encodeFields(params);
    const inQuery = verb === 'GET' || verb === 'DELETE';
    const headers = options.headers ?? {};
    const signal = options.signal ? { signal: options.signal } : {};
    const response =
      inQuery || fields === ''
        ? await this.open(verb, fields === '' ? path : `${path}?${fields}`, { headers, ...signal })
        : await this.open(verb, path, {
            headers: {
              ...headers,
              'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8',
              'Content-Length': Buffer.byteLength(fields),
            },
            body: fields,
            ...signal,
          });
    return readEnvelope(response);
  }

  async *events(path: string, params: ParamValues, signal: AbortSignal): AsyncIterable<ServerEvent> {
    const fields = encodeFields(params);
    const response = await this.open('GET', fields === '' ? path : `${path}?${fields}`, {
      headers: { Accept: 'text/event-stream' },
      signal,
    });
    if (response.statusCode !== 200) await readEnvelope(response);
    try {
      yield* readServerEvents(response);
    } catch (error) {
      if (!signal.aborted) throw new LocalError('The connection to the node broke.', { cause: error });
    }
  }

  private async open(verb: Verb, path: string, outgoing: Outgoing): Promise<IncomingMessage> {
    // Loaded here: help and completion of words go without.
    const { request } = await import('node:http');
    return new Promise((resolve, reject) => {
      const outbound = request(
        {
          socketPath: this.socketPath,
          method: verb,
          path: `/api2/json${path}`,
          headers: { Host: 'localhost', Accept: 'application/json', ...outgoing.headers },
          agent: false,
          ...(outgoing.signal ? { signal: outgoing.signal } : {}),
        },
        resolve,
      );
      outbound.on('error', (error: NodeJS.ErrnoException) => reject(connectionError(error, this.socketPath)));
      outbound.end(outgoing.body);
    });
  }
}

/** Form fields; an array becomes a repeated key. */
export function encodeFields(params: ParamValues): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) fields.append(name, one);
  }
  return fields.toString();
}

function connectionError(error: NodeJS.ErrnoException, socketPath: string): Error {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new LocalError(
        `The node is not running: nothing answers at ${socketPath}. Start it with 'ryokan up', or name its folder with --data.`,
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
      return new LocalError(`Only root may use ${socketPath}: run this with sudo.`, { cause: error });
    case 'ECONNRESET':
    case 'EPIPE':
      return new LocalError('The node closed the connection before it had answered.', { cause: error });
    default:
      return error.name === 'AbortError'
        ? error
        : new LocalError(`${socketPath}: ${error.message}`, { cause: error });
  }
}

async function readEnvelope(response: IncomingMessage): Promise<Envelope> {
  const status = response.statusCode ?? 0;
  const text = await readText(response);
  const body = parseEnvelope(text);
  if (status >= 200 && status < 300 && body) return { ...body, data: body.data ?? null };
  const message = body?.message?.trimEnd() || response.statusMessage || `HTTP status ${status}`;
  throw new ApiError(status, message, body?.errors ?? {});
}

interface RawEnvelope {
  readonly data?: unknown;
  readonly total?: number;
  readonly message?: string;
  readonly errors?: Readonly<Record<string, string>>;
}

function parseEnvelope(text: string): RawEnvelope | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // An empty 401, or a plain-text answer: the status line says enough.
    return undefined;
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of response) pieces.push(piece as Buffer);
  } catch (error) {
    throw new LocalError('The node closed the connection in the middle of its answer.', { cause: error });
  }
  return Buffer.concat(pieces).toString('utf8');
}
