/** Builds the services and the handler table, the same way for the daemon and for a worker. */
import { readFileSync } from 'node:fs';
import { createAccessService } from './access/access-service.ts';
import { HandlerTable } from './api/handler-table.ts';
import { accessHandlers } from './api/handlers/access.ts';
import { agentHandlers } from './api/handlers/agent.ts';
import { nodeTaskHandlers } from './api/handlers/node-tasks.ts';
import { qemuHandlers } from './api/handlers/qemu.ts';
import { qemuPowerHandlers } from './api/handlers/qemu-power.ts';
import { storageHandlers } from './api/handlers/storage.ts';
import { openSqliteStore } from './cluster/sqlite-store.ts';
import { guestUndos } from './guests/guest-undos.ts';
import { createLogger } from './host/log.ts';
import { type DataPaths, dataPaths } from './host/paths.ts';
import type { NodeSettings, Services } from './services.ts';
import { createStorageManager } from './storage/storage-manager.ts';
import { NodeDb } from './tasks/node-db.ts';
import { NodeLocks } from './tasks/node-locks.ts';
import type { Tasks } from './tasks/tasks.ts';
import { UndoTable } from './tasks/undo.ts';

export interface Core {
  readonly services: Services;
  readonly table: HandlerTable;
  readonly undos: UndoTable;
  readonly db: NodeDb;
}

export interface CoreOptions {
  readonly dataDir: string;
  /** Name in the log: daemon or worker. */
  readonly role: string;
  /** Owner of locks taken by this process. */
  readonly lockOwner: () => string;
  readonly tasks: (core: { db: NodeDb; undos: UndoTable; paths: DataPaths }) => Tasks;
}

export function readSettings(paths: DataPaths): NodeSettings {
  const stored = JSON.parse(readFileSync(paths.nodeJson, 'utf8')) as Partial<NodeSettings>;
  return {
    node: stored.node ?? 'localhost',
    listen: stored.listen ?? '0.0.0.0',
    port: stored.port ?? 8006,
    accelerator: stored.accelerator ?? 'auto',
  };
}

export function createCore(options: CoreOptions): Core {
  const paths = dataPaths(options.dataDir);
  const settings = readSettings(paths);
  const log = createLogger(options.role);
  const store = openSqliteStore(paths.configDb);
  const db = new NodeDb(paths.nodeDb);
  const undos = new UndoTable();
  const locks = new NodeLocks(db, options.lockOwner);
  const access = createAccessService({ store, paths, log });
  const storage = createStorageManager({ store, paths, node: settings.node, log });
  const tasks = options.tasks({ db, undos, paths });
  const services: Services = { settings, paths, store, access, storage, tasks, locks, log };
  guestUndos(undos, services);
  const table = new HandlerTable();
  accessHandlers(table, services);
  storageHandlers(table, services);
  qemuHandlers(table, services);
  qemuPowerHandlers(table, services);
  agentHandlers(table, services);
  nodeTaskHandlers(table, services);
  return { services, table, undos, db };
}
