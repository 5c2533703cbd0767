/** Block nodes that stay in QEMU when a drive's device has gone. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { removeDriveNodes } from '../block-graph.ts';
import { type QmpClient, QmpError } from '../qmp-client.ts';
import { dropGroups } from '../throttle-group.ts';

/** All nodes of a drive, those of later images and discs too: `drive-scsi0`, `format-scsi0-2`. */
export async function driveNodeNames(qmp: QmpClient, key: string): Promise<string[]> {
  const nodes = await qmp.execute<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true });
  const own = new RegExp(`^(?:drive|format|file)-${key}(?:-\\d+)?$`);
  return nodes.map((node) => node['node-name']).filter((name) => own.test(name));
}

/**
 * Removes the nodes of a drive whose device has gone, and the group of its limits: its volume is free then. Rejects with
 * 'state' when something still uses it (a block job). No error when there is nothing.
 */
export async function releaseVolume(qmp: QmpClient, key: string): Promise<void> {
  await ignoringRefusal(removeDriveNodes(qmp, key));
  let names = await driveNodeNames(qmp, key);
  // A node cannot go before those that rest on it, and takes those along that were made with it.
  for (let progress = true; progress && names.length > 0; ) {
    const before = names.length;
    for (const name of names) await ignoringRefusal(qmp.execute('blockdev-del', { 'node-name': name }));
    names = await driveNodeNames(qmp, key);
    progress = names.length < before;
  }
  if (names.length > 0) {
    throw new RyokanError('state', `the volume of '${key}' is still in use in QEMU (${names.join(', ')})`, {
      context: { key },
    });
  }
  await dropGroups(qmp, key);
}

/** What is in use, was made with another node, or went with one: what is still there is looked at afterwards. */
async function ignoringRefusal(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
  }
}
