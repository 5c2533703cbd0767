/**
 * Requests to etcd over its JSON gateway with Node's own HTTP client (docs/decisions/0002-etcd-over-json-gateway.md).
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { grpcCode, type StreamLine, type WatchRequest, type WatchResponse } from './etcd-wire.ts';
import { closedError } from './transaction.ts';

/** PEM texts. */
export interface EtcdTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** etcd's answer was an error. */
export class EtcdError extends Error {
  /** gRPC status code. */
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'EtcdError';
    this.code = code;
  }
}

/** Milliseconds that one member gets to answer before the next one is asked. */
const shortestAttempt = 1000;

/** Longest answer that is taken: an error page of something that is not etcd should not fill the memory. */
const largestAnswer = 256 * 1024 * 1024;

export class EtcdClient {
  readonly #endpoints: readonly URL[];
  readonly #agent: http.Agent | https.Agent;
  readonly #open = new Set<http.ClientRequest>();
  /** Index of the endpoint that answered last. */
  #preferred = 0;
  #closed = false;

  /** `endpoints`: URLs such as `https://10.0.0.1:2379`, all http or all https. */
  constructor(endpoints: readonly string[], tls: EtcdTls = {}) {
    this.#endpoints = endpoints.map(endpointUrl);
    const secure = this.#endpoints[0]?.protocol === 'https:';
    if (this.#endpoints.some((url) => (url.protocol === 'https:') !== secure) || this.#endpoints.length === 0)
      throw new RyokanError(
        'parameter',
        'etcd needs at least one endpoint, and all of them http or all of them https',
      );
    this.#agent = secure ? new https.Agent({ keepAlive: true, ...tls }) : new http.Agent({ keepAlive: true });
  }

  /**
   * One request, sent again to other members and after short breaks until it is answered or the time is over; so it
   * has to be one that may arrive twice. Rejects with EtcdError when etcd refuses it, with RyokanError 'unavailable'
   * when there was no answer until `deadline` (milliseconds since the epoch).
   */
  async request<Answer>(path: string, body: object, deadline: number): Promise<Answer> {
    let reason = 'no time left';
    for (let attempt = 0; ; attempt++) {
      if (this.#closed) throw closedError();
      const left = deadline - Date.now();
      if (left <= 0) throw unavailable(this.#endpoints, reason);
      const index = this.#preferred % this.#endpoints.length;
      try {
        const time = Math.max(shortestAttempt, left / this.#endpoints.length);
        return (await this.#once(index, path, body, Math.min(time, left))) as Answer;
      } catch (error) {
        if (this.#closed) throw closedError();
        if (error instanceof EtcdError && !isPassing(error)) throw error;
        reason = messageOf(error);
        if (this.#preferred === index) this.#preferred = (index + 1) % this.#endpoints.length;
      }
      // Once around the members at once; then they need time to elect a leader, or to start.
      if ((attempt + 1) % this.#endpoints.length === 0)
        await sleep(Math.min(100, Math.max(0, deadline - Date.now())));
    }
  }

  /**
   * Opens a watch at the member that answered last; `onMessage` gets its answers. Resolves when `signal` aborts, rejects
   * when the connection ends or etcd ends the watch.
   */
  watch(
    request: WatchRequest,
    onMessage: (message: WatchResponse) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = this.#send(this.#preferred, '/v3/watch', request, reject);
      const stop = (): void => {
        sent.destroy();
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
      sent.once('close', () => signal.removeEventListener('abort', stop));
      sent.on('response', (response) => {
        response.on('error', reject);
        response.on('close', () => reject(new Error('etcd closed the watch')));
        readLines(response, (line) => {
          try {
            onMessage(watchMessage(line));
          } catch (error) {
            reject(error);
            sent.destroy();
          }
        });
      });
    });
  }

  /** Whether the member that was used last answers, with or without a majority. */
  async ping(path: string, body: object, milliseconds: number): Promise<void> {
    await this.#once(this.#preferred, path, body, milliseconds);
  }

  /** Goes on with the next member from now on. */
  avoidMember(): void {
    this.#preferred = (this.#preferred + 1) % this.#endpoints.length;
  }

  close(): void {
    this.#closed = true;
    for (const request of this.#open) request.destroy(closedError());
    this.#agent.destroy();
  }

  #once(index: number, path: string, body: object, milliseconds: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const request = this.#send(index, path, body, reject);
      const timer = setTimeout(() => request.destroy(new Error('no answer in time')), milliseconds);
      request.once('close', () => clearTimeout(timer));
      request.on('response', (response) => {
        readAll(response)
          .then((text) => answer(response.statusCode ?? 0, text))
          .then(resolve, reject);
      });
    });
  }

  #send(index: number, path: string, body: object, onError: (error: Error) => void): http.ClientRequest {
    const endpoint = this.#endpoints[index] as URL;
    const text = JSON.stringify(body);
    const request = (endpoint.protocol === 'https:' ? https : http).request(new URL(path, endpoint), {
      method: 'POST',
      agent: this.#agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        // A member that has lost the others refuses at once instead of trying for seconds.
        ...(isLocal(body) ? {} : { 'grpc-metadata-hasleader': 'true' }),
      },
    });
    this.#open.add(request);
    request.once('close', () => this.#open.delete(request));
    request.on('error', (error) =>
      onError(new Error(`${endpoint.origin}: ${error.message}`, { cause: error })),
    );
    request.end(text);
    return request;
  }
}

function endpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new RyokanError('parameter', `'${text}' is no etcd endpoint; an example is https://10.0.0.1:2379`);
  return url;
}

function isLocal(body: object): boolean {
  return 'serializable' in body && body.serializable === true;
}

/** An error of the moment: no leader, a member starting or too slow. */
function isPassing(error: EtcdError): boolean {
  return error.code === grpcCode.unavailable || error.code === grpcCode.deadlineExceeded;
}

function unavailable(endpoints: readonly URL[], reason: string): RyokanError {
  return new RyokanError(
    'unavailable',
    `The cluster's configuration store does not answer or has no quorum (${reason}). It works again as soon as a majority of its members does`,
    { context: { endpoints: endpoints.map((url) => url.origin).join(' ') } },
  );
}

function readAll(response: http.IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > largestAnswer)
        response.destroy(new EtcdError(grpcCode.resourceExhausted, 'the answer is too large'));
    });
    response.on('end', () => resolve(text));
    response.on('error', reject);
    response.on('close', () => reject(new Error('the answer was cut off')));
  });
}

function readLines(response: http.IncomingMessage, onLine: (line: string) => void): void {
  // Kept in pieces: a long line arrives in hundreds of chunks.
  let pieces: string[] = [];
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const lines = chunk.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      onLine(pieces.join('') + line);
      pieces = [];
    }
    if (rest) pieces.push(rest);
  });
}

/** The parsed body of an answer; throws EtcdError for an error. */
function answer(status: number, text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    // Proxies and wrong ports answer with HTML.
    throw new Error(`the answer is not etcd's (HTTP status ${status})`, { cause });
  }
  if (status === 200) return body;
  const error = body as { readonly code?: number; readonly error?: string; readonly message?: string };
  throw new EtcdError(error.code ?? 0, error.error ?? error.message ?? `HTTP status ${status}`);
}

function watchMessage(line: string): WatchResponse {
  const { result, error } = JSON.parse(line) as StreamLine;
  if (error) throw new EtcdError(error.grpc_code ?? 0, error.message ?? 'the watch failed');
  if (!result) throw new Error('a watch answer has neither result nor error');
  return result;
}
