import { RyokanError } from '@ryokan/api/errors.ts';
import { expect, test } from 'vitest';
import { MemoryStore } from './memory-store.ts';
import { demandReal, rehearsable, rehearse, rehearsed } from './rehearsal.ts';
import { update } from './store.ts';
import { storeConformance } from './store-conformance.ts';

storeConformance('outside of rehearsals', async () => {
  const store = new MemoryStore();
  return { store: rehearsable(store), second: async () => new MemoryStore(store), dispose: async () => {} };
});

test('a rehearsal sees what it wrote; nobody else does', async () => {
  const store = rehearsable(new MemoryStore());
  await store.commit([], [{ path: 'a/1', text: 'one' }]);
  await store.commit([], [{ path: 'a/2', text: 'two' }]);
  const outcome = await rehearse(store, async () => {
    await update(store, 'a/1', () => 'changed');
    await store.commit([{ path: 'a/3', revision: 0 }], [{ path: 'a/3', text: 'three' }]);
    await store.commit([], [{ path: 'a/2', text: null }]);
    await store.commit([], [{ path: 'b', text: null }]);
    expect(store.list('a/').map((doc) => doc.text)).toEqual(['changed', 'three']);
    expect(store.get('a/2')).toBeUndefined();
    await expect(
      store.commit([{ path: 'a/3', revision: 0 }], [{ path: 'a/3', text: 'again' }]),
    ).rejects.toThrow();
    expect(rehearsed('removes a volume')).toBe(true);
    expect(() => demandReal('the volume')).toThrow();
  });
  expect(outcome).toEqual({
    changes: [
      { path: 'a/1', before: 'one', after: 'changed' },
      { path: 'a/3', before: null, after: 'three' },
      { path: 'a/2', before: 'two', after: null },
    ],
    effects: ['removes a volume'],
  });
  expect(store.list('').map((doc) => [doc.path, doc.text])).toEqual([
    ['a/1', 'one'],
    ['a/2', 'two'],
  ]);
  expect(rehearsed('really')).toBe(false);
  demandReal('the volume');
});

test('a rehearsal and a change of the same document at once, which wait for each other', async () => {
  const store = rehearsable(new MemoryStore());
  await store.commit([], [{ path: 'n', text: '0' }]);
  const add = (amount: number) => update(store, 'n', (text) => String(Number(text) + amount));
  const [first, , second] = await Promise.all([
    rehearse(store, () => add(10)),
    add(1),
    rehearse(store, () => add(100)),
    add(2),
  ]);
  expect(store.get('n')?.text).toBe('3');
  expect([first.changes.length, second.changes.length]).toEqual([1, 1]);
});

test('a rehearsal rejects with what its work throws, and leaves nothing', async () => {
  const store = rehearsable(new MemoryStore());
  const failing = rehearse(store, async () => {
    await store.commit([], [{ path: 'a', text: 'x' }]);
    throw new RyokanError('state', 'not now');
  });
  await expect(failing).rejects.toThrow('not now');
  expect(store.get('a')).toBeUndefined();
  await expect(rehearse(new MemoryStore(), async () => {})).rejects.toThrow();
});
