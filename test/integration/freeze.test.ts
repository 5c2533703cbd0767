/**
 * File systems frozen by a real guest agent while a snapshot is taken: they are clean in it, and go on whatever happens
 * to the task. test/lab/freeze-limit.test.ts waits for the time limit of an agent that hangs.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import { type Faults, prepareFaults } from '../lib/faults.ts';
import { FreezeGuest } from '../lib/freeze-guest.ts';

let faults: Faults;
let guest: FreezeGuest;

beforeAll(async () => {
  faults = await prepareFaults();
  guest = await FreezeGuest.start(faults.env);
});
afterAll(async () => {
  await guest?.stop();
  await faults?.remove();
});

test('what the guest has only in its memory is in the snapshot, on a clean file system', async () => {
  await guest.shell('echo kept > /disk/word');
  const { log, exitstatus } = await guest.snapshot('clean');
  expect(exitstatus).toBe('OK');
  expect(log.join('\n')).toMatch(/^1 file systems of the guest are frozen$/m);
  await guest.demandThawed();
  const copy = join(guest.node.dataDir, 'copy.raw');
  await run('qemu-img', ['convert', '-U', '-l', 'clean', '-f', 'qcow2', '-O', 'raw', guest.image, copy]);
  expect((await run('debugfs', ['-R', 'cat /word', copy])).stdout).toBe('kept\n');
  // Of a file system that is in use and not frozen it says needs_recovery.
  const { stdout } = await run('dumpe2fs', ['-h', copy]);
  expect(stdout).toMatch(/Filesystem features:/);
  expect(stdout).not.toMatch(/needs_recovery/);
});

test.each(['fail', 'cancel', 'kill', 'kill-after'] as const)(
  'between freezing and thawing: %s',
  async (action) => {
    await faults.arm('qmp transaction', action);
    const { log, exitstatus } = await guest.snapshot('broken');
    expect(await faults.disarm()).toBe('qmp transaction');
    expect(exitstatus).not.toBe('OK');
    expect(log.join('\n')).toMatch(/are frozen$/m);
    expect(log.join('\n')).toMatch(/^taken back: guest\.thaw/m);
    await guest.demandThawed();
    expect(await guest.snapshots()).toEqual(['clean']);
  },
);

test.each(['stop', 'kill'] as const)(
  'an agent that hangs while it freezes, and the task ends: %s',
  async (end) => {
    await guest.hang();
    const upid = await guest.begin('hung');
    await guest.freezing();
    await guest.end(upid, end);
    const { log } = await guest.admin.taskEnd(upid);
    expect(log.join('\n')).toMatch(/could not take back: guest\.thaw .* go on when it answers again/);
    expect(await guest.snapshots()).toEqual(['clean']);
    await guest.wakeAgent();
    await guest.demandThawed();
  },
);

test('the next snapshot freezes and thaws as the first', async () => {
  const { log, exitstatus } = await guest.snapshot('again');
  expect(exitstatus).toBe('OK');
  expect(log.join('\n')).toMatch(/are frozen$/m);
  await guest.demandThawed();
});
