import { beforeEach, expect, test } from 'vitest';
import { MemoryStore } from '../../cluster/memory-store.ts';
import { createLogger } from '../../host/log.ts';
import { createStorageManager } from '../../storage/storage-manager.ts';
import { type BandwidthRequest, bandwidthLimit } from './bandwidth.ts';

let limit: (request: Partial<BandwidthRequest>) => number | undefined;
beforeEach(async () => {
  const store = new MemoryStore();
  const storages =
    'dir: fast\n\tpath /fast\n\ndir: slow\n\tpath /slow\n\tbwlimit clone=100,default=300\n\ndir: open\n\tpath /open\n\tbwlimit default=0\n';
  await store.commit(
    [],
    [
      { path: 'storage.cfg', text: storages },
      { path: 'datacenter.cfg', text: 'bwlimit: move=200\n' },
    ],
    { author: 'test' },
  );
  const log = createLogger('test', 'silent');
  const storage = createStorageManager({ store, paths: { storage: '/none' }, node: 'test1', log });
  limit = (request) =>
    bandwidthLimit({ store, storage }, { operation: 'move', storages: ['fast'], ...request });
});

test.each([
  ['the datacenter limits what a storage does not', {}, 200],
  ['a storage has its own limit for an operation', { operation: 'clone', storages: ['slow'] }, 100],
  ['or one for all', { storages: ['slow'] }, 300],
  ['no limit where there is none', { operation: 'clone' }, undefined],
  ['a storage can have no limit, whatever the datacenter says', { storages: ['open'] }, undefined],
  ['the slowest storage counts', { operation: 'clone', storages: ['fast', 'slow'] }, 100],
  ['a caller may ask for less', { wanted: 50 }, 50],
  ['but for more only when the storages are his', { wanted: 500 }, 200],
  ['for more, when they are', { wanted: 500, mayExceed: true }, 500],
  ['and for no limit', { wanted: 0, mayExceed: true }, undefined],
  ['no limit asked for is the limit that there is', { wanted: 0 }, 200],
] as const)('%s', (_name, request, kib) => {
  expect(limit(request)).toBe(kib === undefined ? undefined : kib * 1024);
});
