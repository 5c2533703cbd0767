/** Builds a running node out of its parts, in the order in which they need each other, and takes it down again. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { nodeStartall } from '@ryokan/api/methods/nodes.ts';
import { initializeAccess } from './access/initialize.ts';
import { ConsoleSessions } from './api/console/sessions.ts';
import { Dispatcher } from './api/dispatcher.ts';
import { EventHub } from './api/events.ts';
import { daemonHandlers } from './api/handlers/index.ts';
import { maySeeTask, taskRow } from './api/handlers/tasks.ts';
import { ResourceTable } from './api/resources.ts';
import { type CallServer, serveGateway, serveLocal } from './api/servers.ts';
import { loadCertificate } from './cluster/pki.ts';
import { createCore } from './composition.ts';
import type { DaemonServices } from './daemon-services.ts';
import { placeGatewayFiles } from './gateway-files.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
import { GuestIndex } from './guests/guest-index.ts';
import { sweepClaims } from './guests/guest-store.ts';
import { QemuMonitor } from './guests/qemu/monitor.ts';
import { guestAccount } from './guests/qemu/start.ts';
import { type AcceleratorResult, type AcceleratorSetting, loadAccelerator } from './host/accelerator.ts';
import { readTextIfPresent } from './host/files.ts';
import { changeSettings } from './host/node-settings.ts';
import { dataPaths } from './host/paths.ts';
import { claimPidFile, releasePidFile } from './host/pidfile.ts';
import { Sampler } from './metrics/sampler.ts';
import { restoreNatBridge } from './network/nat-bridge.ts';
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
  let tasks: TaskManager | undefined;
  const core = await createCore({
    dataDir,
    role: 'daemon',
    lockOwner: () => 'daemon',
    prepare: initializeAccess,
    tasks: ({ db, undos, settings, log }) => {
      tasks = new TaskManager({
        node: settings.node,
        db,
        logFolder: paths.taskLogs,
        socket: paths.workerSocket,
        workerCommand: [process.execPath, '--max-semi-space-size=2', join(here, 'worker.js'), dataDir],
        undos,
        log,
        onTask: (row) =>
          events.active &&
          events.publish({ type: 'task', data: taskRow(row), visibleTo: (call) => maySeeTask(call, row) }),
        onLog: (row, line) =>
          events.active &&
          events.publish({
            type: 'log',
            data: { upid: row.upid, lines: [line] },
            visibleTo: (call) => maySeeTask(call, row),
            upid: row.upid,
          }),
      });
      return tasks;
    },
  });
  if (!tasks) throw new Error('no task manager');
  const { services: base, table, undos } = core;
  const { settings, log, store } = base;

  const certificate = await loadCertificate(paths.pki, settings.node);
  let accelerator: AcceleratorResult = {
    accelerator: 'tcg',
    reason: 'the self-test is still running',
    tookMs: 0,
  };
  const resources = new ResourceTable({
    node: settings.node,
    cpuCount: availableParallelism(),
    guests: () => guests,
    monitor: () => monitor,
    sampler: () => sampler,
    events,
  });
  const monitor = new QemuMonitor(base, (vmid) => {
    sampler.measureNew(vmid);
    resources.updateGuest(vmid);
  });
  const guests = new GuestIndex(store, (vmid, summary, path) => {
    resources.updateGuest(vmid);
    if (!summary) sampler.forget(vmid);
    if (events.active) {
      events.publish({
        type: 'config',
        data: { path },
        visibleTo: (call) => call.can(`/vms/${vmid}`, ['VM.Audit']),
      });
    }
  });
  const sampler = new Sampler(monitor, availableParallelism());
  const services: DaemonServices = {
    ...base,
    tasks,
    guests,
    monitor,
    events,
    resources,
    sampler,
    consoles: new ConsoleSessions(base.access),
    runUndo: (name, args) => undos.run({ name, args }),
    accelerator: () => accelerator,
    async setAccelerator(setting) {
      await changeSettings(paths, { accelerator: setting });
      accelerator = await findAccelerator(paths.run, setting, true);
      events.publish({ type: 'warning', data: {}, visibleTo: () => true });
      return accelerator;
    },
    certificate: { pem: certificate.cert, fingerprint: certificate.fingerprint },
  };
  daemonHandlers(table, services);
  const dispatcher = new Dispatcher(table, services);

  await tasks.open();
  await sweepClaims(store, settings.node, tasks);
  await monitor.open();
  resources.updateNode();
  resources.updateAllGuests();
  const refreshStorages = storageRefresher(services);
  await refreshStorages();
  sampler.start(() => {
    resources.updateMeasured();
    void refreshStorages();
  });
  await restoreNatBridge(services).catch((error: unknown) =>
    log.error({ err: error }, 'the NAT bridge could not be restored'),
  );
  const accelerated = findAccelerator(paths.run, settings.accelerator).then((result) => {
    accelerator = result;
    log.info(result, 'accelerator');
    events.publish({ type: 'warning', data: {}, visibleTo: () => true });
  });

  const servers: CallServer[] = [
    await serveLocal(paths.daemonSocket, dispatcher),
    await serveGateway(paths.gatewaySocket, dispatcher),
  ];
  await services.consoles.listen(join(paths.run, 'relay.sock'));
  const gateway = await startGateway({
    settings,
    paths,
    certificate,
    files: await placeGatewayFiles(here, paths.gatewayFiles),
    log,
  });
  announce(services, gateway);
  await accelerated;
  await startGuestsAfterBoot(services);

  return {
    async stop() {
      rmSync(paths.ready, { force: true });
      sampler.stop();
      await gateway.stop();
      for (const server of servers) server.close();
      services.consoles.close();
      monitor.close();
      tasks?.close();
      await store.close();
      core.db.close();
      releasePidFile(pidFile);
    },
  };
}

/** Writes DATA/run/ready, and tells a person at the terminal where to go. */
function announce(services: DaemonServices, gateway: GatewayProcess): void {
  const { paths, settings } = services;
  // Renamed into place, so that whoever waits for the file never reads half of it.
  writeFileSync(
    `${paths.ready}.new`,
    JSON.stringify({ url: gateway.url, pid: process.pid, node: settings.node }),
  );
  renameSync(`${paths.ready}.new`, paths.ready);
  if (!process.stdout.isTTY && process.env.RYOKAN_ANNOUNCE !== '1') return;
  const password =
    readTextIfPresent(paths.initialPassword) === undefined
      ? 'the one you have set'
      : `in the file ${paths.initialPassword}`;
  process.stdout.write(
    `\nRyokan runs on node ${settings.node}.\nURL:      ${gateway.url}\nUser:     admin@pve (or root@pam with the password of root on this machine)\nPassword: ${password}\n\n`,
  );
}

