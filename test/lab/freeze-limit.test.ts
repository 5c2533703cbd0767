/** A guest agent that hangs while it freezes file systems. A minute of waiting, so by `./ryokan test lab` only. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FreezeGuest } from '../lib/freeze-guest.ts';

let guest: FreezeGuest;

beforeAll(async () => {
  guest = await FreezeGuest.start();
});
afterAll(() => guest?.stop());

test('costs a minute; then the snapshot is taken without, with a warning, and the guest goes on', async () => {
  await guest.hang();
  const began = Date.now();
  const { log, exitstatus } = await guest.snapshot('late', 150);
  expect(Date.now() - began).toBeGreaterThan(55_000);
  expect(exitstatus).toBe('WARNINGS: 1');
  expect(log.join('\n')).toMatch(
    /WARN: the guest agent cannot freeze .*did not finish within 60000 ms; the copy is as after a power cut/,
  );
  expect(await guest.snapshots()).toEqual(['late']);
  await guest.wakeAgent();
  await guest.demandThawed();
});
