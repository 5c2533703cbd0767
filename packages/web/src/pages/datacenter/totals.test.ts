import { describe, expect, it } from 'vitest';
import type { Resource } from '../../api/rows.ts';
import { totalsOf } from './totals.ts';

const rows: Resource[] = [
  { id: 'node/a', type: 'node', node: 'a', status: 'online', cpu: 0.5, maxcpu: 8, mem: 4, maxmem: 16 },
  { id: 'node/b', type: 'node', node: 'b', status: 'offline', maxcpu: 8, maxmem: 16 },
  { id: 'qemu/100', type: 'qemu', vmid: 100, node: 'a', status: 'running' },
  { id: 'qemu/101', type: 'qemu', vmid: 101, node: 'a', status: 'stopped', template: 1 },
  { id: 'qemu/102', type: 'qemu', vmid: 102, node: 'a', status: 'stopped', error: 'broken' },
  { id: 'lxc/103', type: 'lxc', vmid: 103, node: 'b', status: 'unknown' },
  {
    id: 'storage/a/nfs',
    type: 'storage',
    node: 'a',
    storage: 'nfs',
    shared: 1,
    status: 'available',
    disk: 10,
    maxdisk: 100,
  },
  {
    id: 'storage/b/nfs',
    type: 'storage',
    node: 'b',
    storage: 'nfs',
    shared: 1,
    status: 'available',
    disk: 10,
    maxdisk: 100,
  },
  {
    id: 'storage/a/local',
    type: 'storage',
    node: 'a',
    storage: 'local',
    status: 'available',
    disk: 5,
    maxdisk: 50,
  },
];

describe('totalsOf', () => {
  it('counts guests by state and what cannot be read as troubled', () => {
    expect(totalsOf(rows).guests).toEqual({
      machines: 3,
      containers: 1,
      running: 1,
      paused: 0,
      stopped: 0,
      templates: 1,
      troubled: 2,
    });
  });
  it('leaves out nodes that are offline and counts shared storage once', () => {
    const totals = totalsOf(rows);
    expect(totals.nodes).toEqual({ online: 1, offline: 1 });
    expect(totals.cpu).toEqual({ used: 4, total: 8 });
    expect(totals.memory).toEqual({ used: 4, total: 16 });
    expect(totals.storage).toEqual({ used: 15, total: 150 });
  });
});
