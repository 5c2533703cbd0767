/** What handlers can reach. `composition.ts` builds it for the daemon and for a worker. */
import type { AccessControl } from './access/access-control.ts';
import type { ConfigStore } from './cluster/store.ts';
import type { Logger } from './host/log.ts';
import type { NodeSettings } from './host/node-settings.ts';
import type { DataPaths } from './host/paths.ts';
import type { StorageManager } from './storage/manager.ts';
import type { ClusterLog } from './tasks/cluster-log.ts';
import type { Locks } from './tasks/locks.ts';
import type { Tasks } from './tasks/tasks.ts';

export interface Services {
  readonly settings: NodeSettings;
  readonly paths: DataPaths;
  readonly store: ConfigStore;
  readonly access: AccessControl;
  readonly storage: StorageManager;
  readonly tasks: Tasks;
  readonly locks: Locks;
  readonly clusterLog: ClusterLog;
  readonly log: Logger;
}
