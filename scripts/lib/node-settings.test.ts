import { expect, test } from 'vitest';
import { decideSettings } from './node-settings.ts';

test('asked before stored before default', () => {
  const stored = { node: 'pve1', listen: '192.0.2.1', port: 8007, accelerator: 'tcg' };
  expect(decideSettings({}, stored)).toEqual({ node: 'pve1', listen: '192.0.2.1', port: 8007 });
  expect(decideSettings({ listen: '::1', port: '9000' }, stored)).toMatchObject({
    listen: '::1',
    port: 9000,
  });
  const fresh = decideSettings({}, undefined);
  expect(fresh.port).toBe(8006);
  expect(['::', '0.0.0.0']).toContain(fresh.listen);
  expect(fresh.node).toMatch(/^[a-zA-Z0-9-]+$/);
});

test.each(['', '-a', 'a-', 'a.b', 'a_b', 'ü', 'a'.repeat(64)])('%j is no node name', (node) => {
  expect(() => decideSettings({ node }, undefined)).toThrow('no node name');
});

test('a node keeps its name', () => {
  expect(() => decideSettings({ node: 'pve2' }, { node: 'pve1' })).toThrow("belongs to node 'pve1'");
});
