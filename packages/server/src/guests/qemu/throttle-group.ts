/**
 * The limits of a disk in a running guest: an object of QEMU's that the filter on top of its image names. Each filter has
 * a group of its own, as while a disk moves its new place must be filled without limits, beside the old one that keeps them.
 */
import type { QemuDrive } from '@ryokan/api/schema/qemu-drive.ts';
import { driveGraph, throttleGroupOf } from './block-graph.ts';
import { throttleLimits } from './devices/block.ts';
import type { QmpClient } from './qmp-client.ts';

/** Makes the group of a filter that is about to be added; it limits nothing. */
export async function addFreeGroup(qmp: QmpClient, root: string): Promise<void> {
  await qmp.execute('object-add', { 'qom-type': 'throttle-group', id: throttleGroupOf(root), limits: {} });
}

/** Limits a disk as its options say from now on. A limit that is not set is sent as none: QEMU keeps what it is not told. */
export async function setLimits(qmp: QmpClient, key: string, options: QemuDrive): Promise<void> {
  const none: Record<string, number> = {};
  for (const kind of ['bps', 'iops']) {
    for (const direction of ['total', 'read', 'write']) {
      none[`${kind}-${direction}`] = 0;
      none[`${kind}-${direction}-max`] = 0;
      none[`${kind}-${direction}-max-length`] = 1;
    }
  }
  const root = (await driveGraph(qmp, key))?.name ?? `drive-${key}`;
  const value = { ...none, ...throttleLimits(key, options) };
  await qmp.execute('qom-set', { path: `/objects/${throttleGroupOf(root)}`, property: 'limits', value });
}

/** Removes the groups of a disk but that of the filter `root`, which may be absent. Their own filters have to be gone. */
export async function dropGroups(qmp: QmpClient, key: string, root?: string): Promise<void> {
  const objects = await qmp.execute<{ name: string }[]>('qom-list', { path: '/objects' });
  const own = new RegExp(`^throttle-${key}(?:-\\d+)?$`);
  const kept = root === undefined ? undefined : throttleGroupOf(root);
  for (const { name } of objects) {
    if (own.test(name) && name !== kept) await qmp.execute('object-del', { id: name });
  }
}
