/**
 * Clones by the API beside qemu-img and QEMU by hand: one linked clone of a template of 8 GiB; and 20 of them made and
 * started at once, beside a shell script that does the same one after the other.
 */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '@ryokan/server/host/exec.ts';
import type { ApiSession } from '../test/lib/api-session.ts';
import { startNode, type TestNode } from '../test/lib/node.ts';
import { sleep } from '../test/lib/wait.ts';
import { asDifference, asRatio, type BenchContext, type Measured, pairwise, spread } from './lib/figure.ts';
import { learnCommandLine, type RawGuest } from './lib/raw-guest.ts';
import { TaskEnds } from './lib/task-ends.ts';

const template = 900;
const cloneRounds = 15;
const crowdRounds = 3;
const crowd = 20;
/** What the product may add to the raw clone (ms). */
const allowance = 100;
/** How much longer the crowd may take than by hand. */
const factor = 1.2;
/** Pause before each clone (ms): the worker that waits as a spare has to be ready again, as it is in real life. */
const settle = 700;

interface Bench {
  readonly node: TestNode;
  readonly admin: ApiSession;
  readonly ends: TaskEnds;
  /** Path of the template's disk. */
  readonly base: string;
}

export async function clone({ note }: BenchContext): Promise<Measured[]> {
  const node = await startNode({ name: 'bench' });
  let ends: TaskEnds | undefined;
  try {
    const admin = await node.admin();
    ends = await TaskEnds.open(admin, node.url);
    await admin.run('POST', `${node.path}/qemu`, {
      ...{ vmid: template, name: 'base', memory: 64, scsihw: 'virtio-scsi-single' },
      ...{ scsi0: 'local:8,iothread=1', ide2: 'none,media=cdrom', serial0: 'socket' },
    });
    await admin.run('POST', `${node.path}/qemu/${template}/template`);
    const base = join(node.dataDir, `storage/images/${template}/base-${template}-disk-0.qcow2`);
    const bench = { node, admin, ends, base };
    return [await oneClone(bench, note), await manyAtOnce(bench, note)];
  } finally {
    ends?.close();
    await node.stop();
  }
}

async function oneClone({ node, admin, ends, base }: Bench, note: BenchContext['note']): Promise<Measured> {
  const [ours, raw]: [number[], number[]] = [[], []];
  const byHand = join(node.dataDir, 'by-hand.qcow2');
  for (let round = 0; round < cloneRounds; round++) {
    note(`linked clone ${round + 1} of ${cloneRounds}`);
    await sleep(settle);
    const begun = performance.now();
    ours.push((await ends.run('POST', `${node.path}/qemu/${template}/clone`, { newid: 901 })) - begun);
    await admin.run('DELETE', `${node.path}/qemu/901`);
    await sleep(settle);
    const begunByHand = performance.now();
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', byHand]);
    raw.push(performance.now() - begunByHand);
    await rm(byHand);
  }
  const onTop = pairwise(ours, raw, (a, b) => a - b);
  return {
    name: 'linked clone, 8 GiB: call to end of task / qemu-img create -b',
    unit: 'ms',
    ours: spread(ours),
    raw: spread(raw),
    comparison: asDifference(onTop, 'ms'),
    target: { text: `at most ${allowance} ms on top`, met: onTop <= allowance },
  };
}

async function manyAtOnce(bench: Bench, note: BenchContext['note']): Promise<Measured> {
  const [ours, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round < crowdRounds; round++) {
    note(`${crowd} clones and starts at once, round ${round + 1} of ${crowdRounds}`);
    const vmids = Array.from({ length: crowd }, (_, i) => 7300 + i);
    await sleep(2000);
    ours.push(await crowdByApi(bench, vmids));
    const learnt = await learnCommandLine(bench.node, 7300);
    await removeAll(bench, vmids);
    await sleep(2000);
    raw.push(await crowdByHand(bench, learnt));
  }
  const ratio = pairwise(ours, raw, (a, b) => a / b);
  return {
    name: `${crowd} linked clones made and started at once / by a shell script`,
    unit: 'ms',
    ours: spread(ours),
    raw: spread(raw),
    comparison: asRatio(ratio),
    target: { text: `at most ×${factor}`, met: ratio <= factor },
  };
}

/** Milliseconds until the last guest runs. */
async function crowdByApi({ node, ends }: Bench, vmids: readonly number[]): Promise<number> {
  const begun = performance.now();
  const started = vmids.map(async (newid) => {
    await ends.run('POST', `${node.path}/qemu/${template}/clone`, { newid });
    return ends.run('POST', `${node.path}/qemu/${newid}/status/start`);
  });
  return Math.max(...(await Promise.all(started))) - begun;
}

async function removeAll({ node, admin }: Bench, vmids: readonly number[]): Promise<void> {
  for (const vmid of vmids) {
    await admin.run('POST', `${node.path}/qemu/${vmid}/status/stop`);
    await admin.run('DELETE', `${node.path}/qemu/${vmid}`);
  }
}

/** The same guests by a script that makes each image and starts each QEMU, which comes back when its guest runs. */
async function crowdByHand({ node, base }: Bench, { program, args }: RawGuest): Promise<number> {
  const folder = join(node.dataDir, 'by-hand');
  await mkdir(folder);
  // -S: the product lets the guest go itself; here it goes at once. The sandbox does not allow -daemonize.
  const words = args
    .filter((word, i) => word !== '-S' && word !== '-sandbox' && args[i - 1] !== '-sandbox')
    .map((word) => quoted(word, node, folder));
  const script = join(folder, 'crowd.sh');
  await writeFile(
    script,
    `#!/bin/sh\nset -e\nfor vmid in $(seq 1 ${crowd}); do
  qemu-img create -q -f qcow2 -b ${base} -F qcow2 ${folder}/$vmid.qcow2
  ${program} ${words.join(' ')} -daemonize -pidfile ${folder}/$vmid.pid
done\n`,
  );
  await chmod(script, 0o755);
  try {
    const begun = performance.now();
    await run(script, []);
    return performance.now() - begun;
  } finally {
    for (let vmid = 1; vmid <= crowd; vmid++) {
      const pid = Number(await readFile(join(folder, `${vmid}.pid`), 'utf8').catch(() => '0'));
      if (pid > 0) process.kill(pid, 'SIGKILL');
    }
    await rm(folder, { recursive: true });
  }
}

/** A word of the command line of guest 7300 for the script's guest `$vmid`, with sockets and image in its folder. */
function quoted(word: string, node: TestNode, folder: string): string {
  const moved = word
    .replaceAll(/storage\/images\/7300\/vm-7300-disk-0\.qcow2/g, 'by-hand/7300.qcow2')
    .replaceAll(join(node.dataDir, 'run/qemu'), folder);
  return `'${moved.replaceAll('7300', `'"$vmid"'`)}'`;
}
