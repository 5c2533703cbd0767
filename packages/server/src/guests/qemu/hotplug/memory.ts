/** Memory of a running guest: modules plugged in and taken away, and the target of its balloon. */

import { failed, type Outcome, waits } from '../../live-outcome.ts';
import { addMemoryModule, hasPluggableMemory, type MemoryModule, memoryLayout } from '../devices/memory.ts';
import type { Guest } from '../guest-context.ts';
import type { QmpClient } from '../qmp-client.ts';
import type { LiveChange, LiveGuest } from './live-guest.ts';
import { LivePlan } from './plan.ts';
import { deviceIds, releaseDevice } from './release.ts';

const mib = 1024 * 1024;

/** Moving what is in a module elsewhere takes the guest its time (ms). */
const moduleTimeout = 20_000;

export async function changeMemory(live: LiveGuest, { key, after }: LiveChange): Promise<Outcome> {
  const guest = live.describe({ key, value: after });
  const reason = await notPluggable(live, guest);
  if (reason !== undefined) return waits(reason);
  const { modules } = memoryLayout(guest);
  const present = await deviceIds(live.qmp);
  const before = [...present].filter((id) => /^dimm\d+$/.test(id));
  let reached = await presentMemory(live.qmp);
  const start = reached;
  try {
    for (const module of modules) {
      if (present.has(module.id)) continue;
      await plugModule(live, guest, module);
      reached += module.size;
    }
    // The last one first: what stays is then what a guest of this size starts with.
    for (const id of before.sort(byNumber).reverse()) {
      if (modules.some((module) => module.id === id)) continue;
      await unplugModule(live.qmp, id);
      reached = await presentMemory(live.qmp);
    }
  } catch (error) {
    return failed(error, reached === start ? undefined : String(reached));
  }
  if (reached !== guest.memory) return waits(`modules make ${reached} MiB only`, String(reached));
  if (guest.config.balloon !== undefined && guest.config.balloon > 0) await setBalloon(live.qmp, guest);
  return 'done';
}

async function notPluggable(live: LiveGuest, guest: Guest): Promise<string | undefined> {
  if (!live.features.has('memory')) return "the option 'hotplug' of this guest does not allow 'memory'";
  if (!hasPluggableMemory(guest)) {
    return "memory can be plugged with 'numa: 1' and without NUMA nodes of its own (numaN)";
  }
  if (guest.memory * mib > guest.host.memoryTotal) {
    return `${guest.memory} MiB are more than this node has (${Math.floor(guest.host.memoryTotal / mib)} MiB)`;
  }
  const { 'base-memory': base } = await sizes(live.qmp);
  const { soldered } = memoryLayout(guest);
  if (base === soldered * mib) return undefined;
  return (
    `the guest was started with ${base / mib} MiB that cannot be unplugged, and ${guest.memory} MiB need ${soldered} MiB ` +
    'of that kind; from 1024 MiB on, steps of 512 MiB can be plugged'
  );
}

const sizes = (qmp: QmpClient) =>
  qmp.execute<{ 'base-memory': number; 'plugged-memory'?: number }>('query-memory-size-summary');

/** MiB. */
async function presentMemory(qmp: QmpClient): Promise<number> {
  const { 'base-memory': base, 'plugged-memory': plugged = 0 } = await sizes(qmp);
  return (base + plugged) / mib;
}

const byNumber = (a: string, b: string) => Number(a.slice('dimm'.length)) - Number(b.slice('dimm'.length));

async function plugModule(live: LiveGuest, guest: Guest, module: MemoryModule): Promise<void> {
  const plan = new LivePlan();
  addMemoryModule(guest, module, plan);
  await removeBacking(live.qmp, module.id);
  await plan.carryOut(live.qmp, (line) => live.context.log(line));
}

async function unplugModule(qmp: QmpClient, id: string): Promise<void> {
  await releaseDevice(qmp, id, moduleTimeout);
  await removeBacking(qmp, id);
}

async function removeBacking(qmp: QmpClient, id: string): Promise<void> {
  const objects = await qmp.execute<{ name: string }[]>('qom-list', { path: '/objects' });
  if (objects.some((object) => object.name === `mem-${id}`))
    await qmp.execute('object-del', { id: `mem-${id}` });
}

/** The key `balloon`: how much the guest keeps. Whether it has a balloon at all is decided at the start. */
export async function changeBalloon(live: LiveGuest, { key, after }: LiveChange): Promise<Outcome> {
  const guest = live.describe({ key, value: after });
  const present = (await deviceIds(live.qmp)).has('balloon0');
  const wanted = guest.config.balloon !== 0;
  if (present !== wanted)
    return waits(`a balloon device can only ${wanted ? 'come' : 'go'} with the next start`);
  if (wanted) await setBalloon(live.qmp, guest);
  return 'done';
}

async function setBalloon(qmp: QmpClient, { config, memory }: Guest): Promise<void> {
  await qmp.execute('balloon', { value: Math.min(config.balloon ?? memory, memory) * mib });
}
