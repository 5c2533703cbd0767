/** Fetches files over HTTP and HTTPS: bounded redirects, size and silence; certificates checked unless told otherwise. */
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { errorCode } from '../host/files.ts';
import { type Reach, reachOptions } from '../host/network-reach.ts';
import { readableSize } from './image-names.ts';
import { diskFull } from './staging.ts';

export interface FetchOptions {
  /** Default true. */
  readonly verifyCertificates?: boolean;
  readonly signal?: AbortSignal;
  /** Which addresses may be connected to, those of redirects included; default all. */
  readonly reach?: Reach;
  /** How long (ms) a server may be silent; default a minute. */
  readonly silence?: number;
}

export interface DownloadOptions extends FetchOptions {
  /** Path of the new file; it must not exist. */
  readonly target: string;
  /** Bytes that may arrive. */
  readonly maxBytes: number;
  readonly hash?: Hash;
  /** Address after redirects, without password; size when the server says. */
  readonly onStart?: (url: string, size: number | undefined) => void;
  readonly onProgress?: (done: number, size: number | undefined) => void;
}

export interface UrlMetadata {
  readonly filename?: string;
  /** Bytes. */
  readonly size?: number;
  readonly mimetype?: string;
}

const mostRedirects = 10;

/**
 * Downloads to a new file; resolves to the number of bytes. Rejects with 'failed' for anything that the network or the
 * server did, with 'no-space' for too much. A part of the file may remain on failure; the caller removes it.
 */
export async function download(url: string, options: DownloadOptions): Promise<number> {
  const { response, url: reached } = await openUrl(url, 'GET', options);
  const size = contentLength(response);
  try {
    if (size !== undefined && size > options.maxBytes) throw tooMuch(size, options.maxBytes);
    options.onStart?.(withoutPassword(reached), size);
    const file = await open(options.target, 'wx', 0o600);
    const meter = new Meter(size, options);
    await pipeline(response, meter, file.createWriteStream({ flush: true }), signalOf(options));
    return meter.done;
  } catch (error) {
    throw explain(url, error, options);
  } finally {
    response.destroy();
  }
}

/** Asks for name, size and type without fetching the file. Rejects as download. */
export async function queryUrl(url: string, options: FetchOptions = {}): Promise<UrlMetadata> {
  const asked = await openUrl(url, 'HEAD', options).catch(async (error: unknown) => {
    // Signed links are often good for GET only.
    if (error instanceof BadStatus && [403, 405, 501].includes(error.status))
      return openUrl(url, 'GET', options);
    throw error;
  });
  const { response, url: reached } = asked;
  response.destroy();
  const filename = fileNameOf(response.headers['content-disposition'], reached);
  const size = contentLength(response);
  const mimetype = response.headers['content-type']?.split(';')[0]?.trim();
  return {
    ...(filename ? { filename } : {}),
    ...(size === undefined ? {} : { size }),
    ...(mimetype ? { mimetype } : {}),
  };
}

/** Counts, hashes and stops what is too long. */
class Meter extends Transform {
  done = 0;

  constructor(
    private readonly size: number | undefined,
    private readonly options: DownloadOptions,
  ) {
    super({ highWaterMark: 1024 * 1024 });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.done += chunk.length;
    if (this.done > this.options.maxBytes) {
      callback(tooMuch(this.done, this.options.maxBytes));
      return;
    }
    this.options.hash?.update(chunk);
    this.options.onProgress?.(this.done, this.size);
    callback(null, chunk);
  }

  override _flush(callback: TransformCallback): void {
    const short = this.size !== undefined && this.done < this.size;
    callback(short ? new Error(`the transfer ended after ${this.done} of ${this.size} bytes`) : null);
  }
}

class BadStatus extends RyokanError {
  constructor(
    readonly status: number,
    url: URL,
    reason: string,
  ) {
    super('failed', `the server answered '${status} ${reason}' for ${withoutPassword(url)}`);
  }
}

/** Follows redirects to an answer with status 200. */
async function openUrl(
  text: string,
  method: 'GET' | 'HEAD',
  options: FetchOptions,
): Promise<{ response: IncomingMessage; url: URL }> {
  let url = parseUrl(text);
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const response = await send(url, method, options).catch((error: unknown) => {
      throw explain(text, error, options);
    });
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return { response, url };
    response.destroy();
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) {
      throw new BadStatus(statusCode, url, response.statusMessage ?? '');
    }
    url = parseUrl(headers.location, url);
  }
  throw new RyokanError('failed', `${withoutPassword(url)} redirects more than ${mostRedirects} times`);
}

function parseUrl(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new RyokanError('failed', `'${text.slice(0, 200)}' is not a valid URL`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RyokanError('failed', `only http and https are possible, not '${url.protocol}'`);
  }
  return url;
}

async function send(url: URL, method: 'GET' | 'HEAD', options: FetchOptions): Promise<IncomingMessage> {
  const { verifyCertificates = true, signal, silence = 60_000, reach = 'any' } = options;
  const reached = reachOptions(url.hostname, reach);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent: false,
      ...reached,
      timeout: silence,
      rejectUnauthorized: verifyCertificates,
      ...(signal ? { signal } : {}),
      headers: { 'user-agent': 'Ryokan', accept: '*/*', 'accept-encoding': 'identity' },
    });
    let answer: IncomingMessage | undefined;
    outgoing.on('timeout', () => {
      (answer ?? outgoing).destroy(new Error(`the server was silent for ${Math.round(silence / 1000)} s`));
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      answer = response;
      resolve(response);
    });
    outgoing.end();
  });
}

function explain(url: string, error: unknown, { signal }: FetchOptions): unknown {
  if (error instanceof RyokanError || signal?.aborted) return error;
  const code = errorCode(error);
  const hint = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|TLS_/.test(code)
    ? ' (the certificate of the server could not be verified)'
    : '';
  // Node's word for a connection that ended inside the body.
  const broken = code === 'ECONNRESET' ? 'the server broke the connection off' : undefined;
  const text = `download of ${withoutPassword(url)} failed: ${broken ?? (messageOf(error) || code)}${hint}`;
  return diskFull(error) ?? new RyokanError('failed', text, { cause: error });
}

function tooMuch(size: number, most: number): RyokanError {
  return new RyokanError(
    'no-space',
    `the file has ${readableSize(size)} or more, but only ${readableSize(most)} are free on the storage`,
  );
}

const signalOf = ({ signal }: FetchOptions): { signal?: AbortSignal } => (signal ? { signal } : {});

function contentLength({ headers }: IncomingMessage): number | undefined {
  const size = Number(headers['content-length'] ?? Number.NaN);
  return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

/** An address as it may stand in logs. */
export function withoutPassword(url: URL | string): string {
  try {
    const shown = new URL(url);
    shown.username = '';
    shown.password = '';
    return shown.href;
  } catch {
    return String(url).slice(0, 200);
  }
}

/** The name that a server gives a file (RFC 6266), else the last part of its address. */
function fileNameOf(disposition: string | undefined, url: URL): string | undefined {
  const encoded = /filename\*\s*=\s*(?:utf-8|iso-8859-1)'[^']*'([^;\s]+)/i.exec(disposition ?? '')?.[1];
  const plain = /filename\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;\s]+))/i.exec(disposition ?? '');
  const given = encoded ?? plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2] ?? url.pathname;
  const last = decode(given).split(/[/\\]/).at(-1);
  return last || undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
