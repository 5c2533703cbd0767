/**
 * One call from request to answer: find the method, authenticate, authorise, check parameters, act.
 * The gateway's and the CLI's requests come through here alike.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { allMethods, type Method } from '@ryokan/api/method.ts';
import { requireValid } from '@ryokan/api/validate.ts';
import type { Identity } from '../access/access-control.ts';
import { rootUser } from '../access/user-config.ts';
import { VmidAssigner } from '../guests/next-vmid.ts';
import type { Services } from '../services.ts';
import { AnonymousLimit } from './anonymous-limit.ts';
import type { AuditTrail, Trail } from './audit-trail.ts';
import { authorize } from './authorize.ts';
import { createCall } from './call.ts';
import { dryRun, takeDryRun } from './dry-run.ts';
import { type Call, demandThisNode, type Entry, type HandlerTable, Reply } from './handler-table.ts';
import type { IdempotentCalls } from './idempotency.ts';
import { instead } from './instead.ts';
import { failure, type HttpReply, jsonType, type StreamSource, success } from './reply.ts';
import { credentialsOf, mergeParams, parseBody, parseUrl, type RequestHead } from './request.ts';
import { Router } from './router.ts';
import { clearedCookie, wantsCookie } from './session-cookie.ts';

/** Handlers of streaming and console methods return one of these. */
export class StreamReply {
  readonly source: StreamSource;
  constructor(source: StreamSource) {
    this.source = source;
  }
}

export class RelayReply {
  readonly token: string;
  constructor(token: string) {
    this.token = token;
  }
}

/** A file to save instead of JSON. */
export class TextReply {
  readonly text: string;
  readonly fileName: string;
  constructor(text: string, fileName: string) {
    this.text = text;
    this.fileName = fileName;
  }
}

export interface DispatchOptions {
  /** The Unix socket of root: the caller is root@pam. */
  readonly trusted?: boolean;
  /** Aborted when the client goes away. Read late: it may be made by reading it. */
  readonly signal: AbortSignal;
}

const formats = new Set(['json', 'extjs', 'spiceconfig']);
/** Only plots are pictures. */
const isPicture = (url: { readonly format: string; readonly fragments: readonly string[] }): boolean =>
  url.format === 'png' && url.fragments.at(-1) === 'rrd';
const verbs = new Set(['GET', 'POST', 'PUT', 'DELETE']);

type Caller = Pick<Identity, 'user' | 'session' | 'goesOn'>;
const always = () => true;
/** Who calls a method that takes no login. */
const anybody: Caller = { user: '', goesOn: always };

/** One request on its way. */
interface Exchange {
  readonly head: RequestHead;
  readonly format: string;
  readonly trail: Trail;
}

export interface DispatcherParts {
  /** What a CONNECT request to the gateway leads to, as a token of the relay socket; throws when to nothing. */
  readonly tunnel?: (target: string) => string;
  readonly audit?: AuditTrail;
  /** Calls with an Idempotency-Key; without it the header has no meaning. */
  readonly keyed?: IdempotentCalls;
}

export class Dispatcher {
  private readonly router: Router;
  private readonly vmids: VmidAssigner;
  private readonly anonymous = new AnonymousLimit();

  constructor(
    private readonly table: HandlerTable,
    private readonly services: Services,
    private readonly parts: DispatcherParts = {},
  ) {
    this.vmids = new VmidAssigner(services.store);
    this.router = new Router(table.all().map((entry) => entry.method));
  }

  async dispatch(head: RequestHead, body: Buffer, options: DispatchOptions): Promise<HttpReply> {
    const trail: Trail = {};
    const reply = await this.answer(head, body, options, trail);
    this.parts.audit?.record(head, options.trusted ? 'local' : head.remote, trail);
    return reply;
  }

  private async answer(
    head: RequestHead,
    body: Buffer,
    options: DispatchOptions,
    trail: Trail,
  ): Promise<HttpReply> {
    let format = 'json';
    const { tunnel } = this.parts;
    try {
      if (head.method === 'CONNECT' && tunnel && !options.trusted)
        return { ...success(null, format), relay: tunnel(head.url) };
      const url = parseUrl(head.url);
      if (url?.format === 'openapi.json' && head.method === 'GET') return await openApiReply();
      if (!url || !(formats.has(url.format) || isPicture(url))) {
        throw notImplemented(head.method, withoutQuery(head.url));
      }
      format = url.format;
      if (!verbs.has(head.method))
        throw new RyokanError('not-implemented', `method '${head.method}' not available`);
      const route = this.router.find(head.method, url.fragments);
      if (route) trail.method = route.method;
      const world = route && 'user' in route.method.permission && route.method.permission.user === 'world';
      const identify = () => (world ? anybody : this.identify(head, options, route?.method));
      if (world && !options.trusted) this.demandPatience(head.remote);
      const { user, session, goesOn } = identify();
      Object.assign(trail, { user, session });
      if (!route) throw notImplemented(head.method, `/${url.fragments.join('/')}`);
      // Which file was received is said by the gateway alone, never by the client's query.
      if (head.upload) delete url.query.tmpfilename;
      const fields = head.upload ? { ...head.upload.fields } : parseBody(head.contentType, body);
      const raw = mergeParams(fields, url.query, route.params);
      trail.params = raw;
      const call = createCall(this.services, {
        user,
        session,
        remote: options.trusted ? 'local' : head.remote,
        host: head.host,
        agent: head.agent,
        wantsCookie: wantsCookie(head),
        source: options,
        uploadSize: head.upload?.size,
        isLoggedIn: () => succeeds(identify),
        goesOn,
      });
      return await this.perform(route.method, raw, call, { head, format, trail });
    } catch (error) {
      trail.error = error instanceof Unauthenticated ? error.error : error;
      if (error instanceof Unauthenticated) return this.unauthenticated(error, head, format);
      if (!(error instanceof RyokanError))
        this.services.log.error(
          { err: error, method: head.method, path: withoutQuery(head.url) },
          'call failed',
        );
      return failure(error, format);
    }
  }

