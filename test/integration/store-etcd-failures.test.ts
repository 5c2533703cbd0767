import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type EtcdStoreOptions, openEtcdStore } from '../../packages/server/src/cluster/etcd-store.ts';
import type { ConfigStore } from '../../packages/server/src/cluster/store.ts';
import { put } from '../../packages/server/src/cluster/store-conformance.ts';
import { type EtcdServer, etcdMissing, startEtcd } from './store-etcd-server.ts';
import { type FaultyRelay, startRelay } from './store-relay.ts';

/** Milliseconds that commits get in these tests. */
const timeout = 1500;
/** What a machine that is busy with other tests may add. */
const slack = 3000;

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function server(...args: Parameters<typeof startEtcd>): Promise<EtcdServer> {
  const started = await startEtcd(...args);
  closing.push(() => started.stop());
  return started;
}

async function open(
  endpoints: readonly string[],
  options: Partial<EtcdStoreOptions> = {},
): Promise<ConfigStore> {
  const store = await openEtcdStore({ endpoints, prefix: '/ryokan', timeout, ...options });
  closing.push(() => store.close());
  return store;
}

async function relay(target: string): Promise<FaultyRelay> {
  const started = await startRelay(target);
  closing.push(() => started.close());
  return started;
}

/** Paths and texts of the changes that a watch of everything has seen. */
function seenBy(store: ConfigStore): string[] {
  const seen: string[] = [];
  store.watch('', (changes) => {
    for (const { path, doc } of changes) seen.push(`${path}=${doc?.text ?? '(removed)'}`);
  });
  return seen;
}

async function expectUnavailable(work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await expect(work()).rejects.toMatchObject({ code: 'unavailable' });
  expect(performance.now() - start).toBeLessThan(timeout + slack);
}

/** Waits until commits work again, as a caller who tries once more would. */
function works(store: ConfigStore, path: string, text: string): Promise<number> {
  return vi.waitFor(() => put(store, path, text), { timeout: 20_000, interval: 100 });
}

describe.skipIf(etcdMissing())('etcd fails', () => {
  test('the only member hangs: reads go on, commits fail in time, all works again afterwards', async () => {
    const etcd = await server();
    const store = await open(etcd.endpoints);
    const seen = seenBy(store);
    const revision = await put(store, 'a', '1');
    etcd.members[0]?.signal('SIGSTOP');
    await expectUnavailable(() => put(store, 'b', 'hanging'));
    await expectUnavailable(() =>
      Promise.all([put(store, 'c', '1'), put(store, 'c', '2'), put(store, 'c', '3')]),
    );
    await expectUnavailable(() => store.history('a'));
    expect(store.get('a')).toEqual({ path: 'a', text: '1', revision });
    expect(store.list('').length).toBe(1);
    etcd.members[0]?.signal('SIGCONT');
    await works(store, 'd', 'again');
    expect(store.get('d')?.text).toBe('again');
    expect(seen.filter((change) => change === 'd=again').length).toBe(1);
  });

  test('the only member is killed and comes back: nothing is lost or told twice', async () => {
    const etcd = await server();
    const [store, other] = [await open(etcd.endpoints), await open(etcd.endpoints)];
    const seen = seenBy(store);
    await put(store, 'a', '1');
    await etcd.members[0]?.kill();
    await expectUnavailable(() => put(store, 'a', '2'));
    expect(store.get('a')?.text).toBe('1');
    await etcd.members[0]?.restart();
    await works(other, 'b', 'by the other');
    await works(store, 'c', 'by this one');
    await vi.waitFor(() => expect(seen).toContain('b=by the other'), { timeout: 10_000 });
    expect(seen).toEqual(['a=1', 'b=by the other', 'c=by this one']);
  });

  test('three members: one may be lost, with two lost only reads go on, and new stores open', async () => {
    const etcd = await server(3);
    const [first, second, third] = etcd.members;
    const store = await open(etcd.endpoints, { timeout: 8000 });
    const seen = seenBy(store);
    await put(store, 'a', '1');
    await first?.kill();
    await put(store, 'a', '2');
    expect(seen).toEqual(['a=1', 'a=2']);
    await second?.kill();
    const impatient = await open(etcd.endpoints);
    expect(impatient.get('a')?.text).toBe('2');
    await expectUnavailable(() => put(impatient, 'a', '3'));
    await expectUnavailable(() => put(impatient, 'b', '3'));
    expect(store.get('a')?.text).toBe('2');
    expect(third?.pid()).toBeGreaterThan(0);
    await first?.restart();
    await works(impatient, 'b', '4');
    await works(store, 'c', '5');
    await vi.waitFor(() => expect(seen).toContain('b=4'), { timeout: 10_000 });
    expect(seen).toEqual(['a=1', 'a=2', 'b=4', 'c=5']);
  });

  test('the member in use hangs: the store moves to another one and follows there', async () => {
    const etcd = await server(3);
    const store = await open(etcd.endpoints, { timeout: 8000 });
    const seen = seenBy(store);
    const other = await open(etcd.endpoints.slice(1), { timeout: 8000 });
    etcd.members[0]?.signal('SIGSTOP');
    await works(other, 'a', '1');
    await vi.waitFor(() => expect(seen).toEqual(['a=1']), { timeout: 20_000, interval: 50 });
    await put(store, 'b', '2');
    expect(seen).toEqual(['a=1', 'b=2']);
  });
});

