/**
 * A small HTTPS client for tests: it gives what clients of the public API look at (status, reason phrase, headers,
 * exact body) and takes nothing for granted. Certificates are not checked: a test node signs its own.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Answer {
  readonly status: number;
  /** Reason phrase of the status line. */
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Envelope<T> {
  readonly data: T;
  readonly message?: string;
  readonly errors?: Readonly<Record<string, string>>;
  readonly total?: number;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string | Readable;
  /** Milliseconds for the whole exchange; default 60 s. */
  readonly timeout?: number;
}

/** Values of a call's parameters; an array becomes a repeated key, a boolean 1 or 0. */
export type Parameters = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** One origin, with connections that are kept and used again. */
export class HttpClient {
  readonly url: string;
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

  /** `url`: scheme, host and port. */
  constructor(url: string) {
    this.url = url;
  }

  /** Sends one request. An error status is an answer like any other; rejects only when there is no answer. */
  send(path: string, options: RequestOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const message = request(
        new URL(path, this.url),
        {
          agent: this.#agent,
          method: options.method ?? 'GET',
          headers: { ...lengthHeader(options.body), ...options.headers },
          timeout: options.timeout ?? 60_000,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              reason: response.statusMessage ?? '',
              headers: response.headers,
              body: Buffer.concat(chunks),
            }),
          );
        },
      );
      message.on('error', reject);
      message.on('timeout', () =>
        message.destroy(new Error(`no answer to ${options.method ?? 'GET'} ${path}`)),
      );
      const { body } = options;
      if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) message.end(body);
      // An early answer (a refusal) closes the request in the middle: that is no failure of the exchange.
      else pipeline(body, message).catch(() => {});
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function lengthHeader(body: RequestOptions['body']): Record<string, string> {
  if (typeof body === 'string' || Buffer.isBuffer(body))
    return { 'Content-Length': String(Buffer.byteLength(body)) };
  return {};
}

export function formOf(parameters: Parameters): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, textOf(one));
  }
  return form.toString();
}

const textOf = (value: unknown): string =>
  typeof value === 'boolean' ? String(Number(value)) : String(value);

/** The body as JSON; a clear error when it is none. */
export function jsonOf<T>(answer: Answer): Envelope<T> {
  const text = answer.body.toString('utf8');
  try {
    return JSON.parse(text) as Envelope<T>;
  } catch {
    throw new Error(`${answer.status} ${answer.reason}: the body is no JSON: ${text.slice(0, 200)}`);
  }
}

export interface FilePart {
  /** Field name; `filename` for uploads of the public API. */
  readonly field: string;
  readonly fileName: string;
  readonly content: Buffer;
}

/** A multipart/form-data body: fields first, then the file, as clients of the public API send it. */
export function multipartOf(fields: Readonly<Record<string, string>>, file?: FilePart): MultipartBody {
  const boundary = 'ryokan-test-boundary-7MA4YWxkTrZu0gW';
  const parts: Buffer[] = Object.entries(fields).map(([name, value]) =>
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  );
  if (file) {
    const head =
      `--${boundary}\r\nContent-Disposition: form-data; name="${file.field}"; filename="${file.fileName}"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n';
    parts.push(Buffer.from(head), file.content, Buffer.from('\r\n'));
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: Buffer.concat(parts) };
}

export interface MultipartBody {
  readonly contentType: string;
  readonly body: Buffer;
}
