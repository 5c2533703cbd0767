import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { expect, test } from 'vitest';
import {
  commandLine,
  cpuInfo,
  cpuTimes,
  isAlive,
  loadAverage,
  memoryInfo,
  networkTraffic,
  parseCpuInfo,
  parseProcessStat,
  processIo,
  processStat,
  ticksPerSecond,
  uptime,
} from './procfs.ts';

test('fields count from the last bracket of the name', () => {
  const rest = 'S 1 2 3 0 -1 4194304 1 2 3 4 500 60 7 8 20 0 1 0 98765 1000000 256 18446744073709551615';
  expect(parseProcessStat(`12 (a) R 9 (b c) ${rest}`)).toEqual({
    state: 'S',
    parent: 1,
    group: 2,
    utime: 500,
    stime: 60,
    startTime: 98_765,
    rss: 256 * 4096,
  });
});

test('this process', () => {
  const stat = processStat(process.pid);
  expect(stat?.state).toBe('R');
  expect(stat?.parent).toBe(process.ppid);
  const age = uptime() - (stat?.startTime ?? 0) / ticksPerSecond;
  expect(age).toBeGreaterThanOrEqual(0);
  expect(Math.abs(age - process.uptime())).toBeLessThan(2);
  expect(stat?.rss).toBeGreaterThan(10 * 1024 * 1024);
  expect(isAlive(process.pid, stat?.startTime)).toBe(true);
  expect(isAlive(process.pid, (stat?.startTime ?? 0) + 1)).toBe(false);
  expect(commandLine(process.pid)[0]).toBe(process.argv0);
  expect(processIo(process.pid)?.read).toBeGreaterThanOrEqual(0);
});

test('an ended process that nobody has reaped is dead', async () => {
  // The shell becomes a program that never waits for its child, before that child ends.
  const shell = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 30'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [text] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number(text.toString());
    await expect.poll(() => processStat(pid)?.state, { timeout: 5000 }).toBe('Z');
    expect(isAlive(pid)).toBe(false);
  } finally {
    shell.kill('SIGKILL');
  }
});

test('no process', () => {
  expect(processStat(999_999_999)).toBeUndefined();
  expect(isAlive(999_999_999)).toBe(false);
  expect(commandLine(999_999_999)).toEqual([]);
  expect(processIo(999_999_999)).toBeUndefined();
});

test('the host', () => {
  const memory = memoryInfo();
  expect(memory.total).toBeGreaterThan(100 * 1024 * 1024);
  expect(memory.available).toBeGreaterThan(0);
  expect(memory.available).toBeLessThanOrEqual(memory.total);
  expect(loadAverage().every((load) => load >= 0)).toBe(true);
  expect(cpuInfo().cpus).toBe(cpus().length);
  const times = cpuTimes();
  expect(times.total).toBeGreaterThan(times.idle);
  expect(networkTraffic().get('lo')?.sent).toBeGreaterThanOrEqual(0);
});

test('two sockets with two cores of two threads each', () => {
  const block = (cpu: number) =>
    [
      `processor\t: ${cpu}`,
      'model name\t: Some CPU @ 2.00GHz',
      'cpu MHz\t\t: 1999.5',
      `physical id\t: ${cpu >> 2}`,
      `core id\t\t: ${(cpu >> 1) & 1}`,
      'flags\t\t: fpu vmx sse2',
      '',
    ].join('\n');
  const text = [0, 1, 2, 3, 4, 5, 6, 7].map(block).join('\n');
  expect(parseCpuInfo(text)).toEqual({
    model: 'Some CPU @ 2.00GHz',
    cpus: 8,
    cores: 4,
    sockets: 2,
    mhz: 1999.5,
    flags: ['fpu', 'vmx', 'sse2'],
    hardwareVirtualization: true,
  });
});
