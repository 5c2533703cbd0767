/** Control groups of containers: limits from the start, changed while they run, gone with the container. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ContainerLab, openContainerLab } from '../lib/containers.ts';

let lab: ContainerLab;

beforeAll(async () => {
  lab = await openContainerLab('ct3', { natBridge: false });
  await lab.create(300, { memory: 64, swap: 16, cpulimit: 2, start: 1 });
});
afterAll(() => lab?.close());

/** Names of files and values differ between the versions of control groups. */
const legacy = existsSync('/sys/fs/cgroup/memory');
const group = (controller: string): string =>
  join('/sys/fs/cgroup', legacy ? controller : '', 'ryokan-ct3/300');
const limit = (v1: string, v2: string): string =>
  readFileSync(join(group(v1.split('.')[0] as string), legacy ? v1 : v2), 'utf8').trim();
const memory = () => limit('memory.limit_in_bytes', 'memory.max');
const quota = () => limit('cpu.cfs_quota_us', 'cpu.max');
const cpus = () => limit('cpuset.cpus', 'cpuset.cpus');

test('limits hold from the start, and its processes are below them', async () => {
  expect(memory()).toBe(String(64 * 1024 ** 2));
  expect(quota()).toMatch(/^200000/);
  const { pid } = await lab.status(300);
  expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain('/ryokan-ct3/300/ns');
  // Its root, who is nobody on the node, has to get through to mount its own groups of version 2.
  expect(statSync(group('memory')).mode & 0o777).toBe(0o755);
});

test('CPU and memory change while it runs', async () => {
  await lab.set(300, { memory: 128, cpulimit: 0.5, cpuunits: 500, cores: 1 });
  expect(await lab.admin.get(lab.path(300, '/pending'))).not.toContainEqual(
    expect.objectContaining({ pending: expect.anything() }),
  );
  expect(memory()).toBe(String(128 * 1024 ** 2));
  expect(quota()).toMatch(/^50000/);
  expect(limit('cpu.shares', 'cpu.weight')).toBe('500');
  expect(cpus()).toMatch(/^\d+$/);
  await lab.set(300, { memory: 96, delete: 'cpulimit,cores' });
  expect(memory()).toBe(String(96 * 1024 ** 2));
  expect(quota()).toMatch(/^(-1|max)/);
  expect(cpus()).toMatch(/[-,]/);
});

test('what it uses is measured', async () => {
  await lab.inside(300, 'dd if=/dev/zero of=/file bs=1M count=10; sync');
  const state = await lab.admin.get<Record<string, number>>(lab.path(300, '/status/current'));
  expect(state.maxmem).toBe(96 * 1024 ** 2);
  expect(state.mem).toBeGreaterThan(0);
  expect(state.disk).toBeGreaterThan(10 * 1024 ** 2);
  expect(state.uptime).toBeGreaterThanOrEqual(0);
});

test('nothing is left when it has stopped', async () => {
  await lab.power(300, 'stop');
  expect(await lab.leftovers(300)).toEqual([]);
});
