import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { guestCgroup, parseCgroupMounts } from './cgroup.ts';

const line = (mount: string, type: string, options: string) =>
  `31 23 0:28 / ${mount} rw,relatime shared:9 - ${type} ${type} rw,${options}`;

test('version 1 with a version 2 mount beside it', () => {
  const text = [
    line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'),
    line('/sys/fs/cgroup/cpuset', 'cgroup', 'cpuset'),
    line('/sys/fs/cgroup/systemd', 'cgroup', 'name=systemd'),
    line('/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate'),
    '',
  ].join('\n');
  expect(parseCgroupMounts(text, () => ['hugetlb'])).toEqual({
    v1: {
      cpu: '/sys/fs/cgroup/cpu,cpuacct',
      cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
      cpuset: '/sys/fs/cgroup/cpuset',
    },
    v2: { path: '/sys/fs/cgroup/unified', controllers: ['hugetlb'] },
  });
});

test('version 2 alone', () => {
  const text = line('/sys/fs/cgroup', 'cgroup2', 'nsdelegate');
  expect(parseCgroupMounts(text, (mount) => (mount === '/sys/fs/cgroup' ? ['cpu', 'cpuset'] : []))).toEqual({
    v1: {},
    v2: { path: '/sys/fs/cgroup', controllers: ['cpu', 'cpuset'] },
  });
});

/**
 * A tree that looks like the unified hierarchy: this machine's kernel has its CPU controllers in version 1, so what is
 * written to version 2 is checked on plain files. test/integration/cgroup.test.ts meets the real kernel.
 */
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ryokan-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function unified(controllers: string[]) {
  const group = join(root, 'ryokan-pve1', '100');
  mkdirSync(group, { recursive: true });
  for (const file of ['cpu.max', 'cpu.weight', 'cpuset.cpus']) {
    if (controllers.includes(file.split('.')[0] ?? '')) writeFileSync(join(group, file), '');
  }
  const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
  return { cgroup: guestCgroup(100, 'pve1', { v1: {}, v2: { path: root, controllers } }), read };
}

test('version 2: values as the kernel takes them', () => {
  const { cgroup, read } = unified(['cpu', 'cpuset']);
  expect(cgroup.apply({ cpulimit: 1.5, cpuunits: 200, affinity: '0,2-3' })).toEqual([]);
  expect(read('ryokan-pve1', '100', 'cpu.max')).toBe('150000 100000');
  expect(read('ryokan-pve1', '100', 'cpu.weight')).toBe('200');
  expect(read('ryokan-pve1', '100', 'cpuset.cpus')).toBe('0,2-3');
  expect(read('ryokan-pve1', 'cgroup.subtree_control')).toBe('+cpuset');
  cgroup.apply({});
  expect(read('ryokan-pve1', '100', 'cpu.max')).toBe('max 100000');
  expect(read('ryokan-pve1', '100', 'cpu.weight')).toBe('100');
});

test('the folder that containers share lets their root through, whatever the umask of the daemon', () => {
  const { cgroup } = unified(['cpu']);
  rmSync(join(root, 'ryokan-pve1'), { recursive: true });
  const before = process.umask(0o077);
  try {
    cgroup.apply({});
  } finally {
    process.umask(before);
  }
  expect(statSync(join(root, 'ryokan-pve1')).mode & 0o777).toBe(0o755);
});

test('version 2: a weight outside of the range is brought into it', () => {
  const { cgroup, read } = unified(['cpu']);
  cgroup.apply({ cpuunits: 262_144 });
  expect(read('ryokan-pve1', '100', 'cpu.weight')).toBe('10000');
});

test('missing controllers become warnings, and only for what was asked', () => {
  const { cgroup } = unified([]);
  expect(cgroup.apply({})).toEqual([]);
  expect(cgroup.apply({ cpulimit: 2, affinity: '0' })).toEqual([
    "cpulimit has no effect: this host offers no 'cpu' control group",
    "affinity 0 has no effect: this host offers no 'cpuset' control group",
  ]);
  const none = guestCgroup(100, 'pve1', { v1: {} });
  expect(none.apply({ cpuunits: 50 })).toEqual([
    "cpuunits has no effect: this host offers no 'cpu' control group",
  ]);
  expect(none.addProcess(process.pid)).toEqual([]);
  expect(none.stats()).toEqual({});
  none.remove();
});

test('version 2: usage in microseconds', () => {
  const { cgroup } = unified(['cpu']);
  writeFileSync(
    join(root, 'ryokan-pve1', '100', 'cpu.stat'),
    'usage_usec 1234\nuser_usec 1\nthrottled_usec 56\n',
  );
  expect(cgroup.stats()).toEqual({ cpuMicroseconds: 1234, throttledMicroseconds: 56 });
});
