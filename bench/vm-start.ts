/**
 * Starting a VM: from the API call until QEMU answers commands, beside the same QEMU with the same command line started
 * by hand, from exec until it answers.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { ApiSession } from '../test/lib/api-session.ts';
import { startNode, type TestNode } from '../test/lib/node.ts';
import { sleep, waitFor } from '../test/lib/wait.ts';
import { asDifference, type BenchContext, type Measured, pairwise, spread } from './lib/figure.ts';
import { whenQmpAnswers } from './lib/qmp-ready.ts';
import { learnCommandLine, type RawGuest } from './lib/raw-guest.ts';

const rounds = 15;
const vmid = 100;
const patience = 30_000;
/** What the product may add to the raw start (ms). */
const allowance = 40;
/** Pause before each start (ms): the worker that waits as a spare has to be ready again, as it is in real life. */
const settle = 700;

/** Everything that an ordinary guest has and that needs nothing of the host. */
const guest = {
  vmid,
  name: 'bench',
  memory: 512,
  cores: 2,
  scsihw: 'virtio-scsi-single',
  scsi0: 'local:1,iothread=1',
  ide2: 'none,media=cdrom',
  net0: 'virtio',
  serial0: 'socket',
  agent: 1,
  rng0: 'source=/dev/urandom',
};

interface Started {
  /** Milliseconds from the call to each event. */
  readonly answered: number;
  readonly listed: number;
  readonly ready: number;
}

export async function vmStart({ note }: BenchContext): Promise<Measured[]> {
  const node = await startNode({ name: 'bench' });
  try {
    const admin = await node.admin();
    await admin.run('POST', `${node.path}/qemu`, guest);
    const raw = await learn(node, admin);
    const ours: Started[] = [];
    const byHand: number[] = [];
    for (let round = 0; round < rounds; round++) {
      note(`round ${round + 1} of ${rounds}`);
      ours.push(await timedStart(node, admin));
      await stop(node, admin);
      byHand.push(await timedRawStart(node, raw));
    }
    return figures(ours, byHand);
  } finally {
    await node.stop();
  }
}

function figures(ours: readonly Started[], byHand: readonly number[]): Measured[] {
  const ready = ours.map((one) => one.ready);
  const onTop = pairwise(ready, byHand, (a, b) => a - b);
  const listed = ours.map((one) => one.listed);
  return [
    {
      name: 'call to QMP ready / exec to QMP ready',
      unit: 'ms',
      ours: spread(ready),
      raw: spread(byHand),
      comparison: asDifference(onTop, 'ms'),
      target: { text: `at most ${allowance} ms on top`, met: onTop <= allowance },
    },
    { name: 'call to its answer, the UPID', unit: 'ms', ours: spread(ours.map((one) => one.answered)) },
    {
      name: 'call to task seen in the list',
      unit: 'ms',
      ours: spread(listed),
      // timedStart asks for the list once, straight after the answer, and throws when the task is not in it.
      target: { text: 'at once: first list after the answer', met: true },
    },
  ];
}

/** Starts the guest once by the API, and takes from its process what it takes to start it by hand. */
async function learn(node: TestNode, admin: ApiSession): Promise<RawGuest> {
  await admin.run('POST', `${node.path}/qemu/${vmid}/status/start`);
  const raw = await learnCommandLine(node, vmid);
  await stop(node, admin);
  return raw;
}

async function timedStart(node: TestNode, admin: ApiSession): Promise<Started> {
  await sleep(settle);
  const qmp = whenQmpAnswers(node.guestSocket(vmid, 'qmp'), patience);
  const begun = performance.now();
  const upid = await admin.call<string>('POST', `${node.path}/qemu/${vmid}/status/start`);
  const answered = performance.now() - begun;
  const tasks = await admin.get<{ upid: string }[]>(`${node.path}/tasks`, { source: 'all', limit: 5 });
  const listed = performance.now() - begun;
  if (!tasks.some((task) => task.upid === upid)) throw new Error(`task ${upid} is not in the list`);
  const ready = (await qmp) - begun;
  const end = await admin.taskEnd(upid);
  if (end.exitstatus !== 'OK') throw new Error(`start: ${end.exitstatus}\n${end.log.join('\n')}`);
  return { answered, listed, ready };
}

async function stop(node: TestNode, admin: ApiSession): Promise<void> {
  await admin.run('POST', `${node.path}/qemu/${vmid}/status/stop`);
  await waitFor(() => !existsSync(node.guestSocket(vmid, 'qmp')), {
    timeout: 10,
    what: 'the end of the guest',
  });
}

async function timedRawStart(node: TestNode, { program, args, uid, gid }: RawGuest): Promise<number> {
  await sleep(settle);
  const qmp = whenQmpAnswers(node.guestSocket(vmid, 'qmp'), patience);
  const begun = performance.now();
  const child = spawn(program, args, { uid, gid, cwd: '/', stdio: 'ignore' });
  try {
    return (await qmp) - begun;
  } finally {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    for (const kind of ['qmp', 'event', 'vnc', 'qga', 'serial0']) {
      await rm(node.guestSocket(vmid, kind), { force: true });
    }
  }
}
