/**
 * Typed client of the REST API for browsers and Node (fetch only): path, verb, parameters and result come from a
 * method record.
 */
import { type ErrorCode, RyokanError } from './errors.ts';
import type { Method, ParamsOf, ResultOf, Verb } from './method.ts';

/** An answer with an error status, or no answer at all (`status` 0). */
export class ApiError extends RyokanError {
  readonly status: number;
  /** One text per parameter that was refused. */
  readonly errors: Readonly<Record<string, string>>;
  constructor(status: number, message: string, errors: Record<string, string> = {}, cause?: unknown) {
    super(codeOf(status), message, cause === undefined ? {} : { cause });
    this.name = 'ApiError';
    this.status = status;
    this.errors = errors;
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 400) return 'parameter';
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 501) return 'not-implemented';
  if (status === 0 || status >= 590) return 'unavailable';
  return 'failed';
}

export type ParamValue = string | number | boolean | readonly (string | number)[] | null | undefined;
export type Params = Readonly<Record<string, ParamValue>>;

/** What stands around `data` in an answer. */
export interface Envelope<T> {
  readonly data: T;
  /** Number of rows there are, where the answer holds a part of them. */
  readonly total?: number;
}

export interface ClientOptions {
  /** Scheme, host and port without a path; empty for the page's own origin. */
  readonly baseUrl?: string;
  /** Headers of each call: `Authorization` for tokens, nothing for a browser's cookie. */
  readonly headers?: () => Record<string, string>;
  /** The CSRF token that goes with a ticket; undefined without a login. */
  readonly csrf?: () => string | undefined;
  /** Told of every 401, so that the UI can ask for a login; with the CSRF token at the time of the call. */
  readonly onUnauthenticated?: (csrf: string | undefined) => void;
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface Client {
  /** Calls a method; throws ApiError. */
  call<M extends Method>(method: M, params: ParamsOf<M>, options?: CallOptions): Promise<ResultOf<M>>;
  /** Like `call`, with the answer's `total`. */
  callWithTotal<M extends Method>(
    method: M,
    params: ParamsOf<M>,
    options?: CallOptions,
  ): Promise<Envelope<ResultOf<M>>>;
  /** A call by verb and path template; for what has no record. */
  request<T>(verb: Verb, path: string, params?: Params, options?: CallOptions): Promise<Envelope<T>>;
}

export function createClient(options: ClientOptions = {}): Client {
  const send = <T>(verb: Verb, template: string, params: Params = {}, call: CallOptions = {}) =>
    exchange<T>(options, verb, template, params, call);
  return {
    call: async (method, params, call) =>
      (await send<never>(method.verb, method.path, params as Params, call)).data,
    callWithTotal: (method, params, call) => send<never>(method.verb, method.path, params as Params, call),
    request: send,
  };
}

async function exchange<T>(
  options: ClientOptions,
  verb: Verb,
  template: string,
  params: Params,
  call: CallOptions,
): Promise<Envelope<T>> {
  const { path, rest } = fillPath(template, params);
  const fields = encodeParams(rest);
  const inQuery = verb === 'GET' || verb === 'DELETE';
  const query = inQuery && fields.size > 0 ? `?${fields}` : '';
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers?.() };
  const csrf = options.csrf?.();
  if (csrf && verb !== 'GET') headers.CSRFPreventionToken = csrf;
  const init: RequestInit = {
    method: verb,
    headers,
    signal: call.signal ?? null,
    credentials: 'same-origin',
  };
  // A form as text, not a stream: the server wants a Content-Length.
  if (!inQuery && fields.size > 0) {
    headers['Content-Type'] = 'application/x-www-form-urlencoded; charset=UTF-8';
    init.body = fields.toString();
  }
  const doFetch = options.fetch ?? fetch;
  let response: Response;
  try {
    response = await doFetch(`${options.baseUrl ?? ''}/api2/json${path}${query}`, init);
  } catch (cause) {
    if (call.signal?.aborted) throw cause;
    throw new ApiError(0, 'The server does not answer.', {}, cause);
  }
  if (!response.ok) {
    if (response.status === 401) options.onUnauthenticated?.(csrf);
    throw await errorOf(response);
  }
  return (await response.json()) as Envelope<T>;
}

/** Puts `{name}` fragments into a path; `rest` are the parameters that did not go into it. */
export function fillPath(template: string, params: Params): { path: string; rest: Params } {
  const rest: Record<string, ParamValue> = { ...params };
  const path = template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined || value === null || value === '') {
      throw new RyokanError('parameter', `${template}: the path needs '${name}'`);
    }
    delete rest[name];
    return encodeURIComponent(String(value));
  });
  return { path, rest };
}

/** Booleans as 1 and 0, arrays as repeated keys, nothing for null and undefined. */
export function encodeParams(params: Params): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      fields.append(key, one === true ? '1' : one === false ? '0' : String(one));
    }
  }
  return fields;
}

interface ErrorBody {
  readonly message?: string;
  readonly errors?: Record<string, string>;
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  let body: ErrorBody = {};
  try {
    body = (JSON.parse(text) as ErrorBody | null) ?? {};
  } catch {
    // Not JSON: a 401 has no body, a proxy in between may send HTML. The reason phrase says enough.
  }
  const message = body.message?.trim() || response.statusText || `HTTP ${response.status}`;
  return new ApiError(response.status, message, body.errors ?? {});
}
