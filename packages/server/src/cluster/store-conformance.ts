/**
 * What every store engine must do; each engine's test file calls `storeConformance`. The checks on watches are in
 * store-conformance-watch.ts.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConfigStore, ConflictError, update } from './store.ts';
import { watchConformance } from './store-conformance-watch.ts';

/** A store on empty ground, made for one check. */
export interface FreshStore {
  readonly store: ConfigStore;
  /** Opens another handle on the same documents, as another process would. */
  readonly second?: () => Promise<ConfigStore>;
  /** Called after `store` and what `second` opened were closed. */
  readonly dispose: () => Promise<void>;
}

/** What a check works on. */
export interface Ground {
  readonly store: () => ConfigStore;
  /** A second handle; closed after the check. */
  readonly second: () => Promise<ConfigStore>;
}

export function storeConformance(name: string, openFresh: () => Promise<FreshStore>): void {
  describe(`${name}: config store`, () => {
    let fresh: FreshStore;
    const opened: ConfigStore[] = [];

    beforeEach(async () => {
      fresh = await openFresh();
      opened.push(fresh.store);
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
      await fresh.dispose();
    });

    const ground: Ground = {
      store: () => fresh.store,
      second: async () => {
        if (!fresh.second) throw new Error(`${name} has no second handle`);
        const store = await fresh.second();
        opened.push(store);
        return store;
      },
    };
    describe('documents', () => documentChecks(ground));
    describe('list', () => listChecks(ground));
    describe('transactions', () => transactionChecks(ground));
    describe('history', () => historyChecks(ground));
    describe('watch', () => watchConformance(ground));
    describe('close', () => closeChecks(ground));
  });
}

/** One document written without conditions. */
export function put(store: ConfigStore, path: string, text: string | null): Promise<number> {
  return store.commit([], [{ path, text }]);
}

function documentChecks({ store, second }: Ground): void {
  test('a document that was never written is not there', () => {
    expect(store().get('storage.cfg')).toBeUndefined();
    expect(store().list('')).toEqual([]);
  });

  test('once committed a document is read with its revision', async () => {
    const revision = await put(store(), 'storage.cfg', 'dir: local\n');
    expect(store().get('storage.cfg')).toEqual({ path: 'storage.cfg', text: 'dir: local\n', revision });
  });

  test('a document may be empty', async () => {
    const revision = await put(store(), 'user.cfg', '');
    expect(store().get('user.cfg')).toEqual({ path: 'user.cfg', text: '', revision });
  });

  test('a removed document is gone, and removing it again changes nothing', async () => {
    await put(store(), 'a', '1');
    const removal = await put(store(), 'a', null);
    expect(store().get('a')).toBeUndefined();
    expect(store().list('')).toEqual([]);
    expect(await put(store(), 'a', null)).toBeGreaterThanOrEqual(removal);
    expect((await store().history('a')).length).toBe(2);
  });

  test('paths and texts may have any script', async () => {
    const path = 'nodes/サーバー１/😀.conf';
    const text = 'description: 日本語の説明、\u{1f600} e\u0301 "\\\r\n\t\u007f\uffff\n';
    const revision = await put(store(), path, text);
    expect(store().get(path)).toEqual({ path, text, revision });
    expect((await second()).get(path)).toEqual({ path, text, revision });
    expect(store().list('nodes/サーバー')).toEqual([{ path, text, revision }]);
    expect((await store().history(path))[0]?.text).toBe(text);
  });

  test('a document of 512 KiB is kept whole', async () => {
    const text = 'args: 0123456789 あいう\n'.repeat(20_000).slice(0, 512 * 1024 - 200_000);
    const bytes = Buffer.byteLength(text);
    const large = text + 'x'.repeat(512 * 1024 - bytes);
    await put(store(), 'large', large);
    await put(store(), 'large', `${large.slice(1)}!`);
    expect(store().get('large')?.text === `${large.slice(1)}!`).toBe(true);
    expect((await store().history('large', 2))[1]?.text === large).toBe(true);
    expect((await second()).get('large')?.text.length).toBe(large.length);
  });

  test.each(['', 'a\0b', '\ud800'])('path %j is refused', async (path) => {
    await expect(put(store(), path, 'x')).rejects.toThrow('path');
    await expect(store().commit([{ path, revision: 0 }], [])).rejects.toThrow('path');
  });

  test('a text that cannot be stored exactly is refused', async () => {
    await expect(put(store(), 'a', 'x\0y')).rejects.toThrow("'a'");
    await expect(put(store(), 'a', '\udc00')).rejects.toThrow("'a'");
    expect(store().list('')).toEqual([]);
  });
}