function storageRefresher(services: DaemonServices): () => Promise<void> {
  let running = false;
  return async () => {
    // A hanging network storage must not pile up questions.
    if (running) return;
    running = true;
    try {
      const names = services.storage.configs().map((config) => config.storage);
      const found = await Promise.all(
        names.map((name) => services.storage.summary(name).catch(() => undefined)),
      );
      services.resources.setStorages(found.filter((one) => one !== undefined));
    } catch (error) {
      services.log.warn({ reason: messageOf(error) }, 'storages could not be measured');
    } finally {
      running = false;
    }
  };
}

async function findAccelerator(
  run: string,
  setting: AcceleratorSetting,
  force = false,
): Promise<AcceleratorResult> {
  try {
    return await loadAccelerator({
      stateFile: join(run, 'accelerator.json'),
      setting,
      force,
      ...guestAccount(),
    });
  } catch (error) {
    return { accelerator: 'tcg', reason: `the self-test failed: ${messageOf(error)}`, tookMs: 0 };
  }
}

/** Guests marked onboot start once after the machine has booted, not after each restart of the daemon. */
async function startGuestsAfterBoot(services: DaemonServices): Promise<void> {
  const file = join(services.paths.run, 'boot-id');
  const boot = readTextIfPresent('/proc/sys/kernel/random/boot_id') ?? '';
  if (readTextIfPresent(file) === boot) return;
  writeFileSync(file, boot);
  if (services.guests.size > 0)
    await services.tasks.start(nodeStartall, { node: services.settings.node }, 'root@pam');
}
