/** `./ryokan up --detach` until the node serves, beside the start of Node.js with nothing to do. */
import { run } from '@ryokan/server/host/exec.ts';
import { startNode } from '../test/lib/node.ts';
import { asRatio, type BenchContext, type Measured, spread } from './lib/figure.ts';

const warmRounds = 5;
const firstRounds = 3;

export async function startUp({ note }: BenchContext): Promise<Measured[]> {
  const first: number[] = [];
  const again: number[] = [];
  const bare: number[] = [];
  for (let round = 1; round <= firstRounds; round++) {
    note(`first start ${round} of ${firstRounds}`);
    let node: Awaited<ReturnType<typeof startNode>> | undefined;
    first.push(
      await timed(async () => {
        node = await startNode({ name: 'bench' });
      }),
    );
    try {
      for (let more = 0; more < share(warmRounds, firstRounds, round); more++) {
        await node?.down();
        again.push(await timed(() => node?.up()));
        bare.push(await timed(() => run(process.execPath, ['-e', '0'])));
      }
    } finally {
      await node?.stop();
    }
  }
  const [ours, raw] = [spread(again), spread(bare)];
  return [
    {
      name: 'up --detach to ready / node -e 0',
      unit: 'ms',
      ours,
      raw,
      comparison: asRatio(ours.median / raw.median),
    },
    { name: 'up --detach with a new data folder', unit: 'ms', ours: spread(first) },
  ];
}

/** How many of `total` fall on part `part` (from 1) of `parts`. */
const share = (total: number, parts: number, part: number): number =>
  Math.floor((total * part) / parts) - Math.floor((total * (part - 1)) / parts);

async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