function listChecks({ store }: Ground): void {
  const paths = async (...written: string[]): Promise<(prefix: string) => string[]> => {
    await store().commit(
      [],
      written.map((path) => ({ path, text: `text of ${path}` })),
    );
    return (prefix) =>
      store()
        .list(prefix)
        .map((doc) => doc.path);
  };

  test('is ordered by the bytes of the path', async () => {
    const list = await paths(
      'b',
      'a\uffff',
      'a',
      '\u{10000}',
      'a/',
      'a\u{1f600}',
      'é',
      'Z',
      '\ue000',
      'a/b',
      'a0',
    );
    const bytes = ['Z', 'a', 'a/', 'a/b', 'a0', 'a\uffff', 'a\u{1f600}', 'b', 'é', '\ue000', '\u{10000}'];
    expect(list('')).toEqual(bytes);
    expect(bytes.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))).toEqual(bytes);
  });

  test('has exactly the paths that start with the prefix', async () => {
    const list = await paths(
      'a',
      'a/',
      'a/b',
      'a0',
      'a\uffff',
      'a\u{10ffff}',
      'a\u{10ffff}x',
      'b',
      '\u{10ffff}',
    );
    expect(list('a')).toEqual(['a', 'a/', 'a/b', 'a0', 'a\uffff', 'a\u{10ffff}', 'a\u{10ffff}x']);
    expect(list('a/')).toEqual(['a/', 'a/b']);
    expect(list('a\uffff')).toEqual(['a\uffff']);
    expect(list('a\u{10ffff}')).toEqual(['a\u{10ffff}', 'a\u{10ffff}x']);
    expect(list('\u{10ffff}')).toEqual(['\u{10ffff}']);
    expect(list('a/b/')).toEqual([]);
    expect(list('c')).toEqual([]);
  });

  test('takes no character of the prefix for a wildcard', async () => {
    const list = await paths('a%b', 'axb', 'a_b', 'a*b', 'a[x]b', 'A_B', 'a\\b', "a'b");
    for (const path of ['a%', 'a_', 'a*', 'a[', 'A_', 'a\\', "a'"])
      expect(list(path), path).toEqual([`${path}${path === 'a[' ? 'x]' : ''}${path === 'A_' ? 'B' : 'b'}`]);
  });

  test('gives text and revision, and follows changes', async () => {
    const first = await put(store(), 'nodes/a', '1');
    const other = await put(store(), 'nodes/b', '2');
    expect(store().list('nodes/')).toEqual([
      { path: 'nodes/a', text: '1', revision: first },
      { path: 'nodes/b', text: '2', revision: other },
    ]);
    const third = await store().commit(
      [],
      [
        { path: 'nodes/a', text: null },
        { path: 'nodes/b', text: '3' },
      ],
    );
    expect(store().list('nodes/')).toEqual([{ path: 'nodes/b', text: '3', revision: third }]);
  });
}

