/** What Ryokan itself takes of a machine while nobody asks it for anything. */
import type { TestNode } from '../test/lib/node.ts';
import { sleep, waitFor } from '../test/lib/wait.ts';
import { type BenchContext, type Measured, single } from './lib/figure.ts';
import { nodeWithGuests } from './lib/guests.ts';
import { cpuSeconds, memoryOf, nodeProcesses } from './lib/processes.ts';

/** Seconds without a call before memory is read. */
const quiet = 15;
const memoryLimits: Readonly<Record<number, number>> = { 0: 200, 1000: 260 };

const runningGuests = 10;
/**
 * Seconds for the firmware to come to its end and for a fresh worker to take the place of those that ran the starts (some
 * 0.4 s of CPU time, about 7 s after the last task); then the seconds over which CPU time is measured.
 */
const bootTime = 15;
const cpuTime = 20;
/** Percent of one core. */
const cpuLimit = 2;

export async function idle(context: BenchContext): Promise<Measured[]> {
  const nodes = [await nodeWithGuests(0)];
  try {
    nodes.push(await nodeWithGuests(1000));
    const memory = await measureMemory(nodes, context);
    await nodes.pop()?.stop();
    return [...memory, await measureCpu(context)];
  } finally {
    for (const node of nodes) await node.stop();
  }
}

async function measureMemory(nodes: readonly TestNode[], { note }: BenchContext): Promise<Measured[]> {
  for (const node of nodes) await useOnce(node);
  note(`memory: ${quiet} s of quiet`);
  await sleep(quiet * 1000);
  const figures: Measured[] = [];
  for (const [index, guests] of [0, 1000].entries()) {
    const node = nodes[index];
    if (!node) continue;
    const pids = nodeProcesses(await node.daemonPid());
    const { resident, proportional } = memoryOf(pids);
    const limit = memoryLimits[guests] ?? 0;
    const name = `memory with ${guests.toLocaleString('en')} guests`;
    figures.push(
      {
        name: `${name}, ${pids.length} processes, resident`,
        unit: 'MB',
        ours: single(megabytes(resident)),
        target: { text: `at most ${limit} MB`, met: megabytes(resident) <= limit },
      },
      { name: '  shared pages counted once', unit: 'MB', ours: single(megabytes(proportional)) },
    );
  }
  return figures;
}

const megabytes = (bytes: number): number => bytes / 1e6;

/** What a person who looks at the Web UI asks for, then goes away. */
async function useOnce(node: TestNode): Promise<void> {
  const admin = await node.admin();
  for (const path of ['/version', '/cluster/resources', '/cluster/tasks', `${node.path}/status`]) {
    await admin.get(path);
  }
  admin.close();
}

/** The smallest guests that really run: the firmware finds no boot device and says so again and again. */
const tinyGuest = (vmid: number): string =>
  `memory: 16\ncores: 1\nname: idle-${vmid}\nscsihw: virtio-scsi-pci\n`;

async function measureCpu({ note }: BenchContext): Promise<Measured> {
  const node = await nodeWithGuests(runningGuests, tinyGuest);
  try {
    const admin = await node.admin();
    const guests = await admin.get<{ vmid: number }[]>('/cluster/resources', { type: 'vm' });
    for (const { vmid } of guests) await admin.run('POST', `${node.path}/qemu/${vmid}/status/start`);
    await waitFor(async () => (await running(node)) === runningGuests, {
      timeout: 20,
      what: 'running guests',
    });
    admin.close();
    note(`CPU: ${bootTime + cpuTime} s with ${runningGuests} running guests`);
    await sleep(bootTime * 1000);
    const pids = nodeProcesses(await node.daemonPid());
    const [begun, before] = [performance.now(), cpuSeconds(pids)];
    await sleep(cpuTime * 1000);
    const share = ((cpuSeconds(pids) - before) / ((performance.now() - begun) / 1000)) * 100;
    return {
      name: `CPU with ${runningGuests} running guests, of one core`,
      unit: '%',
      ours: single(share),
      target: { text: `under ${cpuLimit} %`, met: share < cpuLimit },
    };
  } finally {
    await node.stop();
  }
}

async function running(node: TestNode): Promise<number> {
  const admin = await node.admin();
  const guests = await admin.get<{ status: string }[]>('/cluster/resources', { type: 'vm' });
  return guests.filter(({ status }) => status === 'running').length;
}
