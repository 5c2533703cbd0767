/** Where everything of one node stands below its data folder; docs/architecture.md has the picture. */
import { join } from 'node:path';

export interface DataPaths {
  readonly root: string;
  readonly configDb: string;
  readonly nodeDb: string;
  /** The list of sessions that began on this node. */
  readonly sessionsDb: string;
  readonly nodeJson: string;
  readonly initialPassword: string;
  readonly pki: string;
  readonly storage: string;
  readonly spool: string;
  readonly log: string;
  readonly taskLogs: string;
  readonly auditLog: string;
  readonly run: string;
  readonly daemonSocket: string;
  readonly gatewaySocket: string;
  readonly workerSocket: string;
  readonly ready: string;
  /** Copies of the gateway's program and the Web UI, for its user to read. */
  readonly gatewayFiles: string;
  readonly qemuRun: string;
  readonly lxcRun: string;
}

export function dataPaths(root: string): DataPaths {
  const run = join(root, 'run');
  return {
    root,
    configDb: join(root, 'config.db'),
    nodeDb: join(root, 'node.db'),
    sessionsDb: join(root, 'sessions.db'),
    nodeJson: join(root, 'node.json'),
    initialPassword: join(root, 'initial-admin-password'),
    pki: join(root, 'pki'),
    storage: join(root, 'storage'),
    spool: join(root, 'spool'),
    log: join(root, 'log'),
    taskLogs: join(root, 'log', 'tasks'),
    auditLog: join(root, 'log', 'audit'),
    run,
    daemonSocket: join(run, 'daemon.sock'),
    gatewaySocket: join(run, 'gateway.sock'),
    workerSocket: join(run, 'worker.sock'),
    ready: join(run, 'ready'),
    gatewayFiles: join(run, 'gateway'),
    qemuRun: join(run, 'qemu'),
    lxcRun: join(run, 'lxc'),
  };
}
