/**
 * The part of store-conformance.ts about watches.
 */
import { expect, test, vi } from 'vitest';
import type { Change, ConfigStore } from './store.ts';
import { type Ground, put } from './store-conformance.ts';

/** What a watch was called with: one entry a call. */
function record(
  store: ConfigStore,
  prefix: string,
): { calls: (readonly Change[])[]; texts: () => string[]; end: () => void } {
  const calls: (readonly Change[])[] = [];
  const end = store.watch(prefix, (changes) => calls.push(changes));
  const texts = (): string[] =>
    calls.flat().map((change) => `${change.path}=${change.doc?.text ?? '(removed)'}`);
  return { calls, texts, end };
}

/** Waits until a change that another handle made has arrived. */
function arrived(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 5000, interval: 2 });
}

export function watchConformance(ground: Ground): void {
  ownCommits(ground);
  otherHandles(ground);
  callbacks(ground);
}

function ownCommits({ store }: Ground): void {
  test('has been called when the commit resolves, with the changed document', async () => {
    const { calls } = record(store(), '');
    const revision = await put(store(), 'a', '1');
    expect(calls).toEqual([[{ path: 'a', doc: { path: 'a', text: '1', revision }, revision }]]);
    const removal = await put(store(), 'a', null);
    expect(calls[1]).toEqual([{ path: 'a', doc: undefined, revision: removal }]);
    expect(calls.length).toBe(2);
  });

  test('reads inside the callback show the change', async () => {
    const seen: (string | undefined)[] = [];
    store().watch('', (changes) => seen.push(...changes.map((change) => store().get(change.path)?.text)));
    await put(store(), 'a', '1');
    await put(store(), 'a', '2');
    expect(seen).toEqual(['1', '2']);
  });

  test('tells nothing that was there before', async () => {
    await put(store(), 'a', '1');
    const { texts } = record(store(), '');
    await put(store(), 'b', '2');
    expect(texts()).toEqual(['b=2']);
  });

  test('gets the documents of one transaction in one call, those under its prefix', async () => {
    await put(store(), 'nodes/gone', 'x');
    const all = record(store(), '');
    const nodes = record(store(), 'nodes/');
    const none = record(store(), 'nodes/pve2/');
    await store().commit(
      [],
      ['nodes/b', 'storage.cfg', 'nodes/a', 'nodes'].map((path) => ({ path, text: '1' })).concat([]),
    );
    await store().commit(
      [],
      [
        { path: 'nodes/gone', text: null },
        { path: 'nodes/never', text: null },
      ],
    );
    const paths = (calls: (readonly Change[])[]): string[][] =>
      calls.map((call) => call.map(({ path }) => path).sort());
    expect(paths(all.calls)).toEqual([['nodes', 'nodes/a', 'nodes/b', 'storage.cfg'], ['nodes/gone']]);
    expect(paths(nodes.calls)).toEqual([['nodes/a', 'nodes/b'], ['nodes/gone']]);
    expect(none.calls).toEqual([]);
  });

  test('is not called for conflicts and for transactions that change nothing', async () => {
    const { calls } = record(store(), '');
    await put(store(), 'a', null);
    await store().commit([{ path: 'a', revision: 0 }], []);
    await expect(store().commit([{ path: 'b', revision: 7 }], [{ path: 'a', text: 'x' }])).rejects.toThrow(
      'changed',
    );
    expect(calls).toEqual([]);
  });

  test('takes no character of the prefix for a wildcard', async () => {
    const { texts } = record(store(), 'a_%');
    await put(store(), 'abc', '1');
    await put(store(), 'a_%c', '2');
    expect(texts()).toEqual(['a_%c=2']);
  });
}

