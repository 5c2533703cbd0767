/**
 * Containers: starts beside mount and `lxc-start` with the same configuration, creation beside mkfs, mount and tar by
 * hand, ten at once, and what a running one costs beside its own processes.
 */
import { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MountNamespace } from '@ryokan/server/guests/lxc/mount-namespace.ts';
import { run } from '@ryokan/server/host/exec.ts';
import { withUserNamespace } from '@ryokan/server/host/user-namespace.ts';
import type { ApiSession } from '../test/lib/api-session.ts';
import { writeBusyboxTemplate } from '../test/lib/busybox-template.ts';
import { debianTemplate } from '../test/lib/debian-template.ts';
import { startNode, type TestNode } from '../test/lib/node.ts';
import { sleep, waitFor } from '../test/lib/wait.ts';
import {
  asDifference,
  asRatio,
  type BenchContext,
  type Measured,
  pairwise,
  single,
  spread,
} from './lib/figure.ts';
import { memoryOf, nodeProcesses } from './lib/processes.ts';
import { TaskEnds } from './lib/task-ends.ts';

const startRounds = 15;
const createRounds = 5;
const crowd = 10;
/** What the product may add to the raw start (ms), and how much longer than by hand a creation may take. */
const allowance = 60;
const factor = 1.15;
/** Megabytes that a running container may cost beside its processes. */
const memoryLimit = 4;
/** Pause before each measurement (ms): the worker that waits as a spare has to be ready again, as it is in real life. */
const settle = 700;
/** Seconds without a call before memory is read. */
const quiet = 10;
const ids = [{ container: 0, host: 100_000, count: 65_536 }];

interface Bench {
  readonly node: TestNode;
  readonly admin: ApiSession;
  readonly ends: TaskEnds;
  readonly note: BenchContext['note'];
}

export async function lxc({ note }: BenchContext): Promise<Measured[]> {
  const node = await startNode({ name: 'bench' });
  let ends: TaskEnds | undefined;
  try {
    const admin = await node.admin();
    ends = await TaskEnds.open(admin, node.url);
    const bench = { node, admin, ends, note };
    await putTemplates(bench);
    return [
      await starts(bench, 'busybox', 100, { rootfs: 'local:0.1' }),
      await starts(bench, 'Debian systemd', 101, {
        ...{ ostemplate: 'local:vztmpl/debian.tar.zst', rootfs: 'local:1', features: 'nesting=1' },
      }),
      await creations(bench),
      ...(await atOnce(bench)),
    ];
  } finally {
    ends?.close();
    await removeAll(node).catch((error: unknown) => note(String(error)));
    await node.stop();
  }
}

async function putTemplates({ node, note }: Bench): Promise<void> {
  const cache = join(node.dataDir, 'storage/template/cache');
  await mkdir(cache, { recursive: true });
  await writeBusyboxTemplate(join(cache, 'busybox.tar.gz'));
  note('the Debian template: minutes, when it is not in the cache');
  await copyFile(await debianTemplate(node), join(cache, 'debian.tar.zst'));
}

const path = ({ node }: Pick<Bench, 'node'>, vmid: number, rest = '') => `${node.path}/lxc/${vmid}${rest}`;

function create(bench: Bench, vmid: number, options: Record<string, string>): Promise<number> {
  return bench.ends.run('POST', `${bench.node.path}/lxc`, {
    ...{ vmid, ostemplate: 'local:vztmpl/busybox.tar.gz', hostname: `bench${vmid}`, ...options },
  });
}

async function starts(
  bench: Bench,
  name: string,
  vmid: number,
  options: Record<string, string>,
): Promise<Measured> {
  const { ends, note, admin } = bench;
  await create(bench, vmid, options);
  const [ours, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round < startRounds; round++) {
    note(`${name}: start ${round + 1} of ${startRounds}`);
    await sleep(settle);
    const begun = performance.now();
    ours.push((await ends.run('POST', path(bench, vmid, '/status/start'))) - begun);
    const byHand = await learn(bench, vmid);
    await admin.run('POST', path(bench, vmid, '/status/stop'));
    await sleep(settle);
    raw.push(await byHand.start());
  }
  const onTop = pairwise(ours, raw, (a, b) => a - b);
  return {
    name: `start of ${name}: call to end of task / mount and lxc-start`,
    unit: 'ms',
    ours: spread(ours),
    raw: spread(raw),
    comparison: asDifference(onTop, 'ms'),
    target: { text: `at most ${allowance} ms on top`, met: onTop <= allowance },
  };
}

