/** A node for the tests of the storage area: real kernel, real `dir` storage, tasks that run in this process. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@ryokan/api/errors.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { Ajv } from 'ajv';
import type { AccessControl } from '../../access/access-control.ts';
import { MemoryStore } from '../../cluster/memory-store.ts';
import { createLogger } from '../../host/log.ts';
import { dataPaths } from '../../host/paths.ts';
import type { Services } from '../../services.ts';
import { defaultStorageConfig } from '../../storage/storage-config.ts';
import { createStorageManager } from '../../storage/storage-manager.ts';
import { storageUndos } from '../../storage/storage-undo.ts';
import { ClusterLog } from '../../tasks/cluster-log.ts';
import { NodeDb } from '../../tasks/node-db.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { TaskRow, Tasks } from '../../tasks/tasks.ts';
import { UndoTable } from '../../tasks/undo.ts';
import { Dispatcher } from '../dispatcher.ts';
import { HandlerTable } from '../handler-table.ts';
import type { UploadHead } from '../request.ts';
import { Router } from '../router.ts';
import { storageHandlers } from './storage.ts';
import { templateHandlers } from './templates.ts';

/** Privileges by user and ACL path; no inheritance. */
export type Rights = Readonly<Record<string, Readonly<Record<string, readonly Privilege[]>>>>;

export interface RanTask {
  readonly upid: string;
  readonly lines: string[];
  status?: string;
  readonly abort: () => void;
  readonly ended: Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly data: unknown;
  readonly errors?: Readonly<Record<string, string>>;
}

export class Testbed {
  readonly root: string;
  readonly services: Services;
  readonly tasks: RanTask[] = [];
  private readonly table = new HandlerTable();
  private readonly dispatcher: Dispatcher;
  private readonly undos = new UndoTable();
  private readonly ajv = new Ajv({ strict: false, validateFormats: false });
  private readonly router: Router;

  private constructor(root: string, rights: Rights) {
    this.root = root;
    const paths = dataPaths(root);
    const store = new MemoryStore();
    const log = createLogger('test', 'silent');
    this.services = {
      settings: { node: 'pve1', listen: '127.0.0.1', port: 8006, accelerator: 'tcg' },
      paths,
      store,
      log,
      access: accessOf(rights),
      storage: createStorageManager({ store, paths, node: 'pve1', log }),
      tasks: this.tasksOfThisProcess(),
      locks: { with: (_name, work) => work(), holder: () => undefined },
      clusterLog: new ClusterLog(new NodeDb(join(root, 'node.db'))),
    };
    storageUndos(this.undos, paths.spool);
    storageHandlers(this.table, this.services);
    templateHandlers(this.table, this.services);
    this.router = new Router(this.table.all().map((entry) => entry.method));
    this.dispatcher = new Dispatcher(this.table, this.services);
  }

  static async make(rights: Rights = {}): Promise<Testbed> {
    const root = await mkdtemp(join(tmpdir(), 'ryokan-storage-'));
    const paths = dataPaths(root);
    await mkdir(paths.spool);
    await mkdir(paths.run);
    const bed = new Testbed(root, rights);
    await bed.services.store.commit([], [{ path: 'storage.cfg', text: defaultStorageConfig(paths) }]);
    return bed;
  }

