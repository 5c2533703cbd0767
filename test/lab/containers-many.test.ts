/**
 * 30 containers created and started at once, on raw images. In test/lab for its time; lxc-changes.test.ts does ten.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ContainerLab, openContainerLab } from '../lib/containers.ts';

let lab: ContainerLab;
const vmids = Array.from({ length: 30 }, (_, i) => 600 + i);

beforeAll(async () => {
  lab = await openContainerLab('ct6', { natBridge: false });
});
afterAll(() => lab?.close(), 600_000);

test('all 30 run, the node answers meanwhile, and nothing of them is left', async () => {
  let longest = 0;
  let done = false;
  const begun = performance.now();
  const asking = (async () => {
    while (!done) {
      const asked = performance.now();
      await lab.admin.get('/version');
      longest = Math.max(longest, performance.now() - asked);
    }
  })();
  await Promise.all(vmids.map((vmid) => lab.create(vmid, { memory: 32, rootfs: 'local:0.05' })));
  const created = performance.now() - begun;
  await Promise.all(vmids.map((vmid) => lab.power(vmid, 'start')));
  const took = performance.now() - begun;
  done = true;
  await asking;
  const figures = [created, took, longest].map((ms) => `${Math.round(ms)} ms`);
  console.log(`30 created in ${figures[0]}, running after ${figures[1]}; /version: longest ${figures[2]}`);
  const list = await lab.admin.get<{ vmid: number; status: string }[]>(`${lab.node.path}/lxc`);
  expect(list.filter(({ status }) => status !== 'running')).toEqual([]);
  expect(longest).toBeLessThan(5_000);
  await lab.admin.run('POST', `${lab.node.path}/stopall`, { timeout: 60 }, 300);
  for (const vmid of vmids) expect(await lab.leftovers(vmid)).toEqual([]);
}, 900_000);
