/**
 * The rows of /cluster/resources, kept ready: a change of one object replaces one row, and the JSON for callers who
 * may see everything is built once and kept until something changes.
 */

import { powerState } from '@ryokan/api/guest-actions.ts';
import type { Resource } from '@ryokan/api/schema/resource.ts';
import type { Static } from '@ryokan/api/schema/types.ts';
import type { GuestIndex, GuestSummary } from '../guests/guest-index.ts';
import { type QemuMonitor, uptimeOf } from '../guests/qemu/monitor.ts';
import { uptime } from '../host/procfs.ts';
import type { Sampler } from '../metrics/sampler.ts';
import type { StorageSummary } from '../storage/manager.ts';
import type { EventHub } from './events.ts';
import type { Call } from './handler-table.ts';

export type ResourceRow = Static<typeof Resource>;
export type ResourceFilter = 'vm' | 'storage' | 'node' | 'sdn';

const filters: Readonly<Record<ResourceFilter, readonly string[]>> = {
  vm: ['qemu', 'lxc'],
  storage: ['storage'],
  node: ['node'],
  sdn: ['sdn'],
};

export interface ResourceSources {
  readonly node: string;
  readonly cpuCount: number;
  readonly guests: () => GuestIndex;
  readonly monitor: () => QemuMonitor;
  readonly sampler: () => Sampler;
  readonly events: EventHub;
}

export class ResourceTable {
  private readonly rows = new Map<string, ResourceRow>();
  /** Ready JSON by filter ('' for all). */
  private readonly kept = new Map<string, Buffer>();

  constructor(private readonly sources: ResourceSources) {}

  list(filter?: ResourceFilter): ResourceRow[] {
    const rows = [...this.rows.values()];
    return filter ? rows.filter((row) => filters[filter].includes(row.type)) : rows;
  }

  get(id: string): ResourceRow | undefined {
    return this.rows.get(id);
  }

  /** JSON text of all rows, the same buffer until something changes. */
  json(filter?: ResourceFilter): Buffer {
    const key = filter ?? '';
    const kept = this.kept.get(key);
    if (kept) return kept;
    const built = Buffer.from(JSON.stringify(this.list(filter)));
    this.kept.set(key, built);
    return built;
  }

  /** Brings one guest's row up to date with its configuration and state. */
  updateGuest(vmid: number): void {
    const guest = this.sources.guests().get(vmid);
    if (guest) this.put(guestRow(this.sources, guest));
    else for (const type of ['qemu', 'lxc']) this.remove(`${type}/${vmid}`);
  }

  updateAllGuests(): void {
    for (const guest of this.sources.guests().all()) this.put(guestRow(this.sources, guest));
  }

  /** After a measurement: running guests and the node itself. */
  updateMeasured(): void {
    this.updateNode();
    for (const { vmid } of this.sources.monitor().all()) this.updateGuest(vmid);
  }

  updateNode(): void {
    const { node, cpuCount } = this.sources;
    const sample = this.sources.sampler().node();
    this.put({
      id: `node/${node}`,
      type: 'node',
      node,
      status: 'online',
      level: '',
      cpu: sample.cpu,
      maxcpu: cpuCount,
      mem: sample.memory.total - sample.memory.available,
      maxmem: sample.memory.total,
      disk: sample.root.total - sample.root.free,
      maxdisk: sample.root.total,
      uptime: Math.floor(uptime()),
      'cgroup-mode': 2,
    });
  }

  setStorages(storages: readonly StorageSummary[]): void {
    const present = new Set(storages.map((one) => this.storageId(one.config.storage)));
    for (const row of [...this.rows.values()]) {
      if (row.type === 'storage' && !present.has(row.id)) this.remove(row.id);
    }
    for (const one of storages) {
      this.put({
        id: this.storageId(one.config.storage),
        type: 'storage',
        storage: one.config.storage,
        node: this.sources.node,
        status: !one.enabled ? 'disabled' : one.active ? 'available' : 'unknown',
        plugintype: one.config.type,
        content: [...one.content].sort().join(','),
        shared: one.shared ? 1 : 0,
        disk: one.used,
        maxdisk: one.total,
      });
    }
  }

  private storageId(storage: string): string {
    return `storage/${this.sources.node}/${storage}`;
  }

  private put(row: ResourceRow): void {
    const before = this.rows.get(row.id);
    if (before && same(before, row)) return;
    this.rows.set(row.id, row);
    this.kept.clear();
    this.publish(row);
  }

  private remove(id: string): void {
    const row = this.rows.get(id);
    if (!row) return;
    this.rows.delete(id);
    this.kept.clear();
    this.publish(row, true);
  }

  private publish(row: ResourceRow, removed = false): void {
    if (!this.sources.events.active) return;
    this.sources.events.publish({
      type: 'resource',
      dataFor: (call) => {
        const shown = shownTo(call, row);
        return shown && removed ? { id: row.id, removed: 1 } : shown;
      },
    });
  }
}

/** The row as the caller may see it; undefined when it is none of theirs. */
export function shownTo(call: Call, row: ResourceRow): ResourceRow | undefined {
  if (row.type === 'node' && !call.can(`/nodes/${row.node}`, ['Sys.Audit'])) return withoutMeasurements(row);
  return maySee(call, row) ? row : undefined;
}

function maySee(call: Call, row: ResourceRow): boolean {
  if (call.isRoot) return true;
  if (row.type === 'qemu' || row.type === 'lxc') return call.can(`/vms/${row.vmid}`, ['VM.Audit']);
  if (row.type === 'storage') {
    return call.can(`/storage/${row.storage}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);
  }
  return row.type === 'node' || call.can('/', ['Sys.Audit']);
}

/** That a node is there and works is no secret; what it has and does is. */
function withoutMeasurements({ id, type, node, status }: ResourceRow): ResourceRow {
  return { id, type, node, status, level: '' };
}

/** May the caller see every row without looking at each? True for those who may read everything from the root down. */
export function seesAll(call: Call): boolean {
  return call.isRoot;
}

function same(a: ResourceRow, b: ResourceRow): boolean {
  const keys = Object.keys(a) as (keyof ResourceRow)[];
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function guestRow(sources: ResourceSources, guest: GuestSummary): ResourceRow {
  const running = sources.monitor().get(guest.vmid);
  const sample = sources.sampler().guest(guest.vmid);
  return {
    id: `${guest.type}/${guest.vmid}`,
    type: guest.type,
    vmid: guest.vmid,
    name: guest.name,
    node: guest.node,
    // As in the public API: a guest that stands still is `paused` here, while status/current says running.
    status: running
      ? powerState({ status: 'running', qmpstatus: running.qmpstatus }) === 'paused'
        ? 'paused'
        : 'running'
      : 'stopped',
    template: guest.template ? 1 : 0,
    cpu: running ? sample.cpus / Math.max(1, guest.cpus) : 0,
    maxcpu: guest.cpus,
    mem: running ? sample.memory : 0,
    maxmem: guest.maxmem,
    disk: 0,
    maxdisk: guest.maxdisk,
    netin: running ? sample.netin : 0,
    netout: running ? sample.netout : 0,
    diskread: running ? sample.diskread : 0,
    diskwrite: running ? sample.diskwrite : 0,
    uptime: running ? uptimeOf(running.process, uptime()) : 0,
    ...(guest.tags === undefined ? {} : { tags: guest.tags }),
    ...(guest.lock === undefined ? {} : { lock: guest.lock }),
    ...(guest.error === undefined ? {} : { error: guest.error }),
  };
}