describe.skipIf(etcdMissing())('the way to etcd fails', () => {
  test('an answer is lost: the change is made once, and its caller gets its revision', async () => {
    const etcd = await server();
    const way = await relay(etcd.endpoints[0] ?? '');
    const store = await open([way.endpoint]);
    const seen = seenBy(store);
    await put(store, 'a', '1');
    const condition = [{ path: 'a', revision: store.get('a')?.revision ?? 0 }];
    way.loseAnswerTo('/v3/kv/txn');
    const revision = await store.commit(condition, [{ path: 'a', text: '2' }]);
    expect(way.lost()).toBe(1);
    expect(store.get('a')).toEqual({ path: 'a', text: '2', revision });
    // A new document asks for the end of its history first, hence the second half of the request's text.
    way.loseAnswerTo('request_put');
    await store.commit([{ path: 'b', revision: 0 }], [{ path: 'b', text: '1' }]);
    expect(way.lost()).toBe(2);
    expect(seen).toEqual(['a=1', 'a=2', 'b=1']);
    expect((await store.history('a')).length).toBe(2);
  });

  test('connections break: changes made meanwhile arrive one by one', async () => {
    const etcd = await server();
    const way = await relay(etcd.endpoints[0] ?? '');
    const [store, other] = [await open([way.endpoint]), await open(etcd.endpoints)];
    const seen = seenBy(store);
    await put(other, 'a', '1');
    await vi.waitFor(() => expect(seen.length).toBe(1));
    way.cut();
    for (const text of ['2', '3', '4']) await put(other, 'a', text);
    await sleep(100);
    expect(store.get('a')?.text).toBe('1');
    way.restore();
    await vi.waitFor(() => expect(seen).toEqual(['a=1', 'a=2', 'a=3', 'a=4']), { timeout: 10_000 });
  });

  test('changes made meanwhile were compacted away: the differences arrive', async () => {
    const etcd = await server();
    const way = await relay(etcd.endpoints[0] ?? '');
    const [store, other] = [await open([way.endpoint]), await open(etcd.endpoints)];
    for (const path of ['changed', 'removed', 'same', 'reborn']) await put(store, path, '1');
    const seen = seenBy(store);
    way.cut();
    for (const text of ['2', '3']) await put(other, 'changed', text);
    for (const path of ['removed', 'reborn']) await put(other, path, null);
    await put(other, 'reborn', '2');
    const last = await other.commit(
      [],
      [
        { path: 'new/a', text: '1' },
        { path: 'new/b', text: '1' },
      ],
    );
    await compact(etcd, last);
    way.restore();
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(0), { timeout: 10_000 });
    expect(seen.toSorted()).toEqual(['changed=3', 'new/a=1', 'new/b=1', 'reborn=2', 'removed=(removed)']);
    expect(store.list('')).toEqual(other.list(''));
    await put(other, 'same', '2');
    await vi.waitFor(() => expect(seen.at(-1)).toBe('same=2'), { timeout: 10_000 });
  });

  test('another etcd, or one restored from a backup, answers: the store shows that one’s documents', async () => {
    const [etcd, restored] = [await server(), await server()];
    const way = await relay(etcd.endpoints[0] ?? '');
    const [store, other] = [await open([way.endpoint]), await open(restored.endpoints)];
    for (const text of ['1', '2', '3', '4', '5']) await put(store, 'a', text);
    await put(store, 'b', '1');
    await put(other, 'a', '2');
    const seen = seenBy(store);
    way.cut();
    way.restore(restored.endpoints[0]);
    await vi.waitFor(() => expect(seen.toSorted()).toEqual(['a=2', 'b=(removed)']), { timeout: 10_000 });
    expect(store.list('')).toEqual(other.list(''));
    await put(store, 'c', '1');
    await put(other, 'a', '3');
    await vi.waitFor(() => expect(seen.at(-1)).toBe('a=3'), { timeout: 10_000 });
  });

  test('TLS: members are checked against the CA, and want a certificate themselves', async () => {
    const files = certificates();
    const etcd = await server(1, [], { ca: files.ca, cert: files.cert, key: files.key });
    const [ca, cert, key] = [files.ca, files.cert, files.key].map((file) => readFileSync(file));
    const store = await open(etcd.endpoints, { tls: { ca, cert, key }, timeout: 10_000 });
    const seen = seenBy(store);
    await put(store, 'a', '1');
    expect(seen).toEqual(['a=1']);
    const strangers = { 'no certificate': { ca }, 'another CA': { cert, key } };
    for (const [name, tls] of Object.entries(strangers)) {
      const refused = openEtcdStore({ endpoints: etcd.endpoints, prefix: '/ryokan', timeout: 300, tls });
      await expect(refused, name).rejects.toMatchObject({ code: 'unavailable' });
    }
  });
});

async function compact(etcd: EtcdServer, revision: number): Promise<void> {
  const body = JSON.stringify({ revision: `${revision}`, physical: true });
  const answer = await fetch(`${etcd.endpoints[0]}/v3/kv/compaction`, { method: 'POST', body });
  expect(answer.status).toBe(200);
}

/** A CA and one certificate of it for server and client. */
function certificates(): { ca: string; cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ryokan-etcd-tls-'));
  closing.push(() => rmSync(folder, { recursive: true }));
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=test CA',
    '-days',
    '2',
  );
  openssl('req', ...newKey, '-keyout', 'node.key', '-out', 'node.csr', '-subj', '/CN=node');
  writeFileSync(join(folder, 'ext'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  openssl(
    'x509',
    '-req',
    '-in',
    'node.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'node.pem',
    '-days',
    '2',
    '-extfile',
    'ext',
  );
  return { ca: join(folder, 'ca.pem'), cert: join(folder, 'node.pem'), key: join(folder, 'node.key') };
}
