/** What a waiting worker does to be quick: it must work on a real node, and leave nothing behind. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCore } from '../../packages/server/src/composition.ts';
import { rehearseStart } from '../../packages/server/src/guests/qemu/rehearsal.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startNode();
});
afterAll(() => node?.stop());

test('the rehearsal of a start comes to a whole command line and changes nothing', async () => {
  const { services, db } = await createCore({
    dataDir: node.dataDir,
    role: 'test',
    lockOwner: () => 'test',
    tasks: () => ({}) as never,
  });
  try {
    const args = await rehearseStart(services);
    const text = args.join(' ');
    for (const device of [
      'virtio-scsi-pci',
      'scsi-hd',
      'ide-cd',
      'virtio-net-pci',
      'virtio-balloon-pci',
      'virtio-rng-pci',
    ]) {
      expect(text).toContain(device);
    }
    expect(text).toContain('-S');
    expect(readdirSync(join(node.dataDir, 'run/qemu'))).toEqual([]);
    expect(readdirSync(join(node.dataDir, 'storage/images'))).toEqual([]);
    expect(services.store.list('nodes/')).toEqual([]);
  } finally {
    await services.store.close();
    db.close();
  }
});

test('a worker that has rehearsed runs its task, and none complains', async () => {
  const admin = await node.admin();
  await admin.run('POST', `${node.path}/qemu`, { vmid: 100, memory: 16 });
  await admin.run('POST', `${node.path}/qemu/100/status/start`);
  await waitFor(
    async () =>
      (await admin.get<{ status: string }>(`${node.path}/qemu/100/status/current`)).status === 'running',
    {
      timeout: 10,
      what: 'the guest to run',
    },
  );
  await admin.run('POST', `${node.path}/qemu/100/status/stop`);
  expect(await node.daemonLog()).not.toContain('rehearsal');
});
