/**
 * A snapshot without memory of a running guest: how long its QEMU answers nobody meanwhile, which is the longest that the
 * guest's own I/O can stand still; beside the same command by hand over QMP.
 */

import { join } from 'node:path';
import { run } from '@ryokan/server/host/exec.ts';
import type { ApiSession } from '../test/lib/api-session.ts';
import { startNode, type TestNode } from '../test/lib/node.ts';
import { QmpConnection } from '../test/lib/qmp.ts';
import { asRatio, type BenchContext, type Measured, pairwise, spread } from './lib/figure.ts';
import { TaskEnds } from './lib/task-ends.ts';

const vmid = 100;
const rounds = 7;
/** GiB of the disk that are data: the more of them, the larger are the tables that a snapshot writes. */
const written = 2;
/** The longest pause (ms). */
const longest = 100;

export async function snapshot({ note }: BenchContext): Promise<Measured[]> {
  const node = await startNode({ name: 'bench' });
  let ends: TaskEnds | undefined;
  try {
    const admin = await node.admin();
    ends = await TaskEnds.open(admin, node.url);
    const disk = 'local:8,iothread=1';
    await admin.run('POST', `${node.path}/qemu`, {
      ...{ vmid, memory: 512, scsihw: 'virtio-scsi-single', scsi0: disk, ide2: 'none,media=cdrom' },
    });
    await fill(join(node.dataDir, `storage/images/${vmid}/vm-${vmid}-disk-0.qcow2`));
    await admin.run('POST', `${node.path}/qemu/${vmid}/status/start`);
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      note(`round ${round + 1} of ${rounds}`);
      const take = { snapname: `by-api-${round}` };
      const path = `${node.path}/qemu/${vmid}/snapshot`;
      ours.push(await standstill(node, admin, () => ends?.run('POST', path, take)));
      raw.push(await standstill(node, admin, () => byHand(node, `by-hand-${round}`)));
    }
    const median = spread(ours);
    return [
      {
        name: `snapshot of a running guest of 512 MiB: QEMU answers nobody / the same by hand`,
        unit: 'ms',
        ours: median,
        raw: spread(raw),
        comparison: asRatio(pairwise(ours, raw, (a, b) => a / b)),
        target: { text: `under ${longest} ms, each time`, met: Math.max(...ours) < longest },
      },
    ];
  } finally {
    ends?.close();
    await node.stop();
  }
}

async function fill(path: string): Promise<void> {
  const commands = Array.from({ length: written * 4 }, (_, i) => [
    '-c',
    `write -q -P ${i + 1} ${i * 256}M 256M`,
  ]);
  await run('qemu-io', ['-f', 'qcow2', ...commands.flat(), path], { timeout: 120_000 });
}

/** The longest time (ms) between two answers of QEMU while `work` goes on, asked by the daemon's connection. */
async function standstill(node: TestNode, admin: ApiSession, work: () => unknown): Promise<number> {
  let over = false;
  const working = Promise.resolve(work()).finally(() => {
    over = true;
  });
  let longestGap = 0;
  for (let last = performance.now(); !over; ) {
    await admin.call('POST', `${node.path}/qemu/${vmid}/monitor`, { command: 'info status' });
    const now = performance.now();
    longestGap = Math.max(longestGap, now - last);
    last = now;
  }
  await working;
  return longestGap;
}

async function byHand(node: TestNode, name: string): Promise<void> {
  const qmp = await QmpConnection.open(node.guestSocket(vmid, 'qmp'));
  try {
    await qmp.execute('blockdev-snapshot-internal-sync', { device: 'drive-scsi0', name });
  } finally {
    qmp.close();
  }
}
