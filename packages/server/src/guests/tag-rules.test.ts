import { expect, test } from 'vitest';
import { MemoryStore } from '../cluster/memory-store.ts';
import { forbiddenTags, knownTags, tagRules } from './tag-rules.ts';

async function storeWith(options: string) {
  const store = new MemoryStore();
  await store.commit(
    [],
    [
      { path: 'datacenter.cfg', text: options },
      { path: 'nodes/n/qemu-server/100.conf', text: 'name: a\ntags: blue;green\n' },
      { path: 'nodes/n/qemu-server/101.conf', text: 'this is damaged tags: x\n' },
    ],
  );
  return store;
}

test.each([
  ['', 'a;b', 'b;c', []],
  ['registered-tags: prod\n', 'prod;a', 'a', ['prod']],
  ['registered-tags: prod\n', 'prod', 'prod;new', []],
  ['user-tag-access: user-allow=none\n', 'a', 'a;b', ['b']],
  ['user-tag-access: user-allow=none\n', 'a;b', 'b;a', []],
  ['user-tag-access: user-allow=list,user-allow-list=x;y\n', undefined, 'x;blue', ['blue']],
  ['user-tag-access: user-allow=existing,user-allow-list=x\n', undefined, 'x;blue;new', ['new']],
  ['user-tag-access: user-allow=existing\nregistered-tags: blue\n', undefined, 'blue', ['blue']],
])('%j: %s to %s', async (options, before, after, forbidden) => {
  expect(forbiddenTags(tagRules(await storeWith(options)), before, after)).toEqual(forbidden);
});

test('what is offered', async () => {
  expect(knownTags(await storeWith('registered-tags: prod\n'))).toEqual(['blue', 'green', 'prod']);
  expect(knownTags(await storeWith('user-tag-access: user-allow=list,user-allow-list=x\n'))).toEqual(['x']);
});
