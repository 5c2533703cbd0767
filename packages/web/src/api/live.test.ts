import { describe, expect, it } from 'vitest';
import { guestOfDocument, patchResources, patchTasks } from './live.ts';
import type { Resource, Task } from './rows.ts';

const row = (vmid: number, status: string): Resource => ({
  id: `qemu/${vmid}`,
  type: 'qemu',
  vmid,
  node: 'n',
  status,
});
const task = (n: number, endtime?: number): Task => ({
  upid: `UPID:n:${n}`,
  node: 'n',
  pid: n,
  pstart: 0,
  starttime: n,
  type: 'qmstart',
  id: '100',
  user: 'root@pam',
  ...(endtime === undefined ? {} : { endtime, status: 'OK' }),
});

describe('patches of live events', () => {
  it('change, remove and add resources and keep the order of the rest', () => {
    const next = patchResources(
      [row(100, 'stopped'), row(101, 'running'), row(102, 'running')],
      new Map<string, Resource | { id: string; removed: 1 }>([
        ['qemu/100', row(100, 'running')],
        ['qemu/101', { id: 'qemu/101', removed: 1 }],
        ['qemu/103', row(103, 'stopped')],
        ['qemu/999', { id: 'qemu/999', removed: 1 }],
      ]),
    );
    expect(next.map((one) => [one.vmid, one.status])).toEqual([
      [100, 'running'],
      [102, 'running'],
      [103, 'stopped'],
    ]);
  });
  it('put running tasks first, then the newest, each once', () => {
    const next = patchTasks(
      [task(3), task(2, 20), task(1, 10)],
      new Map([task(3, 30), task(1)].map((one) => [one.upid, one])),
    );
    expect(next.map((one) => [one.starttime, one.endtime])).toEqual([
      [1, undefined],
      [3, 30],
      [2, 20],
    ]);
  });
});

describe('documents', () => {
  it('of guests are known by their path', () => {
    expect(guestOfDocument('nodes/pve1/qemu-server/100.conf')).toEqual({ node: 'pve1', vmid: 100 });
    expect(guestOfDocument('storage.cfg')).toBeUndefined();
  });
});
