/**
 * The rows of /cluster/resources, kept ready: a change of one object replaces one row and its JSON text, and the answer
 * for callers who may see everything is built once and kept until something changes.
 */

import { powerState } from '@ryokan/api/guest-actions.ts';
import type { Resource } from '@ryokan/api/schema/resource.ts';
import type { Static } from '@ryokan/api/schema/types.ts';
import type { GuestIndex, GuestSummary } from '../guests/guest-index.ts';
import type { Balancer } from '../guests/qemu/balloon/balancer.ts';
import type { GuestMonitor, RunningGuest } from '../guests/running-guests.ts';
import { uptime, uptimeOf } from '../host/procfs.ts';
import type { Sampler } from '../metrics/sampler.ts';
import type { StorageSummary } from '../storage/manager.ts';
import type { EventHub } from './events.ts';
import { type Call, ReadyReply } from './handler-table.ts';

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
  readonly monitor: () => GuestMonitor;
  readonly sampler: () => Sampler;
  readonly balancer: () => Balancer;
  readonly events: EventHub;
}

export class ResourceTable {
  private readonly rows = new Map<string, ResourceRow>();
  /** JSON text of rows by id, as far as somebody has asked for it since they changed. */
  private readonly texts = new Map<string, string>();
  /** Ready answers by filter ('' for all). */
  private readonly kept = new Map<string, ReadyReply>();
  /** The pool of each guest that is in one. */
  private pools: ReadonlyMap<number, string> = new Map();

  constructor(private readonly sources: ResourceSources) {}

  list(filter?: ResourceFilter): ResourceRow[] {
    const rows = [...this.rows.values()];
    return filter ? rows.filter((row) => filters[filter].includes(row.type)) : rows;
  }

  get(id: string): ResourceRow | undefined {
    return this.rows.get(id);
  }

  /** The rows as a caller may see them. For those who may see all it is the same buffer until something changes. */
  answer(call: Call, filter?: ResourceFilter): ReadyReply {
    if (!seesAll(call)) {
      const shown = this.list(filter).map((row) => shownTo(call, row));
      return new ReadyReply(this.envelope(shown.filter((row) => row !== undefined)));
    }
    const key = filter ?? '';
    const kept = this.kept.get(key);
    if (kept) return kept;
    const built = new ReadyReply(this.envelope(this.list(filter)), `resources/${key}`);
    this.kept.set(key, built);
    return built;
  }

  private envelope(rows: readonly ResourceRow[]): Buffer {
    return Buffer.from(`{"data":[${rows.map((row) => this.text(row)).join(',')}]}`);
  }

  private text(row: ResourceRow): string {
    // What is shown to some only in part is not the row of the table.
    if (this.rows.get(row.id) !== row) return JSON.stringify(row);
    let text = this.texts.get(row.id);
    if (text === undefined) {
      text = JSON.stringify(row);
      this.texts.set(row.id, text);
    }
    return text;
  }

  /** Brings one guest's row up to date with its configuration and state. */
  updateGuest(vmid: number): void {
    const guest = this.sources.guests().get(vmid);
    if (guest) this.put(this.guestRow(guest));
    else for (const type of ['qemu', 'lxc']) this.remove(`${type}/${vmid}`);
  }

  updateAllGuests(): void {
    for (const guest of this.sources.guests().all()) this.put(this.guestRow(guest));
  }

  private guestRow(guest: GuestSummary): ResourceRow {
    const pool = this.pools.get(guest.vmid);
    const row = guestRow(this.sources, guest);
    return pool === undefined ? row : { ...row, pool };
  }

  /** The pools there are, with the guests that are in them. */
  setPools(pools: ReadonlyMap<string, { readonly vms: ReadonlySet<number> }>): void {
    const before = this.pools;
    this.pools = new Map([...pools].flatMap(([id, { vms }]) => [...vms].map((vmid) => [vmid, id] as const)));
    for (const row of [...this.rows.values()]) {
      if (row.type === 'pool' && !pools.has(row.pool ?? '')) this.remove(row.id);
    }
    for (const pool of pools.keys()) this.put({ id: `/pool/${pool}`, type: 'pool', pool });
    for (const vmid of new Set([...before.keys(), ...this.pools.keys()])) {
      if (before.get(vmid) !== this.pools.get(vmid)) this.updateGuest(vmid);
    }
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
    this.changed(row.id);
    this.publish(row);
  }

  private remove(id: string): void {
    const row = this.rows.get(id);
    if (!row) return;
    this.rows.delete(id);
    this.changed(id);
    this.publish(row, true);
  }

  private changed(id: string): void {
    this.texts.delete(id);
    this.kept.clear();
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
  if (row.type === 'pool') return call.can(`/pool/${row.pool}`, ['Pool.Audit']);
  return row.type === 'node' || call.can('/', ['Sys.Audit']);
}

/** That a node is there and works is no secret; what it has and does is. */
function withoutMeasurements({ id, type, node, status }: ResourceRow): ResourceRow {
  return { id, type, node, status, level: '' };
}

/** May the caller see every row there can be, and all of it, so that none has to be looked at? */
function seesAll(call: Call): boolean {
  return (
    call.canEverywhere(['VM.Audit', 'Sys.Audit', 'Pool.Audit']) &&
    call.canEverywhere(['Datastore.Audit', 'Datastore.AllocateSpace'], true)
  );
}

function same(a: ResourceRow, b: ResourceRow): boolean {
  const keys = Object.keys(a) as (keyof ResourceRow)[];
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function standsStill({ watch, frozen }: RunningGuest): boolean {
  const qmpstatus = watch?.qmpstatus ?? 'running';
  return powerState({ status: 'running', qmpstatus, frozen: frozen?.() === true }) === 'paused';
}

function guestRow(sources: ResourceSources, guest: GuestSummary): ResourceRow {
  const running = sources.monitor().get(guest.vmid);
  const warning = sources.monitor().warning(guest.vmid);
  const sample = sources.sampler().guest(guest.vmid);
  return {
    id: `${guest.type}/${guest.vmid}`,
    type: guest.type,
    vmid: guest.vmid,
    name: guest.name,
    node: guest.node,
    // As in the public API: a guest that stands still is `paused` here, while status/current says running.
    status: running ? (standsStill(running) ? 'paused' : 'running') : 'stopped',
    template: guest.template ? 1 : 0,
    cpu: running ? sample.cpus / Math.max(1, guest.cpus) : 0,
    maxcpu: guest.cpus,
    mem: running ? (sources.balancer().usedMemory(guest.vmid) ?? sample.memory) : 0,
    memhost: running ? sample.memory : 0,
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
    ...(warning === undefined ? {} : { warning }),
  };
}
