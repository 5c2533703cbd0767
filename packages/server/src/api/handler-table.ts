/**
 * Joins method records with what they do. The daemon dispatches calls by this table, a worker runs tasks by it;
 * both build it from the same `<area>Handlers` functions.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Method, ParamsOf, ResultOf } from '@ryokan/api/method.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import type { UndoRecord } from '../tasks/node-db.ts';
import type { TaskContext } from '../tasks/task.ts';

/** Who calls, and what they may do. */
export interface Call {
  /** `user@realm`, or `user@realm!token` for an API token. */
  readonly user: string;
  /** Address of the client; `local` for the Unix socket. */
  readonly remote: string;
  /** What the client calls itself and the name by which it has called this node, as far as it says so. */
  readonly agent?: string | undefined;
  readonly host?: string | undefined;
  /** The session of the caller's ticket; undefined for API tokens and root's socket. */
  readonly session?: string | undefined;
  /** A login goes into a cookie that the pages' scripts cannot read, and its ticket nowhere else: see session-cookie.ts. */
  readonly wantsCookie?: boolean;
  /** Aborted when the client went away. */
  readonly signal: AbortSignal;
  /** True for root@pam itself (not its tokens). */
  readonly isRoot: boolean;
  /** Is what the caller has logged in with still good? For what goes on after the answer has begun. */
  isLoggedIn(): boolean;
  /** Does the caller's session go on, or is the token good still? For what may last longer than a ticket. */
  goesOn(): boolean;
  /** Bytes that an upload announced. */
  readonly uploadSize?: number | undefined;
  /** Does the caller hold all of `privileges` (one of them with `any`) on this ACL path? */
  can(path: string, privileges: readonly Privilege[], any?: boolean): boolean;
  /** Like `can`, but throws the 403 that clients expect. */
  demand(path: string, privileges: readonly Privilege[], any?: boolean): void;
  /** Does the caller hold all of `privileges` (one of them with `any`) on every ACL path there is? */
  canEverywhere(privileges: readonly Privilege[], any?: boolean): boolean;
}

/** A result with siblings of `data` in the envelope (`total`, `changes`), or with a cookie: the text of a Set-Cookie. */
export class Reply {
  readonly data: unknown;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly setCookie: string | undefined;
  constructor(data: unknown, extra: Record<string, unknown> = {}, setCookie?: string) {
    this.data = data;
    this.extra = extra;
    this.setCookie = setCookie;
  }
}

/**
 * A whole answer that stands ready: the JSON text of the envelope, `{"data":…}`. With `name` the very same buffer is
 * going to be sent again until something changes; host/kept-bodies.ts says what that is for.
 */
export class ReadyReply {
  readonly body: Buffer;
  readonly name: string | undefined;
  constructor(body: Buffer, name?: string) {
    this.body = body;
    this.name = name;
  }
}

/** A picture that stands in a file of the node; asked for as `png` it is the whole answer. */
export class PictureReply {
  readonly png: Buffer;
  readonly filename: string;
  constructor(png: Buffer, filename: string) {
    this.png = png;
    this.filename = filename;
  }
}

type Answer<M extends Method> = ResultOf<M> | Reply | ReadyReply | PictureReply;

export type CallHandler<M extends Method> = (
  params: ParamsOf<M>,
  call: Call,
) => Answer<M> | Promise<Answer<M>>;

// biome-ignore lint/suspicious/noConfusingVoidType: most checks change nothing and return nothing
export type TaskPreparation = readonly UndoRecord[] | void;

/**
 * For dry runs: writes to the store what the handler would, and tells by `rehearsed` (cluster/rehearsal.ts) what it would
 * do besides. What it throws blocks the call. Of a task it runs after `check`.
 */
export type Plan<M extends Method> = (params: ParamsOf<M>, call: Call) => void | Promise<void>;

export interface TaskHandler<M extends Method> {
  /**
   * Runs in the daemon before the task is made: what it throws is the answer. What it has changed by then it returns
   * as undo records, so that the change goes when the task fails.
   */
  readonly check?: (params: ParamsOf<M>, call: Call) => TaskPreparation | Promise<TaskPreparation>;
  readonly plan?: Plan<M>;
  /** Runs in a worker process; what it throws is the task's exit status. */
  readonly run: (params: ParamsOf<M>, task: TaskContext) => Promise<void>;
  /** What to answer once the task is visible; its UPID without this. */
  readonly answer?: (upid: string, params: ParamsOf<M>, call: Call) => Promise<ResultOf<M>>;
}

/** A method that a node answers for itself is not called on another one. */
export function demandThisNode(
  method: Method,
  params: Readonly<Record<string, unknown>>,
  node: string,
): void {
  if (method.proxyTo && params.node !== node)
    throw new RyokanError('not-found', `node '${String(params.node)}' does not exist`);
}

export type Entry =
  | {
      readonly kind: 'call';
      readonly method: Method;
      readonly handle: CallHandler<Method>;
      readonly plan?: Plan<Method> | undefined;
    }
  | { readonly kind: 'task'; readonly method: Method; readonly handler: TaskHandler<Method> };

export class HandlerTable {
  private readonly entries = new Map<string, Entry>();

  on<M extends Method>(method: M, handle: CallHandler<M>, { plan }: { readonly plan?: Plan<M> } = {}): void {
    this.add({
      kind: 'call',
      method,
      handle: handle as unknown as CallHandler<Method>,
      plan: plan as unknown as Plan<Method> | undefined,
    });
  }

  onTask<M extends Method>(method: M, handler: TaskHandler<M>): void {
    if (!method.task) throw new Error(`method ${method.id} is not declared as a task`);
    this.add({ kind: 'task', method, handler: handler as unknown as TaskHandler<Method> });
  }

  get(id: string): Entry | undefined {
    return this.entries.get(id);
  }

  all(): Entry[] {
    return [...this.entries.values()];
  }

  private add(entry: Entry): void {
    if (this.entries.has(entry.method.id)) throw new Error(`method ${entry.method.id} has two handlers`);
    this.entries.set(entry.method.id, entry);
  }
}
