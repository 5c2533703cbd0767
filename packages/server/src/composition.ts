/** Builds the services and the handler table, the same way for the daemon and for a worker. */
import { createAccessService } from './access/access-service.ts';
import { HandlerTable } from './api/handler-table.ts';
import { accessHandlers } from './api/handlers/access.ts';
import { lxcCopyHandlers } from './api/handlers/lxc-copy.ts';
import { lxcSnapshotHandlers } from './api/handlers/lxc-snapshots.ts';
import { lxcTaskHandlers } from './api/handlers/lxc-tasks.ts';
import { lxcVolumeHandlers } from './api/handlers/lxc-volumes.ts';
import { nodeTaskHandlers } from './api/handlers/node-tasks.ts';
import { qemuCopyHandlers } from './api/handlers/qemu-copy.ts';
import { qemuSnapshotHandlers } from './api/handlers/qemu-snapshots.ts';
import { qemuTaskHandlers } from './api/handlers/qemu-tasks.ts';
import { storageHandlers } from './api/handlers/storage.ts';
import { templateHandlers } from './api/handlers/templates.ts';
import { rehearsable } from './cluster/rehearsal.ts';
import { openSqliteStore } from './cluster/sqlite-store.ts';
import type { ConfigStore } from './cluster/store.ts';
import { copyUndos } from './guests/copy/copy-undos.ts';
import { guestUndos } from './guests/guest-undos.ts';
import { mirrorUndos } from './guests/qemu/copy/copy-undos.ts';
import { createLogger, type Logger } from './host/log.ts';
import { type NodeSettings, readSettings } from './host/node-settings.ts';
import { type DataPaths, dataPaths } from './host/paths.ts';
import { networkUndos } from './network/nat-bridge.ts';
import type { Services } from './services.ts';
import { createStorageManager } from './storage/storage-manager.ts';
import { storageUndos } from './storage/storage-undo.ts';
import { ClusterLog } from './tasks/cluster-log.ts';
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

export interface TaskParts {
  readonly db: NodeDb;
  readonly clusterLog: ClusterLog;
  readonly undos: UndoTable;
  readonly paths: DataPaths;
  readonly settings: NodeSettings;
  readonly log: Logger;
}

export interface CoreOptions {
  readonly dataDir: string;
  /** Name in the log: daemon or worker. */
  readonly role: string;
  /** Owner of locks taken by this process. */
  readonly lockOwner: () => string;
  /** Runs before anything reads the store: the daemon makes users and keys here. */
  readonly prepare?: (store: ConfigStore, paths: DataPaths) => Promise<unknown>;
  readonly tasks: (parts: TaskParts) => Tasks;
  /** Keeps the list of sessions: one process of a node does. */
  readonly listsSessions?: true;
}

export async function createCore(options: CoreOptions): Promise<Core> {
  const paths = dataPaths(options.dataDir);
  const settings = readSettings(paths);
  const log = createLogger(options.role);
  const store = rehearsable(openSqliteStore(paths.configDb));
  await options.prepare?.(store, paths);
  const db = new NodeDb(paths.nodeDb);
  const clusterLog = new ClusterLog(db);
  const undos = new UndoTable();
  const locks = new NodeLocks(db, options.lockOwner);
  const access = createAccessService({
    store,
    paths,
    log,
    sessionFile: options.listsSessions ? paths.sessionsDb : undefined,
  });
  const storage = createStorageManager({ store, paths, node: settings.node, log });
  const tasks = options.tasks({ db, clusterLog, undos, paths, settings, log });
  const services: Services = { settings, paths, store, access, storage, tasks, locks, clusterLog, log };
  guestUndos(undos, services);
  copyUndos(undos, services);
  mirrorUndos(undos, services);
  networkUndos(undos, services);
  storageUndos(undos, paths.spool);
  const table = new HandlerTable();
  sharedHandlers(table, services);
  return { services, table, undos, db };
}

/** Handlers that daemon and workers have; those of the daemon alone: api/handlers/index.ts. */
export function sharedHandlers(table: HandlerTable, services: Services): void {
  accessHandlers(table, services);
  storageHandlers(table, services);
  templateHandlers(table, services);
  qemuTaskHandlers(table, services);
  qemuCopyHandlers(table, services);
  qemuSnapshotHandlers(table, services);
  lxcTaskHandlers(table, services);
  lxcCopyHandlers(table, services);
  lxcSnapshotHandlers(table, services);
  lxcVolumeHandlers(table, services);
  nodeTaskHandlers(table, services);
}
