import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEtcdStore } from '../../packages/server/src/cluster/etcd-store.ts';
import { update } from '../../packages/server/src/cluster/store.ts';
import { put, storeConformance } from '../../packages/server/src/cluster/store-conformance.ts';
import { type EtcdServer, etcdMissing, startEtcd } from './store-etcd-server.ts';

const missing = etcdMissing();

describe.skipIf(missing)('one etcd member', () => {
  let server: EtcdServer;
  let checks = 0;

  beforeAll(async () => {
    server = await startEtcd(1, ['--quota-backend-bytes', `${512 * 1024 * 1024}`]);
  });

  afterAll(() => server?.stop());

  // Every check has a prefix of its own, which is faster than a server of its own.
  const fresh = () => ({ endpoints: server.endpoints, prefix: `/check${checks++}` });

  storeConformance('etcd', async () => {
    const options = fresh();
    return {
      store: await openEtcdStore(options),
      second: () => openEtcdStore(options),
      dispose: async () => {},
    };
  });

  test('keys: the plain text below <prefix>/doc/, at most 100 history entries a document', async () => {
    const options = fresh();
    const store = await openEtcdStore(options);
    for (let i = 0; i < 105; i++) await put(store, 'storage.cfg', `dir: local${i}\n`);
    const keys = await everyKey(server, options.prefix);
    expect(keys.filter((key) => key.startsWith(`${options.prefix}/doc/`))).toEqual([
      `${options.prefix}/doc/storage.cfg`,
    ]);
    expect(keys.length).toBe(101);
    await store.close();
  });

  test('stores with prefixes that begin alike do not see each other', async () => {
    const options = fresh();
    const [store, other] = await Promise.all([
      openEtcdStore(options),
      openEtcdStore({ ...options, prefix: `${options.prefix}0` }),
    ]);
    await put(other, 'a', '1');
    await put(store, 'b', '1');
    expect(store.list('').map((doc) => doc.path)).toEqual(['b']);
    await Promise.all([store.close(), other.close()]);
  });

  test('10,000 documents, and 15 large ones, are read in pages when a store is opened', async () => {
    // All at once is a burst that takes etcd seconds on a slow disk.
    const options = { ...fresh(), timeout: 60_000 };
    const store = await openEtcdStore(options);
    const write = (count: number, text: string, path: (index: number) => string, batch: number) =>
      Promise.all(
        Array.from({ length: count / batch }, (_, group) =>
          store.commit(
            [],
            Array.from({ length: batch }, (_, index) => ({ path: path(group * batch + index), text })),
          ),
        ),
      );
    await write(
      10_000,
      'memory: 512\n'.repeat(40),
      (index) => `nodes/pve1/qemu-server/${100 + index}.conf`,
      50,
    );
    await write(15, 'x'.repeat(700_000), (index) => `large/${index}`, 1);
    const second = await openEtcdStore(options);
    expect(second.list('nodes/').length).toBe(10_000);
    expect(second.list('large/').map((doc) => doc.text.length)).toEqual(
      Array.from({ length: 15 }, () => 700_000),
    );
    expect(second.list('')).toEqual(store.list(''));
    await Promise.all([store.close(), second.close()]);
  });

  describe('limits', () => {
    test('too many documents in one transaction', async () => {
      const store = await openEtcdStore(fresh());
      const writes = (count: number) =>
        Array.from({ length: count }, (_, index) => ({ path: `${index}`, text: '' }));
      await store.commit([], writes(60));
      const many = store.commit([], writes(70));
      await expect(many).rejects.toMatchObject({ code: 'parameter' });
      await expect(many).rejects.toThrow('70 documents needs 140 etcd operations, more than the 128');
      await store.close();
    });

    test('a text that is too large, by our count or by etcd’s', async () => {
      const options = fresh();
      const store = await openEtcdStore(options);
      const larger = await openEtcdStore({ ...options, limits: { operations: 128, bytes: 1e9 } });
      for (const handle of [store, larger]) {
        const large = put(handle, 'a', 'x'.repeat(1_000_000));
        await expect(large).rejects.toMatchObject({ code: 'parameter' });
        await expect(large).rejects.toThrow(/more than the .* MiB that etcd takes/);
      }
      expect(store.get('a')).toBeUndefined();
      await Promise.all([store.close(), larger.close()]);
    });

    test('etcd’s space is used up', async () => {
      const small = await startEtcd(1, ['--quota-backend-bytes', '3000000']);
      const store = await openEtcdStore({ endpoints: small.endpoints, prefix: '/small' });
      const fill = async (): Promise<void> => {
        for (let i = 0; i < 30; i++) await put(store, `${i}`, 'x'.repeat(500_000));
      };
      await expect(fill()).rejects.toMatchObject({ code: 'no-space' });
      expect(store.get('0')?.text.length).toBe(500_000);
      await store.close();
      await small.stop();
    });
  });

  test('endpoints that are wrong are named', async () => {
    await expect(openEtcdStore({ endpoints: ['10.0.0.1:2379'], prefix: '/x' })).rejects.toThrow(
      'no etcd endpoint',
    );
    await expect(openEtcdStore({ endpoints: [], prefix: '/x' })).rejects.toThrow('at least one');
    const start = performance.now();
    const nobody = openEtcdStore({ endpoints: ['http://127.0.0.1:9'], prefix: '/x', timeout: 300 });
    await expect(nobody).rejects.toMatchObject({ code: 'unavailable' });
    await expect(nobody).rejects.toThrow('127.0.0.1:9');
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test('an endpoint that does not work is passed over', async () => {
    const store = await openEtcdStore({ ...fresh(), endpoints: ['http://127.0.0.1:9', ...server.endpoints] });
    await update(store, 'a', () => '1');
    expect(store.get('a')?.text).toBe('1');
    await store.close();
  });
});

async function everyKey(server: EtcdServer, prefix: string): Promise<string[]> {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const body = JSON.stringify({
    key: encode(`${prefix}/`),
    range_end: encode(`${prefix}0`),
    keys_only: true,
  });
  const answer = await fetch(`${server.endpoints[0]}/v3/kv/range`, { method: 'POST', body });
  const { kvs } = (await answer.json()) as { kvs: { key: string }[] };
  return kvs.map(({ key }) => Buffer.from(key, 'base64').toString());
}