/** Takes over the configuration that the product has made for LXC; `start` gives the time (ms) of mount and lxc-start. */
async function learn({ node }: Bench, vmid: number): Promise<{ start: () => Promise<number> }> {
  const folder = join(node.dataDir, 'by-hand');
  const own = join(folder, String(vmid));
  await mkdir(own, { recursive: true });
  const theirs = join(node.dataDir, 'run/lxc', String(vmid));
  const config = await readFile(join(theirs, 'config'), 'utf8');
  await copyFile(join(theirs, 'seccomp'), join(own, 'seccomp'));
  await writeFile(join(own, 'config'), config.replaceAll(theirs, own));
  const name = ['--name', String(vmid), '--lxcpath', folder];
  const command = ['lxc-start', ...name, '--rcfile', join(own, 'config'), '--daemon'];
  return {
    async start() {
      const namespace = await MountNamespace.open(command, folder);
      try {
        const image = join(node.dataDir, `storage/images/${vmid}/vm-${vmid}-disk-0.raw`);
        const begun = performance.now();
        await namespace.mount(['-o', 'loop', image, namespace.folder('root')]);
        const { code, words } = await namespace.become(AbortSignal.timeout(60_000));
        const took = performance.now() - begun;
        if (code !== 0) throw new Error(`lxc-start by hand: ${words}`);
        return took;
      } finally {
        namespace.close();
        await run('lxc-stop', [...name, '--kill'], { okCodes: [0, 1, 2] });
        await waitFor(async () => !(await isLooped(node, vmid)), { timeout: 30, what: 'the end by hand' });
      }
    },
  };
}

async function isLooped(node: TestNode, vmid: number): Promise<boolean> {
  const { stdout } = await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']);
  return stdout.includes(join(node.dataDir, `storage/images/${vmid}/`));
}

async function creations(bench: Bench): Promise<Measured> {
  const { node, admin, note } = bench;
  const template = join(node.dataDir, 'storage/template/cache/debian.tar.zst');
  const [ours, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round < createRounds; round++) {
    note(`creation ${round + 1} of ${createRounds}`);
    await sleep(settle);
    const begun = performance.now();
    const end = await create(bench, 110, { ostemplate: 'local:vztmpl/debian.tar.zst', rootfs: 'local:1' });
    ours.push(end - begun);
    await admin.run('DELETE', path(bench, 110));
    await sleep(settle);
    raw.push(await createByHand(node, template));
  }
  const ratio = pairwise(ours, raw, (a, b) => a / b);
  return {
    name: 'create from a Debian template, call to end of task / mkfs, mount, tar, umount',
    unit: 'ms',
    ours: spread(ours),
    raw: spread(raw),
    comparison: asRatio(ratio),
    target: { text: `at most ×${factor}`, met: ratio <= factor },
  };
}

/** With the owners that an unprivileged container has, as the product does. */
async function createByHand(node: TestNode, template: string): Promise<number> {
  const [image, root] = [join(node.dataDir, 'by-hand.raw'), join(node.dataDir, 'by-hand-root')];
  await mkdir(root, { recursive: true });
  const begun = performance.now();
  await writeFile(image, '');
  await truncate(image, 1024 ** 3);
  await run('mkfs.ext4', ['-q', '-F', '-E', 'root_owner=100000:100000', image]);
  await run('mount', ['-o', 'loop', image, root]);
  try {
    await withUserNamespace(ids, (namespace) => {
      const enter = ['--user=/proc/self/fd/3', '--setuid', '0', '--setgid', '0', 'tar'];
      const words = ['--zstd', '--numeric-owner', '--xattrs', '--acls', '-xpf', '-', '-C', root];
      const shell = `exec nsenter "$@" < '${template}'`;
      return run('sh', ['-c', shell, 'sh', ...enter, ...words], { files: [namespace] });
    });
  } finally {
    await run('umount', [root]);
  }
  const took = performance.now() - begun;
  await rm(image);
  return took;
}

async function atOnce(bench: Bench): Promise<Measured[]> {
  const { node, note } = bench;
  const vmids = Array.from({ length: crowd }, (_, i) => 200 + i);
  const before = await costs(bench);
  note(`${crowd} at once`);
  const begun = performance.now();
  const ended = await Promise.all(
    vmids.map(async (vmid) => {
      await create(bench, vmid, { rootfs: 'local:0.1', memory: '64' });
      return bench.ends.run('POST', path(bench, vmid, '/status/start'));
    }),
  );
  const took = Math.max(...ended) - begun;
  const cost = ((await costs(bench)) - before) / crowd / 1e6;
  note(`${node.name}: each costs ${cost.toFixed(2)} MB`);
  return [
    { name: `${crowd} busybox created and started at once`, unit: 'ms', ours: single(took) },
    {
      name: 'memory of a running container beside its own processes, shared pages counted once',
      unit: 'MB',
      ours: single(cost),
      target: { text: `less than ${memoryLimit} MB`, met: cost < memoryLimit },
    },
  ];
}

/** Bytes of the node's processes and of LXC's monitors. */
async function costs({ node, admin, note }: Bench): Promise<number> {
  note(`memory: ${quiet} s of quiet`);
  await sleep(quiet * 1000);
  const rows = await admin.get<{ vmid: number; status: string }[]>(`${node.path}/lxc`);
  const running = rows.filter(({ status }) => status === 'running').map(({ vmid }) => vmid);
  const monitors = await Promise.all(
    running.map(async (vmid) =>
      Number.parseInt(await readFile(join(node.dataDir, `run/lxc/${vmid}.pid`), 'utf8'), 10),
    ),
  );
  return memoryOf([...nodeProcesses(await node.daemonPid()), ...monitors]).proportional;
}

async function removeAll(node: TestNode): Promise<void> {
  const admin = await node.admin();
  for (const { vmid } of await admin.get<{ vmid: number }[]>(`${node.path}/lxc`))
    await admin.run('DELETE', `${node.path}/lxc/${vmid}`, { force: 1 });
}