function otherHandles({ store, second }: Ground): void {
  test('sees what another handle commits', async () => {
    const other = await second();
    const { texts } = record(store(), 'nodes/');
    await put(other, 'nodes/a', '1');
    await put(other, 'storage.cfg', '1');
    await put(other, 'nodes/a', null);
    await arrived(() => expect(texts()).toEqual(['nodes/a=1', 'nodes/a=(removed)']));
    expect(store().get('storage.cfg')?.text).toBe('1');
  });

  test('sees each change once, in order of revision, whoever makes it', async () => {
    const other = await second();
    const here = record(store(), '');
    const there = record(other, '');
    const commits = Array.from({ length: 60 }, (_, i) =>
      (i % 3 === 0 ? store() : other).commit(
        [],
        [
          { path: `own/${i}`, text: '' },
          { path: 'shared', text: `${i}` },
        ],
      ),
    );
    const revisions = (await Promise.all(commits)).toSorted((a, b) => a - b);
    for (const { calls } of [here, there]) {
      await arrived(() => expect(calls.length).toBe(60));
      expect(calls.map((call) => call[0]?.revision)).toEqual(revisions);
      for (const call of calls) {
        expect(call.length).toBe(2);
        expect(call.every((change) => change.doc?.revision === call[0]?.revision)).toBe(true);
      }
    }
  });

  test('keeps seeing other handles after a pause', async () => {
    const other = await second();
    const { texts } = record(store(), '');
    for (const text of ['1', '2', '3']) {
      await put(other, 'a', text);
      await arrived(() => expect(texts().at(-1)).toBe(`a=${text}`));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(texts()).toEqual(['a=1', 'a=2', 'a=3']);
  });

  test('begins where it was made, though another one has not caught up yet', async () => {
    const other = await second();
    const first = record(store(), '');
    await put(other, 'a', '1');
    await arrived(() => expect(store().get('a')?.text).toBe('1'));
    const late = record(store(), '');
    await put(other, 'b', '2');
    await arrived(() => expect(late.texts().at(-1)).toBe('b=2'));
    expect(late.texts()).toEqual(['b=2']);
    expect(first.texts()).toEqual(['a=1', 'b=2']);
  });
}

function callbacks({ store, second }: Ground): void {
  test('ends, and may be ended again', async () => {
    const { calls, end } = record(store(), '');
    const stays = record(store(), '');
    await put(store(), 'a', '1');
    end();
    end();
    await put(store(), 'a', '2');
    expect(calls.length).toBe(1);
    expect(stays.calls.length).toBe(2);
  });

  test('works again after the last watch has ended', async () => {
    const other = await second();
    record(store(), '').end();
    await put(other, 'a', '1');
    await arrived(() => expect(store().get('a')?.text).toBe('1'));
    const { texts } = record(store(), '');
    await put(other, 'a', '2');
    await arrived(() => expect(texts()).toEqual(['a=2']));
  });

  test('can be ended by a callback that runs before', async () => {
    let end = (): void => {};
    store().watch('', () => end());
    const ended = record(store(), '');
    end = ended.end;
    await put(store(), 'a', '1');
    expect(ended.calls).toEqual([]);
  });

  test('a callback may commit and watch; everybody sees the same order', async () => {
    const commits: Promise<number>[] = [];
    const inner: (() => string[])[] = [];
    const before = record(store(), '');
    store().watch('a', () => {
      inner.push(record(store(), '').texts);
      commits.push(put(store(), 'b', '2'), put(store(), 'c', '3'));
    });
    const after = record(store(), '');
    await put(store(), 'a', '1');
    await vi.waitFor(() => expect(commits.length).toBe(2));
    await Promise.all(commits);
    expect(before.texts()[0]).toBe('a=1');
    expect(before.texts().toSorted()).toEqual(['a=1', 'b=2', 'c=3']);
    expect(after.texts()).toEqual(before.texts());
    expect(inner.map((texts) => texts())).toEqual([before.texts().slice(1)]);
  });

  test('is silent after close', async () => {
    const other = await second();
    const { calls } = record(store(), '');
    await store().close();
    await put(other, 'a', '1');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(calls).toEqual([]);
  });
}
