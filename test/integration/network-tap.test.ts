/** Taps and bridges in a namespace of their own. */
import type { Bridge, NetworkInterface } from '@ryokan/server/network/bridge.ts';
import { tapName } from '@ryokan/server/network/tap.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, openLab } from './network-lab.ts';

let lab: Lab;
const owner = 12_345;

beforeAll(async () => {
  lab = await openLab();
  await lab.addNamespace('node');
  await lab.inside('node', 'ip', 'link', 'add', 'br0', 'address', '02:00:00:00:00:01', 'type', 'bridge');
  await lab.inside('node', 'ip', 'address', 'add', '192.0.2.1/24', 'dev', 'br0');
  await lab.inside('node', 'ip', 'link', 'set', 'br0', 'up');
});

afterAll(() => lab.close());

test('a tap belongs to its user and is a port of its bridge', async () => {
  await lab.call('node', 'createTap', 'tap100i0', { bridge: 'br0', uid: owner, mtu: 1400 });
  const details = await lab.inside('node', 'ip', '-details', 'link', 'show', 'tap100i0');
  expect(details).toContain(`user ${owner}`);
  expect(details).toContain('mtu 1400');
  const [bridge] = await lab.call<Bridge[]>('node', 'bridges');
  expect(bridge).toMatchObject({ name: 'br0', up: true, vlanAware: false, ports: ['tap100i0'] });
  expect(bridge?.addresses).toContainEqual({
    family: 'inet',
    address: '192.0.2.1',
    prefix: 24,
    scope: 'global',
  });
  const all = await lab.call<NetworkInterface[]>('node', 'interfaces');
  expect(all.find((one) => one.name === 'tap100i0')).toMatchObject({ kind: 'tun', master: 'br0', up: true });
  expect(all.find((one) => one.name === 'lo')).toMatchObject({ loopback: true });
});

test('a tap left behind is replaced', async () => {
  await lab.call('node', 'createTap', 'tap100i0', { bridge: 'br0', uid: owner + 1 });
  expect(await lab.inside('node', 'ip', '-details', 'link', 'show', 'tap100i0')).toContain(
    `user ${owner + 1}`,
  );
});

test('several queues', async () => {
  await lab.call('node', 'createTap', 'tap101i0', { bridge: 'br0', uid: owner, multiQueue: true });
  expect(await lab.inside('node', 'ip', '-details', 'link', 'show', 'tap101i0')).toContain(' multi_queue ');
});

test('removal, also of what is not there', async () => {
  for (const name of ['tap100i0', 'tap101i0', 'tap101i0']) await lab.call('node', 'removeTap', name);
  expect(await lab.inside('node', 'ip', '-br', 'link')).not.toContain('tap');
});

test('no bridge, no tap', async () => {
  const missing = lab.call('node', 'createTap', 'tap100i0', { bridge: 'br9', uid: owner });
  await expect(missing).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining("bridge 'br9' does not exist"),
  });
  const loopback = lab.call('node', 'createTap', 'tap100i0', { bridge: 'lo', uid: owner });
  await expect(loopback).rejects.toMatchObject({ message: expect.stringContaining('is no bridge') });
  expect(await lab.inside('node', 'ip', '-br', 'link')).not.toContain('tap');
});

test('a tap that cannot be finished is taken back', async () => {
  const call = lab.call('node', 'createTap', 'tap100i0', { bridge: 'br0', uid: owner, mtu: 999_999 });
  await expect(call).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('tap100i0') });
  expect(await lab.inside('node', 'ip', '-br', 'link')).not.toContain('tap');
});

test('names fit into the kernel’s limit', () => {
  expect(tapName(999_999_999, 31)).toHaveLength(15);
  expect(() => tapName(9_999_999_999, 31)).toThrow('too long');
});