  private unauthenticated({ error }: Unauthenticated, head: RequestHead, format: string): HttpReply {
    try {
      this.demandPatience(head.remote);
      const reply = failure(error, format, { emptyBody: true });
      // What the browser has kept is good for nothing.
      return wantsCookie(head) ? { ...reply, setCookie: clearedCookie } : reply;
    } catch (tooMany) {
      return failure(tooMany, format);
    }
  }

  /** Throws 'too-many' for an address that calls without a login again and again. */
  private demandPatience(address: string): void {
    const seconds = this.anonymous.take(address);
    if (seconds === 0) return;
    throw new RyokanError('too-many', `too many calls without a login from this address; wait ${seconds} s`, {
      context: { seconds },
    });
  }

  private identify(head: RequestHead, options: DispatchOptions, method: Method | undefined): Caller {
    if (options.trusted) return { user: rootUser, goesOn: always };
    const needCsrf = head.method !== 'GET' && method?.transport !== 'upload';
    try {
      const identity = this.services.access.authenticate(credentialsOf(head), needCsrf);
      if (identity.isToken && method?.allowToken === false) {
        throw new RyokanError(
          'forbidden',
          `URI '${method.path}' not available with API token, need proper ticket.`,
        );
      }
      return identity;
    } catch (error) {
      if (error instanceof RyokanError && error.code === 'unauthenticated') throw new Unauthenticated(error);
      throw error;
    }
  }

  /** What the extensions of the contract put around a call: dry runs, keys of repeated calls, VMIDs to choose. */
  private async perform(
    method: Method,
    raw: Record<string, unknown>,
    call: Call,
    exchange: Exchange,
  ): Promise<HttpReply> {
    const { head, format, trail } = exchange;
    const entry = this.table.get(method.id) as Entry;
    if (raw.node === 'localhost') raw.node = this.services.settings.node;
    const isDryRun = takeDryRun(method, raw);
    trail.isDryRun = isDryRun;
    const assigned =
      method.assigns !== undefined && raw[method.assigns] === 'auto' ? method.assigns : undefined;
    const act = (values: Record<string, unknown>, extra = {}) =>
      isDryRun
        ? dryRun(this.services, entry, values, call).then((report) => success(report, format))
        : this.act(entry, values, call, exchange, extra);
    const actOnce = () =>
      assigned === undefined
        ? act(raw)
        : this.vmids.assign((vmid) =>
            act({ ...raw, [assigned]: String(vmid) }, { assigned: { [assigned]: vmid } }),
          );
    const key = head.idempotencyKey;
    if (
      key === undefined ||
      isDryRun ||
      method.verb !== 'POST' ||
      head.upload ||
      call.user === '' ||
      !this.parts.keyed
    )
      return actOnce();
    return this.parts.keyed.run({ key, user: call.user, method, raw, format }, actOnce);
  }

  private async act(
    entry: Entry,
    raw: Record<string, unknown>,
    call: Call,
    { head, format, trail }: Exchange,
    extra: Record<string, unknown>,
  ): Promise<HttpReply> {
    const { method } = entry;
    authorize(method.permission, raw, call, this.services.access);
    const params = requireValid(method.params, raw, method.openParams === true) as Record<string, unknown>;
    demandThisNode(method, params, this.services.settings.node);
    if (entry.kind === 'task') {
      const undo = (await entry.handler.check?.(params, call)) ?? [];
      if (head.upload?.phase === 'begin') return success(null, format);
      const upid = await this.services.tasks.start(method, params, call.user, undo);
      trail.upid = upid;
      const { answer } = entry.handler;
      const data = answer ? await answer(upid, params, call) : upid;
      return success(new Reply(data, extra), format);
    }
    const result = await entry.handle(params, call);
    if (result instanceof StreamReply) return { ...success(null, format), stream: result.source };
    if (result instanceof RelayReply) return { ...success(null, format), relay: result.token };
    if (result instanceof TextReply) {
      const body = Buffer.from(result.text);
      return {
        status: 200,
        reason: 'OK',
        contentType: 'text/plain;charset=UTF-8',
        body,
        fileName: result.fileName,
      };
    }
    return success(result, format);
  }
}

let openApi: Promise<HttpReply> | undefined;

/** The API's description, for anyone: it says what can be called, not what is there. Built when first asked for. */
function openApiReply(): Promise<HttpReply> {
  openApi ??= import('@ryokan/api/openapi.ts').then(({ toOpenApi }) => {
    const body = Buffer.from(JSON.stringify(toOpenApi(allMethods())));
    return { status: 200, reason: 'OK', contentType: jsonType, body };
  });
  return openApi;
}

/** The query may hold passwords and console tickets: neither a log nor an error shows it. */
const withoutQuery = (url: string): string => String(url).split('?')[0] ?? '';

function succeeds(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

/** No valid login: answered with an empty body. */
class Unauthenticated extends Error {
  readonly error: RyokanError;
  constructor(error: RyokanError) {
    super(error.message);
    this.error = error;
  }
}

const notImplemented = (verb: string, path: string) => {
  const hint = instead(path);
  return new RyokanError(
    'not-implemented',
    `Method '${verb} ${path}' not implemented${hint === undefined ? '' : `: ${hint}`}`,
  );
};
