/** CPU settings on this machine's real control groups. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupMounts, guestCgroup } from '@ryokan/server/host/cgroup.ts';
import { processStat, ticksPerSecond } from '@ryokan/server/host/procfs.ts';
import { afterAll, afterEach, expect, test } from 'vitest';

const mounts = cgroupMounts();
const has = (controller: 'cpu' | 'cpuset') =>
  mounts.v1[controller] !== undefined || mounts.v2?.controllers.includes(controller) === true;
const node = `test-${process.pid}`;
const cgroup = guestCgroup(100, node);
let busy: ChildProcess | undefined;

/** A process that takes all of one CPU. */
function burn(): number {
  busy = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
  return busy.pid ?? 0;
}

afterEach(() => {
  busy?.kill('SIGKILL');
  cgroup.remove();
});

afterAll(() => {
  // The node's own groups stay for its next guest; those of this test are nobody's.
  for (const folder of cgroup.folders) rmdirSync(join(folder, '..'));
});

test('cpulimit holds a busy process down', async (context) => {
  if (!has('cpu')) context.skip('this kernel offers no cpu controller');
  const pid = burn();
  expect(cgroup.apply({ cpulimit: 0.2 })).toEqual([]);
  expect(cgroup.addProcess(pid)).toEqual([]);
  const used = () => {
    const stat = processStat(pid);
    return ((stat?.utime ?? 0) + (stat?.stime ?? 0)) / ticksPerSecond;
  };
  await sleep(300);
  const [begin, usedBefore, statsBefore] = [performance.now(), used(), cgroup.stats()];
  await sleep(2000);
  const seconds = (performance.now() - begin) / 1000;
  // One fifth of a CPU and one period of slack.
  expect((used() - usedBefore) / seconds).toBeLessThan(0.26);
  expect(used() - usedBefore).toBeGreaterThan(0.05);
  const { cpuMicroseconds = 0, throttledMicroseconds = 0 } = cgroup.stats();
  expect(cpuMicroseconds - (statsBefore.cpuMicroseconds ?? 0)).toBeGreaterThan(50_000);
  expect(throttledMicroseconds).toBeGreaterThan(100_000);
  expect(cgroup.apply({})).toEqual([]);
  const free = cgroup.stats().throttledMicroseconds ?? 0;
  await sleep(500);
  expect((cgroup.stats().throttledMicroseconds ?? 0) - free).toBeLessThan(200_000);
});

test('affinity reaches the process', async (context) => {
  if (!has('cpuset')) context.skip('this kernel offers no cpuset controller');
  const pid = burn();
  const allowed = () => /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const before = allowed();
  expect(cgroup.apply({ affinity: '0' })).toEqual([]);
  cgroup.addProcess(pid);
  expect(allowed()).toBe('0');
  expect(cgroup.apply({})).toEqual([]);
  expect(allowed()).toBe(before);
  const [warning] = cgroup.apply({ affinity: String(cpus().length + 7) });
  expect(warning).toContain('affinity');
});

test('weights, and removal with a process inside', (context) => {
  if (!has('cpu')) context.skip('this kernel offers no cpu controller');
  const pid = burn();
  expect(cgroup.apply({ cpuunits: 500 })).toEqual([]);
  cgroup.addProcess(pid);
  const [folder = ''] = cgroup.folders;
  const file = mounts.v1.cpu
    ? join(mounts.v1.cpu, `ryokan-${node}`, '100', 'cpu.shares')
    : join(folder, 'cpu.weight');
  expect(readFileSync(file, 'utf8').trim()).toBe('500');
  cgroup.remove();
  expect(cgroup.folders.filter((path) => existsSync(path))).toEqual([]);
  expect(processStat(pid)?.state).toBe('R');
  cgroup.remove();
});
