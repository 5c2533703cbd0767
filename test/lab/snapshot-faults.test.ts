/**
 * Snapshots, rollbacks and saved memory, broken at each of their steps in every way. About 170 steps with six
 * faults each take half an hour, so this runs by `./ryokan test lab` only.
 */
import { afterAll, beforeAll, test } from 'vitest';
import { type Faults, faultActions, prepareFaults } from '../lib/faults.ts';
import { SnapshotGuest } from '../lib/snapshot-guest.ts';
import { type OperationName, operations, walk } from '../lib/snapshot-walk.ts';

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

for (const name of Object.keys(operations) as OperationName[]) {
  for (const action of faultActions) {
    test(`${name}: ${action}`, () => walk(guest, faults, name, action), 3_600_000);
  }
}
