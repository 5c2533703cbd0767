/** Builds a running node out of its parts, in the order in which they need each other, and takes it down again. */
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RyokanError } from '@ryokan/api/errors.ts';
import { nodeStartall } from '@ryokan/api/methods/nodes.ts';
import { sessionsCfg, tokenCfg, userCfg } from './access/access-documents.ts';
import { AuditLog } from './access/audit/audit-log.ts';
import { initializeAccess } from './access/initialize.ts';
import { AuditTrail } from './api/audit-trail.ts';
import { ConsoleSessions } from './api/console/sessions.ts';
import { Dispatcher } from './api/dispatcher.ts';
import { EventHub } from './api/events.ts';
import { realmSyncJobType } from './api/handlers/cluster-jobs.ts';
import { daemonHandlers } from './api/handlers/index.ts';
import { spiceTunnel } from './api/handlers/spice.ts';
import { IdempotentCalls } from './api/idempotency.ts';
import { serveGateway, serveLocal } from './api/servers.ts';
import { maySeeTask, taskRow } from './api/task-access.ts';
import { datacenterOption, datacenterOptionsPath, nodeOption } from './cluster/datacenter-options.ts';
import { loadCertificate } from './cluster/pki.ts';
import { type Core, createCore, type TaskParts } from './composition.ts';
import type { DaemonServices } from './daemon-services.ts';
import { placeGatewayFiles } from './gateway-files.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
import { sweepClaims } from './guests/guest-store.ts';
import { readTextIfPresent } from './host/files.ts';
import { dataPaths } from './host/paths.ts';
import { claimPidFile, releasePidFile } from './host/pidfile.ts';
import { createLiveState, type LiveState } from './live-state.ts';
import { FirewallWatch } from './network/firewall/watch.ts';
import { restoreNatBridge } from './network/nat-bridge.ts';
import { NodeAccelerator } from './node-accelerator.ts';
import { stagedFileUndo } from './storage/storage-undo.ts';
import { JobScheduler } from './tasks/job-scheduler.ts';
import { TaskManager } from './tasks/task-manager.ts';

export interface RunningNode {
  stop(): Promise<void>;
}

const here = dirname(fileURLToPath(import.meta.url));

export async function startNode(dataDir: string): Promise<RunningNode> {
  const paths = dataPaths(dataDir);
  const pidFile = join(paths.run, 'daemon.pid');
  const holder = claimPidFile(pidFile);
  if (holder) throw new RyokanError('state', `a node runs on ${dataDir} already (pid ${holder.pid})`);
  process.umask(0o027);

  const events = new EventHub();
  const { core, tasks } = await openCore(dataDir, events);
  const { settings, log, store } = core.services;
  const accelerator = new NodeAccelerator(paths, (result) => {
    log.info(result, 'accelerator');
    events.publish({ type: 'warning', dataFor: () => ({}) });
  });
  const live = createLiveState(core.services, events);
  const firewall = new FirewallWatch(core.services, log, () =>
    events.publish({ type: 'warning', dataFor: () => ({}) }),
  );
  const certificate = await loadCertificate(paths.pki, settings.node);
  const audit = await AuditLog.open({ folder: paths.auditLog, store, node: settings.node, log });
  const services: DaemonServices = {
    ...core.services,
    guests: live.guests,
    monitor: live.monitor,
    containers: live.containers,
    sampler: live.sampler,
    resources: live.resources,
    balancer: live.balancer,
    tasks,
    events,
    audit,
    consoles: new ConsoleSessions(core.services.access),
    runUndo: (name, args) => core.undos.run({ name, args }),
    accelerator: () => accelerator.current,
    setAccelerator: (setting) => accelerator.set(setting),
    certificate: { pem: certificate.cert, fingerprint: certificate.fingerprint },
  };
  daemonHandlers(core.table, services);
  endWithLogins(services);

  await recover(services, live);
  await firewall.open();
  await sweepSpool(core, paths.spool);
  const servers = await openDoors(core, services);
  const gateway = await startGateway({
    settings,
    paths,
    certificate,
    files: await placeGatewayFiles(here, paths.gatewayFiles),
    change: () => {
      const hsts = datacenterOption(store, 'hsts');
      return hsts === undefined ? {} : { hsts: Number(hsts) };
    },
    log,
  });
  store.watch(datacenterOptionsPath, () => gateway.update());
  const scheduler = new JobScheduler(store, [realmSyncJobType(services)], log);
  scheduler.open();
  announce(services, gateway);
  accelerator
    .test(settings.accelerator)
    .then(() => startGuestsAfterBoot(services))
    .catch((error: unknown) => log.error({ err: error }, 'guests could not be started after the boot'));

  return {
    async stop() {
      rmSync(paths.ready, { force: true });
      scheduler.close();
      await gateway.stop();
      for (const server of servers) server.close();
      await firewall.close();
      tasks.close();
      live.close();
      services.access.close();
      await audit.close();
      await store.close();
      core.db.close();
      releasePidFile(pidFile);
    },
  };
}