function transactionChecks({ store, second }: Ground): void {
  test('revisions grow with every transaction and are shared by its documents', async () => {
    const first = await store().commit(
      [],
      [
        { path: 'a', text: '1' },
        { path: 'b', text: '1' },
      ],
    );
    expect(store().get('a')?.revision).toBe(first);
    expect(store().get('b')?.revision).toBe(first);
    const other = await second();
    let last = first;
    for (const [index, path] of ['a', 'b', 'c', 'a'].entries()) {
      const revision = await put(index % 2 ? other : store(), path, `${index}`);
      expect(revision).toBeGreaterThan(last);
      last = revision;
    }
  });

  test('a revision is not used again after a removal', async () => {
    await put(store(), 'a', '1');
    const removed = await put(store(), 'a', null);
    expect(await put(store(), 'a', '2')).toBeGreaterThan(removed);
  });

  test('revision 0 creates a document and fails when it exists', async () => {
    await store().commit([{ path: 'a', revision: 0 }], [{ path: 'a', text: '1' }]);
    const again = store().commit([{ path: 'a', revision: 0 }], [{ path: 'a', text: '2' }]);
    await expect(again).rejects.toThrow(ConflictError);
    await expect(again).rejects.toMatchObject({ path: 'a' });
    expect(store().get('a')?.text).toBe('1');
  });

  test('a revision holds until the document changes', async () => {
    const revision = await put(store(), 'a', '1');
    await put(store(), 'b', '1');
    const next = await store().commit([{ path: 'a', revision }], [{ path: 'a', text: '2' }]);
    expect(store().get('a')).toEqual({ path: 'a', text: '2', revision: next });
    await expect(store().commit([{ path: 'a', revision }], [{ path: 'a', text: '3' }])).rejects.toThrow(
      ConflictError,
    );
    await expect(store().commit([{ path: 'a', revision: next + 1000 }], [])).rejects.toThrow(ConflictError);
    expect(store().get('a')?.text).toBe('2');
  });

  test('a removed document has revision 0 again', async () => {
    const revision = await put(store(), 'a', '1');
    await put(store(), 'a', null);
    await expect(store().commit([{ path: 'a', revision }], [{ path: 'a', text: '2' }])).rejects.toThrow(
      ConflictError,
    );
    await store().commit([{ path: 'a', revision: 0 }], [{ path: 'a', text: '3' }]);
    expect(store().get('a')?.text).toBe('3');
  });

  test('a transaction may rest on documents that it does not write', async () => {
    const lock = await put(store(), 'lock', 'mine');
    const conditions = [
      { path: 'lock', revision: lock },
      { path: 'absent', revision: 0 },
    ];
    await store().commit(conditions, [{ path: 'a', text: '1' }]);
    await put(store(), 'lock', 'yours');
    const late = store().commit(conditions, [{ path: 'a', text: '2' }]);
    await expect(late).rejects.toMatchObject({ name: 'ConflictError', path: 'lock' });
    expect(store().get('a')?.text).toBe('1');
  });

  test('writes all or nothing', async () => {
    const a = await put(store(), 'a', '1');
    const b = await put(store(), 'b', '1');
    await put(store(), 'b', '2');
    const writes = [
      { path: 'a', text: null },
      { path: 'b', text: 'x' },
      { path: 'c', text: 'x' },
    ];
    const conditions = [
      { path: 'a', revision: a },
      { path: 'b', revision: b },
    ];
    await expect(store().commit(conditions, writes)).rejects.toMatchObject({ path: 'b' });
    expect(
      store()
        .list('')
        .map((doc) => `${doc.path}=${doc.text}`),
    ).toEqual(['a=1', 'b=2']);
    expect((await store().history('a')).length).toBe(1);
    expect(await store().history('c')).toEqual([]);
  });

  test('conditions without writes are checked and change nothing', async () => {
    const revision = await put(store(), 'a', '1');
    expect(await store().commit([{ path: 'a', revision }], [])).toBeGreaterThanOrEqual(revision);
    expect(store().get('a')).toEqual({ path: 'a', text: '1', revision });
  });

  test('one document written twice in a transaction is refused', async () => {
    const twice = store().commit(
      [],
      [
        { path: 'a', text: '1' },
        { path: 'a', text: null },
      ],
    );
    await expect(twice).rejects.toThrow('twice');
    expect(store().get('a')).toBeUndefined();
  });

  test('of many creates of one document exactly one wins', async () => {
    const other = await second();
    const creates = Array.from({ length: 40 }, (_, i) =>
      (i % 2 ? other : store()).commit(
        [{ path: 'vmlist/100', revision: 0 }],
        [{ path: 'vmlist/100', text: `${i}` }],
      ),
    );
    const results = await Promise.allSettled(creates);
    const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [`${i}`] : []));
    expect(winners).toEqual([store().get('vmlist/100')?.text]);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ConflictError);
  });

  test('100 updates at once lose nothing', async () => {
    const count = (text: string | undefined): string => `${Number(text ?? 0) + 1}`;
    await Promise.all(Array.from({ length: 100 }, () => update(store(), 'counter', count)));
    expect(store().get('counter')?.text).toBe('100');
  });

  test('updates through two handles at once lose nothing', async () => {
    const other = await second();
    const count = (text: string | undefined): string => `${Number(text ?? 0) + 1}`;
    const updates = Array.from({ length: 40 }, (_, i) => update(i % 2 ? other : store(), 'counter', count));
    await Promise.all(updates);
    await update(store(), 'counter', count);
    expect(store().get('counter')?.text).toBe('41');
  });

  test('commits without conditions to one document at once all succeed', async () => {
    const commits = Array.from({ length: 20 }, (_, i) => put(store(), 'a', `${i}`));
    const revisions = await Promise.all(commits);
    expect(new Set(revisions).size).toBe(20);
    expect(store().get('a')?.revision).toBe(Math.max(...revisions));
    expect((await store().history('a', 100)).map((entry) => entry.revision)).toEqual(
      revisions.toSorted((a, b) => b - a),
    );
  });

  test('an update that changes nothing writes nothing', async () => {
    const revision = await put(store(), 'a', '1');
    expect(await update(store(), 'a', (text) => text ?? null)).toBe(revision);
    expect(await update(store(), 'none', () => null)).toBe(0);
    expect((await store().history('a')).length).toBe(1);
  });

  test('an update can remove the document, and its error reaches the caller', async () => {
    await put(store(), 'a', '1');
    await update(store(), 'a', () => null);
    expect(store().get('a')).toBeUndefined();
    const failing = update(store(), 'a', () => {
      throw new Error('no such snapshot');
    });
    await expect(failing).rejects.toThrow('no such snapshot');
    await update(store(), 'a', () => 'again');
    expect(store().get('a')?.text).toBe('again');
  });
}

