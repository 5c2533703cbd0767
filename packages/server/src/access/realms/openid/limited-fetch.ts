/**
 * The one way in which the node talks to an OpenID provider. What a provider says may name any address, so the way is
 * narrow: no redirects, no plain HTTP when the provider has TLS, few bytes, little time. An answer's text never gets
 * into an error, so that nobody can read other servers by way of this one.
 */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { RyokanError } from '@ryokan/api/errors.ts';
import { errorCode } from '../../../host/files.ts';
import { type Reach, reachOptions } from '../../../host/network-reach.ts';

export interface FetchLimits {
  readonly realm: string;
  /** True for providers without TLS. */
  readonly allowHttp: boolean;
  /** Addresses that may be asked. */
  readonly reach: Reach;
  /** Certificates of authorities, PEM. */
  readonly ca: readonly string[];
}

export interface FetchRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Milliseconds for a whole exchange. */
const timeout = 10_000;
const maxBytes = 1024 * 1024;

/** Resolves to the answer, whatever its status. Throws RyokanError 'failed'. */
export function limitedFetch(limits: FetchLimits): (url: string, request: FetchRequest) => Promise<Response> {
  return async (text, request) => {
    const url = new URL(text);
    const isTls = url.protocol === 'https:';
    if (!isTls && !(limits.allowHttp && url.protocol === 'http:')) {
      throw failure(limits, url, 'the provider names an address without TLS');
    }
    return exchange(limits, url, request);
  };
}

async function exchange(limits: FetchLimits, url: URL, request: FetchRequest): Promise<Response> {
  const { method, headers, body } = request;
  const reached = reachOptions(url.hostname, limits.reach);
  const content = body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : '';
  const sent = {
    ...headers,
    ...(content === '' ? {} : { 'content-length': String(Buffer.byteLength(content)) }),
  };
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown) => {
      outgoing.destroy();
      reject(failure(limits, url, reason, cause));
    };
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const options = {
      method,
      headers: sent,
      signal: AbortSignal.timeout(timeout),
      ca: [...limits.ca],
      agent: false as const,
      ...reached,
    };
    const outgoing = send(url, options, (answer) => {
      const { statusCode: status = 500 } = answer;
      const chunks: Buffer[] = [];
      let size = 0;
      if (status >= 300 && status < 400) fail('the provider answers with a redirect, which is not followed');
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) fail(`the answer is longer than ${maxBytes} bytes`);
        else chunks.push(chunk);
      });
      answer.on('error', (error) => fail(explain(error), error));
      answer.on('end', () => {
        const bare = status === 204 || status === 205;
        const type = answer.headers['content-type'];
        resolve(
          new Response(bare ? null : Buffer.concat(chunks), {
            status,
            headers: type === undefined ? {} : { 'content-type': type },
          }),
        );
      });
    });
    outgoing.on('error', (error) => {
      if (error instanceof RyokanError) reject(error);
      else fail(explain(error), error);
    });
    outgoing.end(content);
  });
}

function explain(error: Error): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `no answer within ${timeout / 1000} s`;
  const code = errorCode(error);
  if (code === 'ECONNREFUSED') return 'the connection is refused: is the provider running?';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return "the name has no address: check it, and the node's DNS servers";
  if (/CERT|SIGNED|ISSUER|VERIFY/.test(code)) {
    return `its certificate is not trusted (${code}): set capath to the file of its authority`;
  }
  return error.message;
}

const failure = (
  { realm }: FetchLimits,
  { protocol, host }: URL,
  reason: string,
  cause?: unknown,
): RyokanError => new RyokanError('failed', `realm '${realm}': ${protocol}//${host}: ${reason}`, { cause });
