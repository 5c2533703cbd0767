/** Moving the disk of a running guest by the API, beside blockdev-mirror of the same disk driven by hand over QMP. */
import { chown, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '@ryokan/server/host/exec.ts';
import type { ApiSession } from '../test/lib/api-session.ts';
import { startNode, type TestNode } from '../test/lib/node.ts';
import { QmpConnection } from '../test/lib/qmp.ts';
import { sleep, waitFor } from '../test/lib/wait.ts';
import { asRatio, type BenchContext, type Measured, pairwise, spread } from './lib/figure.ts';
import { learnCommandLine, type RawGuest } from './lib/raw-guest.ts';
import { TaskEnds } from './lib/task-ends.ts';

const vmid = 100;
const rounds = 5;
/** GiB of the disk, all of it written. */
const gib = 2;
/** What the product has to reach of the rate by hand. */
const share = 0.9;

export async function mirror({ note }: BenchContext): Promise<Measured[]> {
  const node = await startNode({ name: 'bench' });
  let ends: TaskEnds | undefined;
  try {
    const admin = await node.admin();
    ends = await TaskEnds.open(admin, node.url);
    await admin.run('POST', `${node.path}/qemu`, {
      ...{ vmid, memory: 64, scsihw: 'virtio-scsi-single', freeze: 1 },
      scsi0: `local:${gib},iothread=1`,
    });
    await fill(imagePath(node, await diskOf(node, admin)));
    await admin.run('POST', `${node.path}/qemu/${vmid}/status/start`);
    const account = await learnCommandLine(node, vmid);
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      note(`round ${round + 1} of ${rounds}`);
      ours.push(rate(await timedMove(node, admin, ends)));
      raw.push(rate(await timedByHand(node, account)));
    }
    const ratio = pairwise(ours, raw, (a, b) => a / b);
    return [
      {
        name: `live move of a disk of ${gib} GiB / blockdev-mirror by hand`,
        unit: 'MiB/s',
        ours: spread(ours),
        raw: spread(raw),
        comparison: asRatio(ratio),
        target: { text: `at least ×${share}`, met: ratio >= share },
      },
    ];
  } finally {
    ends?.close();
    await node.stop();
  }
}

/** MiB a second. */
const rate = (milliseconds: number): number => (gib * 1024 * 1000) / milliseconds;

async function diskOf(node: TestNode, admin: ApiSession): Promise<string> {
  const { scsi0 = '' } = await admin.get<{ scsi0?: string }>(`${node.path}/qemu/${vmid}/config`);
  return scsi0.split(',')[0] ?? '';
}

const imagePath = (node: TestNode, volid: string): string =>
  join(node.dataDir, 'storage/images', volid.replace(/^local:/, ''));

/** Every byte is data, so that holes make neither side faster. */
async function fill(path: string): Promise<void> {
  const commands = Array.from({ length: gib * 4 }, (_, i) => ['-c', `write -q -P ${i + 1} ${i * 256}M 256M`]);
  await run('qemu-io', ['-f', 'qcow2', ...commands.flat(), path], { timeout: 120_000 });
}

/** From the call to the end of the task; to the other format and, not counted, what was left is removed. */
async function timedMove(node: TestNode, admin: ApiSession, ends: TaskEnds): Promise<number> {
  await back(node, admin);
  await run('sync', []);
  await sleep(700);
  const begun = performance.now();
  const end = await ends.run('POST', `${node.path}/qemu/${vmid}/move_disk`, {
    ...{ disk: 'scsi0', storage: 'local', format: 'raw' },
  });
  return end - begun;
}

/** A qcow2 image again, and nothing unused. */
async function back(node: TestNode, admin: ApiSession): Promise<void> {
  const path = `${node.path}/qemu/${vmid}`;
  const params = { disk: 'scsi0', storage: 'local', format: 'qcow2', delete: 1 };
  const { unused0 } = await admin.get<{ unused0?: string }>(`${path}/config`);
  if (unused0 === undefined) return;
  await admin.call('PUT', `${path}/unlink`, { idlist: 'unused0', force: 1 });
  await admin.run('POST', `${path}/move_disk`, params, 300);
}

/** The disk, which is raw now, into a new raw image: from the making of the target until the job has ended. */
async function timedByHand(node: TestNode, { uid, gid }: RawGuest): Promise<number> {
  const target = join(node.dataDir, 'storage/images', String(vmid), 'by-hand.raw');
  await run('sync', []);
  await sleep(700);
  const qmp = await QmpConnection.open(node.guestSocket(vmid, 'qmp'));
  try {
    const begun = performance.now();
    await run('qemu-img', ['create', '-q', '-f', 'raw', target, `${gib}G`]);
    await chown(target, uid, gid);
    const file = { driver: 'file', filename: target, aio: 'io_uring', discard: 'unmap' };
    await qmp.execute('blockdev-add', {
      ...{ 'node-name': 'by-hand', driver: 'raw', file, discard: 'unmap' },
      cache: { direct: true, 'no-flush': false },
    });
    await qmp.execute('blockdev-mirror', {
      ...{ 'job-id': 'by-hand', device: await filterOf(qmp), target: 'by-hand', sync: 'full' },
    });
    const jobs = () => qmp.execute('query-block-jobs') as Promise<{ ready: boolean }[]>;
    const wait = { timeout: 300, every: 5, what: 'the mirror' };
    await waitFor(async () => (await jobs()).some((job) => job.ready), wait);
    await qmp.execute('block-job-cancel', { device: 'by-hand' });
    await waitFor(async () => (await jobs()).length === 0, wait);
    const took = performance.now() - begun;
    await qmp.execute('blockdev-del', { 'node-name': 'by-hand' });
    return took;
  } finally {
    qmp.close();
    await rm(target, { force: true });
  }
}

/** The drive's filter, which gets another name when the disk moves. */
async function filterOf(qmp: QmpConnection): Promise<string> {
  const nodes = (await qmp.execute('query-named-block-nodes', { flat: true })) as { 'node-name': string }[];
  return nodes.find((node) => /^drive-scsi0(-\d+)?$/.test(node['node-name']))?.['node-name'] ?? '';
}
