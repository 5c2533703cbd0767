import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataPaths } from '../../host/paths.ts';
import { claimPidFile } from '../../host/pidfile.ts';
import type { GuestServices } from '../guest-services.ts';
import { QemuMonitor } from './monitor.ts';
import { qemuRunPaths } from './run-paths.ts';

let root: string;
let server: Server | undefined;
let monitor: QemuMonitor;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ryokan-monitor-'));
});
afterEach(async () => {
  monitor.close();
  server?.close();
  await rm(root, { recursive: true });
});

/** Speaks QMP as QEMU does; `answers` are what query-status is answered with, each in one write. */
function fakeQemu(path: string, answers: readonly ((id: number) => string)[]): Promise<void> {
  const left = [...answers];
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('{"QMP":{"version":{"qemu":{"major":7,"minor":2,"micro":0}},"capabilities":[]}}\r\n');
    socket.on('data', (chunk) => {
      for (const line of String(chunk).trim().split('\n')) {
        const { execute, id } = JSON.parse(line) as { execute: string; id: number };
        if (execute === 'query-status')
          socket.write(left.length > 1 ? (left.shift()?.(id) ?? '') : (left[0]?.(id) ?? ''));
        else {
          const answer = execute === 'qom-get' ? '"pc-i440fx-7.2-machine"' : '{}';
          socket.write(`{"return":${answer},"id":${id}}\r\n`);
        }
      }
    });
  });
  return new Promise((resolve) => server?.listen(path, resolve));
}

const status = (name: string) => (id: number) => `{"return":{"status":"${name}"},"id":${id}}\r\n`;
const event = (name: string) => `{"event":"${name}","timestamp":{"seconds":1,"microseconds":0}}\r\n`;

async function monitored(answers: readonly ((id: number) => string)[]): Promise<void> {
  const paths = dataPaths(root);
  mkdirSync(paths.qemuRun, { recursive: true });
  await fakeQemu(qemuRunPaths(paths, 100).event, answers);
  claimPidFile(qemuRunPaths(paths, 100).pid);
  const log = { warn() {}, error() {} };
  monitor = new QemuMonitor({ paths, log } as unknown as GuestServices, () => {});
  await monitor.open();
}

test('an event in the same read as the first state is not lost', async () => {
  await monitored([(id) => status('prelaunch')(id) + event('RESUME'), status('running')]);
  await expect.poll(() => monitor.get(100)?.watch?.qmpstatus).toBe('running');
  expect(monitor.get(100)?.watch?.machine).toBe('pc-i440fx-7.2');
});

test('a question to a guest gets the connection, or says that it does not run', async () => {
  await monitored([status('running')]);
  expect(await (await monitor.connection(100)).execute('query-status')).toEqual({ status: 'running' });
  await expect(monitor.connection(101)).rejects.toThrow('VM 101 not running');
});
