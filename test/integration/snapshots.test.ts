/** Snapshots of real guests through the API: disks are written by QEMU while they run, and read back. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let admin: ApiSession;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
});
afterAll(() => node?.stop());

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const image = (vmid: number, disk: number) =>
  join(node.dataDir, 'storage/images', String(vmid), `vm-${vmid}-disk-${disk}.qcow2`);
const snapshot = (vmid: number, snapname: string) => admin.run('POST', qemu(vmid, '/snapshot'), { snapname });
const rollback = (vmid: number, name: string, params = {}) =>
  admin.run('POST', qemu(vmid, `/snapshot/${name}/rollback`), params);

interface Row {
  readonly name: string;
  readonly parent?: string;
  readonly running?: number;
}
const rows = async (vmid: number) =>
  Object.fromEntries((await admin.get<Row[]>(qemu(vmid, '/snapshot'))).map((row) => [row.name, row.parent]));

/** Writes a byte into each disk, by QEMU itself where the guest runs. */
async function write(vmid: number, byte: number, running: boolean): Promise<void> {
  for (const disk of [0, 1, 2]) {
    const command = `write -q -P ${byte + disk} 0 4k`;
    if (!running) await run('qemu-io', ['-f', 'qcow2', '-c', command, image(vmid, disk)]);
    else {
      const answer = await admin.call('POST', qemu(vmid, '/monitor'), {
        command: `qemu-io -d scsi${disk} "${command}"`,
      });
      expect(answer).toBe('');
    }
  }
}

async function firstBytes(vmid: number): Promise<number[]> {
  const found: number[] = [];
  for (const disk of [0, 1, 2]) {
    const args = ['-r', '-f', 'qcow2', '-c', 'read -v 0 512', image(vmid, disk)];
    const { stdout } = await run('qemu-io', args);
    found.push(Number.parseInt(/^[0-9a-f]+:\s+([0-9a-f]{2})/m.exec(stdout)?.[1] ?? '', 16));
  }
  return found;
}

const disks = { scsi0: 'local:1,format=qcow2', scsi1: 'local:1,format=qcow2', scsi2: 'local:1,format=qcow2' };

test('a tree over three disks, taken while the guest runs and while it does not', async () => {
  await admin.run('POST', `${node.path}/qemu`, { vmid: 300, memory: 64, ...disks });
  await write(300, 10, false);
  await snapshot(300, 'root');
  await admin.run('POST', qemu(300, '/status/start'));
  await write(300, 20, true);
  await snapshot(300, 'left');
  await write(300, 30, true);
  await rollback(300, 'root', { start: 1 });
  await write(300, 40, true);
  await snapshot(300, 'right');
  expect(await rows(300)).toEqual({ root: undefined, left: 'root', right: 'root', current: 'right' });
  await rollback(300, 'left');
  expect(await firstBytes(300)).toEqual([20, 21, 22]);
  await rollback(300, 'right');
  expect(await firstBytes(300)).toEqual([40, 41, 42]);
  await rollback(300, 'root');
  expect(await firstBytes(300)).toEqual([10, 11, 12]);
});

test('any one can be removed, also while the guest runs; the others stay', async () => {
  await rollback(300, 'left', { start: 1 });
  await admin.run('DELETE', qemu(300, '/snapshot/root'));
  expect(await rows(300)).toEqual({ left: undefined, right: undefined, current: 'left' });
  await admin.run('POST', qemu(300, '/status/stop'));
  await rollback(300, 'right');
  expect(await firstBytes(300)).toEqual([40, 41, 42]);
  await admin.run('DELETE', qemu(300, '/snapshot/left'));
  const { stdout } = await run('qemu-img', ['snapshot', '-l', image(300, 1)]);
  expect([...stdout.matchAll(/^\d+\s+(\S+)/gm)].map((match) => match[1])).toEqual(['right']);
});

test('going back brings the configuration back, and keeps disks that came later', async () => {
  await admin.call('PUT', qemu(300, '/config'), { cores: 2, scsi3: 'local:1,format=qcow2' });
  await rollback(300, 'right');
  const config = await admin.get<Record<string, string>>(qemu(300, '/config'));
  expect(config.cores).toBeUndefined();
  expect([config.scsi3, config.unused0]).toEqual([undefined, 'local:300/vm-300-disk-3.qcow2']);
  expect(config.parent).toBe('right');
});

test('what cannot be is said: taken and reserved names, raw disks, unknown snapshots', async () => {
  const refused = async (vmid: number, snapname: string) =>
    (await admin.answer('POST', qemu(vmid, '/snapshot'), { snapname })).reason;
  expect(await refused(300, 'right')).toMatch(/already used/);
  expect(await refused(300, 'current')).toMatch(/reserved/);
  await admin.run('POST', `${node.path}/qemu`, { vmid: 301, memory: 32, scsi0: 'local:1,format=raw' });
  expect(await refused(301, 'one')).toMatch(/snapshot feature is not available: 'scsi0'/);
  expect((await admin.answer('DELETE', qemu(300, '/snapshot/none'))).reason).toBe(
    "snapshot 'none' does not exist",
  );
});

test('a worker killed at any moment: the guest runs, nothing is locked, configuration and disks agree', async () => {
  await admin.run('POST', qemu(300, '/status/start'));
  for (let round = 0; round < 12; round++) {
    const name = `kill-${round}`;
    const upid = await admin.call<string>('POST', qemu(300, '/snapshot'), { snapname: name });
    await new Promise((done) => setTimeout(done, round * 8));
    try {
      process.kill(Number.parseInt(upid.split(':')[2] ?? '', 16), 'SIGKILL');
    } catch {
      // It was through already.
    }
    await admin.taskEnd(upid, 30);
    const there = name in (await rows(300));
    for (const disk of [0, 1, 2]) {
      const { stdout } = await run('qemu-img', ['snapshot', '-U', '-l', image(300, disk)]);
      expect([name, disk, stdout.includes(` ${name} `)]).toEqual([name, disk, there]);
    }
    const config = await admin.get<Record<string, string>>(qemu(300, '/config'));
    expect([name, config.lock]).toEqual([name, undefined]);
    expect(await admin.get(qemu(300, '/status/current'))).toMatchObject({ qmpstatus: 'running' });
    if (there) await admin.run('DELETE', qemu(300, `/snapshot/${name}`));
  }
  await admin.run('POST', qemu(300, '/status/stop'));
}, 120_000);

test('removing the guest removes all', async () => {
  await admin.run('DELETE', qemu(300));
  expect((await admin.answer('GET', qemu(300, '/snapshot'))).status).toBe(500);
});
