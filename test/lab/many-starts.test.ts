/** 50 starts at once on a small machine. In test/lab because the guests alone take a minute to make; bad-days.test.ts starts 12. */
import { expect, test } from 'vitest';
import { startMany } from '../lib/many-starts.ts';
import { startNode } from '../lib/node.ts';

test('50 starts at once: none is lost, and the node answers meanwhile', async () => {
  const node = await startNode();
  try {
    const { ends, states, total, latencies } = await startMany(node, await node.admin(), {
      first: 500,
      count: 50,
    });
    const [median = 0, longest = 0] = [latencies[latencies.length >> 1], latencies.at(-1)];
    const figures = [total, median, longest].map((ms) => `${Math.round(ms)} ms`);
    console.log(`50 starts: ${figures[0]} in all; /version: median ${figures[1]}, longest ${figures[2]}`);
    expect(ends.filter((end) => end !== 'OK')).toEqual([]);
    expect(states.filter((state) => state !== 'running')).toEqual([]);
    expect(longest).toBeLessThan(5_000);
  } finally {
    await node.stop();
  }
}, 900_000);
