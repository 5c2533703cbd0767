/** Sums over the resource list for the datacenter's first page. */
import { condition, isGuest, type Resource } from '../../api/rows.ts';

export interface Totals {
  readonly nodes: { readonly online: number; readonly offline: number };
  /** By kind, and all of them by state. */
  readonly guests: {
    readonly machines: number;
    readonly containers: number;
    readonly running: number;
    readonly paused: number;
    readonly stopped: number;
    readonly templates: number;
    readonly troubled: number;
  };
  /** `used` and `total`: CPUs in use and there, bytes else. */
  readonly cpu: { readonly used: number; readonly total: number };
  readonly memory: { readonly used: number; readonly total: number };
  readonly storage: { readonly used: number; readonly total: number };
}

/** Shared storages appear once for each node; they count once. */
export function totalsOf(rows: readonly Resource[]): Totals {
  const nodes = rows.filter((row) => row.type === 'node');
  const online = nodes.filter((row) => row.status === 'online');
  const guests = rows.filter(isGuest);
  const states = guests.map(condition);
  const count = (...wanted: string[]) => states.filter((state) => wanted.includes(state)).length;
  const storages = new Map(
    rows
      .filter((row) => row.type === 'storage')
      .map((row) => [row.shared ? row.storage : row.id, row] as const),
  );
  const sum = (list: Iterable<Resource>, value: (row: Resource) => number | undefined) => {
    let total = 0;
    for (const row of list) total += value(row) ?? 0;
    return total;
  };
  return {
    nodes: { online: online.length, offline: nodes.length - online.length },
    guests: {
      machines: guests.filter((row) => row.type === 'qemu').length,
      containers: guests.filter((row) => row.type === 'lxc').length,
      running: count('running'),
      paused: count('paused', 'hibernated'),
      stopped: count('stopped'),
      templates: count('template'),
      troubled: count('error', 'unknown'),
    },
    cpu: {
      used: sum(online, (row) => (row.cpu ?? 0) * (row.maxcpu ?? 0)),
      total: sum(online, (row) => row.maxcpu),
    },
    memory: { used: sum(online, (row) => row.mem), total: sum(online, (row) => row.maxmem) },
    storage: {
      used: sum(storages.values(), (row) => row.disk),
      total: sum(storages.values(), (row) => row.maxdisk),
    },
  };
}