async function openCore(dataDir: string, events: EventHub): Promise<{ core: Core; tasks: TaskManager }> {
  let tasks: TaskManager | undefined;
  const core = await createCore({
    dataDir,
    role: 'daemon',
    lockOwner: () => 'daemon',
    listsSessions: true,
    prepare: initializeAccess,
    tasks: (parts) => {
      tasks = createTaskManager(parts, dataDir, events);
      return tasks;
    },
  });
  if (!tasks) throw new Error('no task manager');
  return { core, tasks };
}

/** What goes on after its call was answered ends with the caller's session, user or token. */
function endWithLogins({ store, events, consoles }: DaemonServices): void {
  const check = () => {
    events.checkLogins();
    consoles.checkLogins();
  };
  // A moment later: who reads these documents keeps them, and hears of the change by a watch as well.
  for (const path of [userCfg, tokenCfg, sessionsCfg]) store.watch(path, () => setImmediate(check));
}

function createTaskManager(parts: TaskParts, dataDir: string, events: EventHub): TaskManager {
  const { db, clusterLog, undos, paths, settings, log } = parts;
  return new TaskManager({
    node: settings.node,
    db,
    logFolder: paths.taskLogs,
    socket: paths.workerSocket,
    workerCommand: [process.execPath, '--max-semi-space-size=2', join(here, 'worker.js'), dataDir],
    undos,
    log,
    onBeginOrEnd: (row) => clusterLog.addTask(row),
    onTask(row) {
      if (!events.active) return;
      events.publish({
        type: 'task',
        dataFor: (call) => (maySeeTask(call, row) ? taskRow(row) : undefined),
      });
    },
    onLog(row, line) {
      if (!events.active) return;
      const data = { upid: row.upid, lines: [line] };
      events.publish({
        type: 'log',
        dataFor: (call) => (maySeeTask(call, row) ? data : undefined),
        upid: row.upid,
      });
    },
  });
}

/** Finds what has gone on while there was no daemon, and takes back what was broken off. */
async function recover(services: DaemonServices, live: LiveState): Promise<void> {
  const { store, settings, tasks, log } = services;
  await tasks.open();
  await sweepClaims(store, settings.node, tasks);
  await live.open();
  await restoreNatBridge(services).catch((error: unknown) =>
    log.error({ err: error }, 'the NAT bridge could not be restored'),
  );
}

/** Removes what a gateway that was killed has received in part. Files that a task still works on are its own. */
async function sweepSpool({ db }: Core, spool: string): Promise<void> {
  const inUse = new Set(db.undosNamed(stagedFileUndo).map((args) => args.path));
  for (const name of await readdir(spool)) {
    const path = join(spool, name);
    if (name.startsWith('pveupload-') && !inUse.has(path)) await rm(path, { force: true });
  }
}

/** The sockets by which the command line and the gateway come in. */
async function openDoors(core: Core, services: DaemonServices): Promise<{ close(): void }[]> {
  const { paths, consoles } = services;
  const dispatcher = new Dispatcher(core.table, services, {
    tunnel: spiceTunnel(services),
    audit: new AuditTrail((event) => services.audit.add(event)),
    keyed: new IdempotentCalls(core.db.answers),
  });
  const servers = [
    await serveLocal(paths.daemonSocket, dispatcher),
    await serveGateway(paths.gatewaySocket, dispatcher),
  ];
  await consoles.listen(join(paths.run, 'relay.sock'));
  return [...servers, consoles];
}

/** Writes DATA/run/ready, and tells a person at the terminal where to go. */
function announce(services: DaemonServices, gateway: GatewayProcess): void {
  const { paths, settings } = services;
  // Renamed into place, so that whoever waits for the file never reads half of it.
  const next = `${paths.ready}.new`;
  writeFileSync(next, JSON.stringify({ url: gateway.url, pid: process.pid, node: settings.node }));
  // Everybody may know where the node answers.
  chmodSync(next, 0o644);
  renameSync(next, paths.ready);
  if (!process.stdout.isTTY && process.env.RYOKAN_ANNOUNCE !== '1') return;
  const password =
    readTextIfPresent(paths.initialPassword) === undefined
      ? 'the one you have set'
      : `in the file ${paths.initialPassword}`;
  process.stdout.write(
    `\nRyokan runs on node ${settings.node}.\nURL:      ${gateway.url}\nUser:     admin@pve (or root@pam with the password of root on this machine)\nPassword: ${password}\n\n`,
  );
}

/** Guests marked onboot start once after the machine has booted, not after each restart of the daemon. */
async function startGuestsAfterBoot(services: DaemonServices): Promise<void> {
  const file = join(services.paths.run, 'boot-id');
  const boot = readTextIfPresent('/proc/sys/kernel/random/boot_id') ?? '';
  if (readTextIfPresent(file) === boot) return;
  writeFileSync(file, boot);
  const delay = Number(nodeOption(services.store, services.settings.node, 'startall-onboot-delay') ?? 0);
  await sleep(delay * 1000);
  if (services.guests.size > 0)
    await services.tasks.start(nodeStartall, { node: services.settings.node }, 'root@pam');
}
