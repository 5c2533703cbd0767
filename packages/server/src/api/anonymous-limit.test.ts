import { expect, test } from 'vitest';
import { AnonymousLimit } from './anonymous-limit.ts';

function limited(address: string, now = { time: 0 }) {
  const limit = new AnonymousLimit(() => now.time);
  let calls = 0;
  while (limit.take(address) === 0 && calls < 1000) calls++;
  return { limit, now, calls };
}

test('an address may call often, then ten times a second', () => {
  const { limit, now, calls } = limited('192.0.2.1');
  expect(calls).toBe(300);
  expect(limit.take('192.0.2.1')).toBe(1);
  now.time += 1000;
  let more = 0;
  while (limit.take('192.0.2.1') === 0) more++;
  expect(more).toBe(10);
  now.time += 3_600_000;
  expect(limit.take('192.0.2.1')).toBe(0);
});

test('others are not touched, and all of an IPv6 network is one', () => {
  const { limit } = limited('2001:db8::1');
  expect(limit.take('2001:db8:0:0:1::5')).toBe(1);
  expect(limit.take('2001:db8:0:1::1')).toBe(0);
  expect(limit.take('192.0.2.2')).toBe(0);
});

test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', 'local'])(
  '%s is this node, which everybody behind a proxy shares',
  (address) => {
    expect(limited(address).calls).toBe(1000);
  },
);