  /** A call as root@pam, or as `user` with its rights. */
  async call(
    method: string,
    path: string,
    params: Readonly<Record<string, unknown>> = {},
    options: { user?: string; upload?: UploadHead } = {},
  ): Promise<Answer> {
    const { user, upload } = options;
    const isQuery = method === 'GET' || method === 'DELETE';
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(params)) query.set(key, String(value));
    const head = {
      method,
      url: `/api2/json${path}${isQuery && query.size > 0 ? `?${query}` : ''}`,
      remote: '127.0.0.1',
      contentType: isQuery || upload ? undefined : 'application/json',
      authorization: user === undefined ? undefined : `PVEAPIToken=${user}`,
      upload,
    };
    const body = isQuery || upload ? Buffer.alloc(0) : Buffer.from(JSON.stringify(params));
    const reply = await this.dispatcher.dispatch(head, body, {
      trusted: user === undefined,
      signal: new AbortController().signal,
    });
    const { data, errors } = JSON.parse(reply.body.toString()) as Answer;
    if (reply.status === 200 && !upload) this.demandDeclared(method, path, data);
    return { status: reply.status, reason: reply.reason, data, ...(errors ? { errors } : {}) };
  }

  /** What a method answers must be what its record declares. */
  private demandDeclared(verb: string, path: string, data: unknown): void {
    const fragments = path.split('/').filter((fragment) => fragment !== '');
    const returns = this.router.find(verb, fragments)?.method.returns;
    if (returns === undefined) throw new Error(`no method for ${verb} ${path}`);
    if (!this.ajv.validate(returns, data)) {
      throw new Error(`${verb} ${path} answers otherwise than declared: ${this.ajv.errorsText()}`);
    }
  }

  /** Calls a task method and waits for the task's end. Fails when the call itself was refused. */
  async task(...args: Parameters<Testbed['call']>): Promise<RanTask> {
    const answer = await this.call(...args);
    const task = this.tasks.find((one) => one.upid === answer.data);
    if (!task) throw new Error(`no task: ${answer.status} ${answer.reason} ${JSON.stringify(answer.errors)}`);
    await task.ended;
    return task;
  }

  cleanup(): Promise<void> {
    return rm(this.root, { recursive: true });
  }

  private tasksOfThisProcess(): Tasks {
    const find = (upid: string) => this.tasks.find((task) => task.upid === upid);
    return {
      start: async (method, params, user, undo = []) => {
        const entry = this.table.get(method.id);
        if (entry?.kind !== 'task') throw new Error(`${method.id} is no task`);
        const upid = `UPID:pve1:00000001:00000001:00000001:${method.task?.type}:${this.tasks.length}:${user}:`;
        const work = (task: TaskContext) => entry.handler.run(params, task);
        this.tasks.push(this.run(upid, user, work, [...undo]));
        return upid;
      },
      wait: async (upid, signal) => {
        const task = find(upid);
        const stopped = new Promise<never>((_, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('waited too long')));
        });
        await Promise.race([task?.ended, stopped]);
        return { upid, status: task?.status } as TaskRow;
      },
      list: () => ({ rows: [], total: 0 }),
      get: () => undefined,
      log: async (upid) => ({ lines: find(upid)?.lines ?? [], total: 0 }),
      stop: async (upid) => find(upid)?.abort(),
    };
  }

  private run(
    upid: string,
    user: string,
    work: (task: TaskContext) => Promise<void>,
    undos: { name: string; args: Readonly<Record<string, string | number>> }[],
  ): RanTask {
    const controller = new AbortController();
    const lines: string[] = [];
    let warnings = 0;
    const context: TaskContext = {
      upid,
      user,
      signal: controller.signal,
      log: (line) => lines.push(line),
      warn: (line) => {
        warnings++;
        lines.push(`WARN: ${line}`);
      },
      progress: () => {},
      undo: (name, args) => undos.push({ name, args }),
      keep: () => undos.splice(0),
      takeBack: () => Promise.reject(new Error('storage tasks take back as a whole')),
    };
    const takeBack = async () => {
      const records = undos.toReversed();
      const db = { popUndo: () => records.shift() };
      await this.undos.runAll(db as unknown as Parameters<UndoTable['runAll']>[0], upid, (line) =>
        lines.push(line),
      );
    };
    const task: RanTask = {
      upid,
      lines,
      abort: () => controller.abort(),
      ended: (async () => {
        await work(context).then(
          () => {
            task.status = warnings > 0 ? `WARNINGS: ${warnings}` : 'OK';
          },
          async (error: unknown) => {
            await takeBack();
            task.status = messageOf(error);
          },
        );
      })(),
    };
    return task;
  }
}

/** A token's text is the user's name here. */
function accessOf(rights: Rights): AccessControl {
  const access: Partial<AccessControl> = {
    authenticate: ({ apiToken }) => ({ user: apiToken ?? '', isToken: false, goesOn: () => true }),
    privileges: (user, path) => new Set(rights[user]?.[path] ?? []),
  };
  return access as AccessControl;
}