function historyChecks({ store, second }: Ground): void {
  test('of a document that never was is empty', async () => {
    expect(await store().history('a')).toEqual([]);
  });

  test('has every state, newest first, with author and time', async () => {
    const before = Date.now();
    const revisions = [
      await store().commit([], [{ path: 'a', text: '1' }], { author: 'root@pam' }),
      await (await second()).commit([], [{ path: 'a', text: null }], { author: 'ユーザー@pve' }),
      await store().commit([], [{ path: 'a', text: '3' }]),
    ];
    const history = await store().history('a');
    expect(history.map(({ text, author, revision }) => ({ text, author, revision }))).toEqual([
      { text: '3', author: '', revision: revisions[2] },
      { text: null, author: 'ユーザー@pve', revision: revisions[1] },
      { text: '1', author: 'root@pam', revision: revisions[0] },
    ]);
    for (const { time } of history) {
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThanOrEqual(Date.now());
    }
  });

  test('is of the exact path only', async () => {
    await put(store(), 'a', '1');
    await put(store(), 'a/b', '2');
    await put(store(), 'ab', '3');
    expect((await store().history('a')).map((entry) => entry.text)).toEqual(['1']);
    expect(await store().history('')).toEqual([]);
  });

  test('keeps the last 100 changes, across removals, and gives 20 unless told', async () => {
    for (let i = 1; i <= 130; i++) await put(store(), 'a', i === 70 ? null : `${i}`);
    expect((await store().history('a')).map((entry) => entry.text)).toEqual(
      Array.from({ length: 20 }, (_, i) => `${130 - i}`),
    );
    const all = await store().history('a', 1000);
    expect(all.length).toBeGreaterThanOrEqual(100);
    expect(all.slice(0, 100).map((entry) => entry.text)).toEqual(
      Array.from({ length: 100 }, (_, i) => (i === 60 ? null : `${130 - i}`)),
    );
    expect((await store().history('a', 1)).map((entry) => entry.text)).toEqual(['130']);
  });
}

function closeChecks({ store, second }: Ground): void {
  test('may be called again, and nothing works after it', async () => {
    await put(store(), 'a', '1');
    await store().close();
    await store().close();
    expect(() => store().get('a')).toThrow('closed');
    expect(() => store().list('')).toThrow('closed');
    expect(() => store().watch('', () => {})).toThrow('closed');
    await expect(put(store(), 'a', '2')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store().history('a')).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('leaves other handles as they are', async () => {
    const other = await second();
    await store().close();
    await put(other, 'a', '1');
    expect(other.get('a')?.text).toBe('1');
  });

  test('documents and history are there when opened again', async () => {
    const revision = await put(store(), 'a', '1');
    await store().close();
    const other = await second();
    expect(other.list('')).toEqual([{ path: 'a', text: '1', revision }]);
    expect((await other.history('a')).length).toBe(1);
    expect(await put(other, 'a', '2')).toBeGreaterThan(revision);
  });
}
