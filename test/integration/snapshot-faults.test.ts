/**
 * Snapshots, rollbacks and saved memory that are broken off: the guest runs on or is as before, configuration, images
 * and QEMU agree, nothing is left behind. Here at the steps that matter most; test/lab/snapshot-faults.test.ts goes over
 * all of them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FaultAction, type Faults, prepareFaults } from '../lib/faults.ts';
import { SnapshotGuest } from '../lib/snapshot-guest.ts';
import { breakAt, type OperationName } from '../lib/snapshot-walk.ts';

let faults: Faults;
let guest: SnapshotGuest;

beforeAll(async () => {
  faults = await prepareFaults();
  guest = await SnapshotGuest.start(faults.env);
});
afterAll(async () => {
  await guest?.stop();
  await faults?.remove();
});

const cases: Readonly<Record<OperationName, readonly (readonly [step: string, action: FaultAction])[]>> = {
  'a snapshot with memory': [
    ['open vm-700-state-made.raw', 'kill-after'],
    ['qmp query-migrate', 'stall'],
    ['qmp transaction', 'kill-after'],
    ['commit (2)', 'kill-after'],
  ],
  'a snapshot of the disks': [
    ['rename .staging-vm-700-disk-0.qcow2', 'kill-after'],
    ['qmp transaction', 'cancel'],
  ],
  'the removal of a snapshot': [
    ['qmp blockdev-snapshot-delete-internal-sync', 'kill-after'],
    ['rename snap-made-vm-700-disk-0.qcow2', 'kill-after'],
    ['unlink vm-700-state-made.raw', 'kill-after'],
  ],
  'a rollback to a snapshot with memory': [
    ['rename .staging-vm-700-disk-0.qcow2', 'kill'],
    ['qmp migrate-incoming', 'cancel'],
  ],
  'suspending to disk': [
    ['qmp migrate', 'kill-after'],
    ['qmp quit', 'kill'],
  ],
  waking: [
    ['qmp migrate-incoming', 'fail'],
    ['commit', 'kill-after'],
    ['qmp cont', 'kill-after'],
  ],
};

const undone = new Set<string>();

for (const [name, steps] of Object.entries(cases) as [OperationName, (typeof cases)[OperationName]][]) {
  test.each(steps)(`${name}: '%s', %s`, async (step, action) => {
    const { broken, log } = await breakAt(guest, faults, name, step, action);
    expect(broken).toBe(step);
    for (const line of log) undone.add(/^taken back: (\S+)/.exec(line)?.[1] ?? '');
  });
}

test("memory that cannot be removed when its guest wakes up is in nobody's way", async () => {
  await guest.run('POST', '/status/suspend', { todisk: 1 });
  const { vmstate = '' } = await guest.config();
  await faults.arm(`unlink ${vmstate.replace(/^.*\//, '')}`, 'fail');
  const { exitstatus, log } = await guest.attempt('POST', '/status/start');
  await faults.disarm();
  expect(exitstatus).toBe('WARNINGS: 1');
  expect(log.join('\n')).toContain(`WARN: the saved memory '${vmstate}' is of no use any more, but stays`);
  await guest.run('POST', '/status/suspend', { todisk: 1 });
  expect((await guest.config()).vmstate).toBe(vmstate.replace('.raw', '-2.raw'));
  await guest.run('POST', '/status/start');
  await guest.removeVolume(vmstate);
  await guest.demandSound('after memory that could not be removed');
});

test('every way back was gone', () => {
  const snapshot = ['abandon', 'abandon-memory', 'end-saving', 'end-removal', 'finish-rollback'];
  const wanted = [...snapshot.map((name) => `snapshot.${name}`), 'suspend.settle', 'suspend.settle-wake'];
  expect([...undone].filter((name) => wanted.includes(name)).sort()).toEqual(wanted.sort());
});
