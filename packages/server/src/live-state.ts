/** What the daemon knows of the node at every moment: guests, their processes, measurements, the rows of lists. */
import { availableParallelism } from 'node:os';
import { messageOf } from '@ryokan/api/errors.ts';
import { lxcStart } from '@ryokan/api/methods/lxc.ts';
import { readUserConfig, userCfg } from './access/access-documents.ts';
import type { EventHub } from './api/events.ts';
import { ResourceTable } from './api/resources.ts';
import { nodeOption } from './cluster/datacenter-options.ts';
import { GuestIndex } from './guests/guest-index.ts';
import { LxcMonitor } from './guests/lxc/monitor.ts';
import { Balancer } from './guests/qemu/balloon/balancer.ts';
import { QemuMonitor } from './guests/qemu/monitor.ts';
import { AllGuests } from './guests/running-guests.ts';
import { memoryInfo } from './host/procfs.ts';
import { Sampler } from './metrics/sampler.ts';
import type { Services } from './services.ts';

export interface LiveState {
  readonly guests: GuestIndex;
  readonly monitor: QemuMonitor;
  readonly containers: LxcMonitor;
  readonly sampler: Sampler;
  readonly resources: ResourceTable;
  readonly balancer: Balancer;
  /** Finds running guests and begins to measure. */
  open(): Promise<void>;
  close(): void;
}

/** The parts know of each other: a change of a guest changes its row, a row shows measurements of the guest. */
export function createLiveState(services: Services, events: EventHub): LiveState {
  const { settings, store, log } = services;
  const cpuCount = availableParallelism();
  const resources = new ResourceTable({
    node: settings.node,
    cpuCount,
    guests: () => guests,
    monitor: () => all,
    sampler: () => sampler,
    balancer: () => balancer,
    events,
  });
  const changed = (vmid: number) => {
    sampler.measureNew(vmid);
    resources.updateGuest(vmid);
  };
  const monitor = new QemuMonitor(services, changed);
  const containers = new LxcMonitor(services, changed, (vmid) =>
    services.tasks.start(lxcStart, { node: settings.node, vmid }, 'root@pam'),
  );
  const all = new AllGuests([monitor, containers]);
  const guests = new GuestIndex(store, (vmid, summary, path) => {
    resources.updateGuest(vmid);
    if (!summary) sampler.forget(vmid);
    if (!events.active) return;
    events.publish({
      type: 'config',
      dataFor: (call) => (call.can(`/vms/${vmid}`, ['VM.Audit']) ? { path } : undefined),
    });
  });
  const balancer = new Balancer({
    monitor,
    guest: (vmid) => guests.get(vmid),
    host: () => {
      const { total, available } = memoryInfo();
      return { total, used: total - available };
    },
    target: () => Number(nodeOption(store, settings.node, 'ballooning-target') ?? 80) / 100,
    log,
    onFigures: (vmid) => resources.updateGuest(vmid),
  });
  const sampler = new Sampler(all, cpuCount, (vmid) => balancer.usedMemory(vmid));
  const refreshStorages = storageRefresher(services, resources);
  const refreshPools = () => resources.setPools(readUserConfig(store).pools);
  const stopPools = store.watch(userCfg, refreshPools);
  return {
    guests,
    monitor,
    containers,
    sampler,
    resources,
    balancer,
    async open() {
      await monitor.open();
      await containers.open();
      resources.updateNode();
      refreshPools();
      resources.updateAllGuests();
      await refreshStorages();
      const onSample = () => {
        resources.updateMeasured();
        void balancer.round();
        void refreshStorages();
      };
      // Out of file descriptors, for one: the next round may work again.
      sampler.start(onSample, (error) => log.warn({ err: error }, 'measuring failed'));
    },
    close() {
      sampler.stop();
      stopPools();
      monitor.close();
      containers.close();
    },
  };
}

function storageRefresher(services: Services, resources: ResourceTable): () => Promise<void> {
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
      resources.setStorages(found.filter((one) => one !== undefined));
    } catch (error) {
      services.log.warn({ reason: messageOf(error) }, 'storages could not be measured');
    } finally {
      running = false;
    }
  };
}
