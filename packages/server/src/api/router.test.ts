import { allMethods } from '@ryokan/api/method.ts';
import '@ryokan/api/methods/index.ts';
import { expect, test } from 'vitest';
import { Router } from './router.ts';

const router = new Router(allMethods());
const find = (verb: string, path: string) => router.find(verb, path.split('/').filter(Boolean));

test('every method is found by its own path', () => {
  for (const method of allMethods()) {
    const found = find(method.verb, method.path.replace(/\{(\w+)\}/g, 'x$1'));
    expect(found?.method.id, method.path).toBe(method.id);
  }
});

test('parameters of a path, and volumes as the rest of it', () => {
  expect(find('GET', '/nodes/pve1/qemu/100/config')).toMatchObject({
    method: { id: 'qemu.config.get' },
    params: { node: 'pve1', vmid: '100' },
  });
  expect(find('DELETE', '/nodes/a/storage/local/content/local:iso/b.iso')?.params).toEqual({
    node: 'a',
    storage: 'local',
    volume: 'local:iso/b.iso',
  });
});

test('nothing is found for other verbs, shorter and longer paths', () => {
  expect(find('PATCH', '/version')).toBeUndefined();
  expect(find('GET', '/version/x')).toBeUndefined();
  expect(find('GET', '/nodes/pve1/qemu/100/nothing')).toBeUndefined();
});
