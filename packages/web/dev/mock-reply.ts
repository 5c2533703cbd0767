/** What the routes of the mock server are made of. */
import type { MockData, MockGuest } from './mock-data.ts';
import { random } from './mock-data.ts';

export interface Reply {
  readonly data?: unknown;
  readonly status?: number;
  readonly message?: string;
  readonly errors?: Record<string, string>;
}
export type Params = Readonly<Record<string, string>>;
export type Handler = (data: MockData, match: RegExpExecArray, params: Params) => Reply;
/** Method and path as a regular expression, and what answers. */
export type Route = readonly [string, Handler];

export const GiB = 1024 ** 3;
export const ok = (data: unknown = null): Reply => ({ data });
export const fail = (status: number, message: string, errors?: Record<string, string>): Reply => ({
  status,
  message,
  ...(errors ? { errors } : {}),
});

export function resourceOf(guest: MockGuest): Record<string, unknown> {
  const next = random(guest.vmid);
  const running = guest.status === 'running' || guest.status === 'paused';
  const maxmem = Number(guest.config.memory) * 1024 ** 2;
  return {
    id: `qemu/${guest.vmid}`,
    type: 'qemu',
    vmid: guest.vmid,
    node: guest.node,
    name: guest.name,
    status: guest.status,
    maxcpu: 2,
    maxmem,
    maxdisk: 32 * GiB,
    cpu: running ? next() * 0.6 : 0,
    mem: running ? maxmem * (0.3 + next() * 0.6) : 0,
    uptime: running ? Math.floor(next() * 9e6) : 0,
    netin: 5e8,
    netout: 2e8,
    diskread: 1e9,
    diskwrite: 4e9,
    ...(guest.tags ? { tags: guest.tags } : {}),
    ...(guest.lock ? { lock: guest.lock } : {}),
    ...(guest.template ? { template: 1 } : {}),
  };
}

export function storageRow(node: string, storage: string, disk: number, maxdisk: number) {
  const shared = storage === 'backup-nfs';
  return {
    id: `storage/${node}/${storage}`,
    type: 'storage',
    node,
    storage,
    status: node === 'pve3' ? 'unknown' : 'available',
    plugintype: shared ? 'nfs' : 'dir',
    content: shared ? 'backup' : 'images,rootdir,iso,vztmpl,backup,snippets,import',
    disk,
    maxdisk,
    shared: shared ? 1 : 0,
  };
}

export function rrd(keys: Readonly<Record<string, (t: number) => number>>): unknown[] {
  const end = Math.floor(Date.now() / 60_000) * 60;
  return Array.from({ length: 70 }, (_, i) => {
    const values = Object.entries(keys).map(([key, value]) => [key, value(i)]);
    return { time: end - (69 - i) * 60, ...Object.fromEntries(values) };
  });
}

export const wave = (base: number, size: number, period: number) => (t: number) =>
  Math.max(0, base + size * Math.sin(t / period) + size * 0.3 * Math.sin(t * 1.7));
