/** Many guests that are started at the same moment, and what the node's other callers notice of it. */
import type { ApiSession } from './api-session.ts';
import type { TestNode } from './node.ts';
import { sleep } from './wait.ts';

export interface ManyStarts {
  /** Exit status of each task. */
  readonly ends: readonly string[];
  /** Run states of the guests afterwards. */
  readonly states: readonly string[];
  /** Milliseconds from the first call until all guests ran. */
  readonly total: number;
  /** Milliseconds that calls of /version took meanwhile, ascending. */
  readonly latencies: readonly number[];
}

/** Makes `count` guests from `first` on, without an operating system and halted before their first instruction, and starts all at once. */
export async function startMany(
  node: TestNode,
  admin: ApiSession,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<ManyStarts> {
  const vmids = Array.from({ length: count }, (_, index) => first + index);
  const guest = (vmid: number, path: string) => `${node.path}/qemu/${vmid}/status/${path}`;
  for (const vmid of vmids) {
    const made = { vmid, memory: 16, freeze: 1, vga: 'none', tablet: 0 };
    await admin.run('POST', `${node.path}/qemu`, made, 120);
  }
  const watching = new AbortController();
  const watched = versionLatencies(await node.admin(), watching.signal);
  const begun = performance.now();
  try {
    const upids = await Promise.all(vmids.map((vmid) => admin.call<string>('POST', guest(vmid, 'start'))));
    const ends = await Promise.all(upids.map((upid) => admin.taskEnd(upid, 300)));
    const total = performance.now() - begun;
    const states = await Promise.all(
      vmids.map((vmid) => admin.get<{ status: string }>(guest(vmid, 'current'))),
    );
    watching.abort();
    return {
      ends: ends.map((end) => end.exitstatus),
      states: states.map(({ status }) => status),
      total,
      latencies: await watched,
    };
  } finally {
    watching.abort();
    await Promise.all(vmids.map((vmid) => admin.call('POST', guest(vmid, 'stop'))));
  }
}

async function versionLatencies(session: ApiSession, signal: AbortSignal): Promise<number[]> {
  const latencies: number[] = [];
  while (!signal.aborted) {
    const begun = performance.now();
    await session.get('/version');
    latencies.push(performance.now() - begun);
    await sleep(50);
  }
  return latencies.sort((a, b) => a - b);
}
