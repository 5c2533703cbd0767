import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEtcdStore } from '../../packages/server/src/cluster/etcd-store.ts';
import { storeConformance } from '../../packages/server/src/cluster/store-conformance.ts';
import { type EtcdServer, etcdMissing, startEtcd } from './store-etcd-server.ts';

const missing = etcdMissing();

describe.skipIf(missing)('one etcd member', () => {
  let server: EtcdServer;
  let checks = 0;

  beforeAll(async () => {
    server = await startEtcd();
  });

  afterAll(() => server.stop());

  storeConformance('etcd', async () => {
    // Every check has a prefix of its own, which is faster than a server of its own.
    const options = { endpoints: server.endpoints, prefix: `/check${checks++}` };
    return {
      store: await openEtcdStore(options),
      second: () => openEtcdStore(options),
      dispose: async () => {},
    };
  });
});
