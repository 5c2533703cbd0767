/**
 * Small and large answers of the API over TLS, beside a bare Fastify server that returns the same bytes from memory.
 * The caller is admin@pve with a ticket: login, permissions and all else that an ordinary call has are part of it.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestNode } from '../test/lib/node.ts';
import { Helper } from './lib/children.ts';
import {
  asRatio,
  type BenchContext,
  type Measured,
  pairwise,
  quantile,
  single,
  spread,
} from './lib/figure.ts';
import { nodeWithGuests } from './lib/guests.ts';
import { cpuSeconds, nodeProcesses } from './lib/processes.ts';
import type { LoadRequest, LoadResult } from './load.ts';

const rounds = 5;
/** Milliseconds of each round on each server. */
const duration = 1000;
const connectionCounts = [8, 1];
/**
 * The rate that a target is about needs several connections. One alone, which sends its next request when the answer is
 * there, shows how long the way through two processes takes: about twice as long as through Fastify's one.
 */
const fewestForTarget = 8;
/** Milliseconds before the first round: V8 compiles what is hot in three processes only after some thousand calls. */
const warmUpTime = 3000;
/** Share of Fastify's rate. */
const wantedRate = 0.5;

interface Route {
  readonly name: string;
  readonly path: string;
}

const version: Route = { name: 'GET /version', path: '/api2/json/version' };
const resources = (guests: string): Route => ({
  name: `GET /cluster/resources, ${guests} guests`,
  path: '/api2/json/cluster/resources',
});

export async function http(context: BenchContext): Promise<Measured[]> {
  const first = await withNode(1000, [version, resources('1,000')], context);
  return [...first, ...(await withNode(10_000, [resources('10,000')], context))];
}

interface Rivals {
  readonly node: TestNode;
  readonly headers: Readonly<Record<string, string>>;
  readonly processes: readonly number[];
  readonly fastify: Helper;
  readonly fastifyPort: number;
  readonly load: Helper;
}

async function withNode(
  guests: number,
  routes: readonly Route[],
  context: BenchContext,
): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ryokan-bench-'));
  const helpers = { fastify: new Helper('fastify'), load: new Helper('load') };
  const node = await nodeWithGuests(guests);
  try {
    const admin = await node.admin();
    const files: Record<string, string> = {};
    for (const [index, route] of routes.entries()) {
      const { status, body } = await admin.client.send(route.path, { headers: admin.headers });
      if (status !== 200) throw new Error(`${route.name}: status ${status}`);
      const file = join(folder, String(index));
      await writeFile(file, body);
      files[route.path] = file;
    }
    const [cert, key] = await Promise.all(
      ['node.pem', 'node.key'].map((name) => readFile(join(node.dataDir, 'pki', name), 'utf8')),
    );
    const fastifyPort = await helpers.fastify.ask<number>({ cert, key, routes: files });
    const processes = nodeProcesses(await node.daemonPid());
    const rivals = { node, headers: admin.headers, processes, fastifyPort, ...helpers };
    const figures: Measured[] = [];
    for (const route of routes) {
      for (const connections of connectionCounts) {
        context.note(`${route.name}, ${connections} connections`);
        figures.push(...(await compare(rivals, route, connections)));
      }
    }
    return figures;
  } finally {
    await Promise.all(Object.values(helpers).map((helper) => helper.stop()));
    await node.stop();
    await rm(folder, { recursive: true });
  }
}

/** Of one server over all rounds. */
interface Tally {
  readonly rates: number[];
  readonly latencies: number[];
  /** CPU time of the server a request (ms). */
  readonly cpu: number[];
}

async function compare(rivals: Rivals, route: Route, connections: number): Promise<Measured[]> {
  const { node, headers, processes, fastify, fastifyPort, load } = rivals;
  const common = { path: route.path, headers, connections };
  const ours: Tally = { rates: [], latencies: [], cpu: [] };
  const raw: Tally = { rates: [], latencies: [], cpu: [] };
  const measure = async (port: number, pids: readonly number[], tally: Tally, milliseconds: number) => {
    const before = cpuSeconds(pids);
    const result = await load.ask<LoadResult>({
      ...common,
      port,
      duration: milliseconds,
    } satisfies LoadRequest);
    const requests = result.latencies.length;
    tally.rates.push((requests / result.elapsed) * 1000);
    tally.latencies.push(...result.latencies);
    tally.cpu.push(((cpuSeconds(pids) - before) * 1000) / requests);
  };
  const warmUp: Tally = { rates: [], latencies: [], cpu: [] };
  await measure(node.port, processes, warmUp, warmUpTime);
  await measure(fastifyPort, [fastify.pid], warmUp, warmUpTime);
  for (let round = 0; round < rounds; round++) {
    await measure(node.port, processes, ours, duration);
    await measure(fastifyPort, [fastify.pid], raw, duration);
  }
  const name = `${route.name}, ${connections} connection${connections > 1 ? 's' : ''}`;
  return figuresOf(name, ours, raw, connections >= fewestForTarget);
}

function figuresOf(name: string, ours: Tally, raw: Tally, hasTarget: boolean): Measured[] {
  const ratio = pairwise(ours.rates, raw.rates, (a, b) => a / b);
  const target = { text: `at least ${wantedRate} of Fastify`, met: ratio >= wantedRate };
  const latency = (q: number): Measured => {
    const [a, b] = [ours, raw].map(({ latencies }) =>
      quantile(
        [...latencies].sort((x, y) => x - y),
        q,
      ),
    ) as [number, number];
    return { name: `  p${q * 100}`, unit: 'ms', ours: single(a), raw: single(b), comparison: asRatio(a / b) };
  };
  return [
    {
      name,
      unit: '1/s',
      ours: spread(ours.rates),
      raw: spread(raw.rates),
      comparison: asRatio(ratio),
      ...(hasTarget ? { target } : {}),
    },
    latency(0.5),
    latency(0.99),
    {
      name: '  CPU time of the server a request',
      unit: 'ms',
      ours: spread(ours.cpu),
      raw: spread(raw.cpu),
      comparison: asRatio(pairwise(ours.cpu, raw.cpu, (a, b) => a / b)),
    },
  ];
}
