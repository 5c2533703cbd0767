import { expect, test } from 'vitest';
import { type BalloonGuest, balloonTargets, type HostMemory } from './targets.ts';

const mib = 1024 * 1024;
const gib = 1024 * mib;
/** 80 % of 10 GiB are 8192 MiB. */
const host = (usedMib: number): HostMemory => ({ total: 10 * gib, used: usedMib * mib });
const guest = (vmid: number, actual: number, shares = 1000, min = 512, max = 4096): BalloonGuest => ({
  vmid,
  actual: actual * mib,
  min: min * mib,
  max: max * mib,
  shares,
});
const targets = (usedMib: number, ...guests: BalloonGuest[]) =>
  Object.fromEntries(
    [...balloonTargets(host(usedMib), guests, 0.8)].map(([vmid, size]) => [vmid, size / mib]),
  );

/** Rounds in which the node's use follows the guests at once. */
function settle(others: number, guests: BalloonGuest[], rounds = 200): number[] {
  let now = guests;
  for (let round = 0; round < rounds; round++) {
    const used = others * mib + now.reduce((total, one) => total + one.actual, 0);
    const changes = balloonTargets({ total: 10 * gib, used }, now, 0.8);
    if (changes.size === 0) break;
    now = now.map((one) => ({ ...one, actual: changes.get(one.vmid) ?? one.actual }));
  }
  return now.map((one) => Math.round(one.actual / mib));
}

test('with room enough all guests grow step by step to their whole memory', () => {
  expect(targets(4000, guest(100, 1000), guest(101, 4096))).toEqual({ 100: 1100 });
  expect(targets(4000, guest(100, 4090))).toEqual({ 100: 4096 });
  expect(settle(0, [guest(100, 512), guest(101, 1024)])).toEqual([4096, 4096]);
});

test('under pressure they give back, a step at a time, never below their minimum', () => {
  expect(targets(9000, guest(100, 2000), guest(101, 512))).toEqual({ 100: 1900 });
  expect(targets(9000, guest(100, 560))).toEqual({ 100: 512 });
  expect(settle(8000, [guest(100, 4096), guest(101, 2048, 5000)])).toEqual([512, 512]);
});

test('what is above the minimum is divided by shares', () => {
  const [small = 0, large = 0] = settle(5000, [guest(100, 2000, 1000), guest(101, 2000, 3000)]);
  expect((large - 512) / (small - 512)).toBeGreaterThan(2.5);
  expect(5000 + small + large).toBeGreaterThan(8192 - 25);
  expect(5000 + small + large).toBeLessThanOrEqual(8192 + 25);
});

test('a guest that came later gets its part from one that has more than its part', () => {
  const changes = targets(8192, guest(100, 3000), guest(101, 512));
  expect(changes).toEqual({ 100: 2900 });
  const [first = 0, second = 0] = settle(4680, [guest(100, 3000), guest(101, 512)]);
  expect(Math.abs(first - second)).toBeLessThan(150);
});

test('nobody grows by more than there is', () => {
  const changes = targets(8192 - 120, guest(100, 1000), guest(101, 1000), guest(102, 1000));
  const given = Object.values(changes).reduce((total, size) => total + size - 1000, 0);
  expect(given).toBeGreaterThan(0);
  expect(given).toBeLessThanOrEqual(121);
});

test('at rest nothing moves', () => {
  expect(targets(8192, guest(100, 2000), guest(101, 2000))).toEqual({});
  expect(targets(8190, guest(100, 2000))).toEqual({});
  expect(targets(9999)).toEqual({});
});
