/** CPUs of a running guest: plugged in and taken away one by one; and how much of the node's CPUs it may use. */
import { guestCgroup } from '../../../host/cgroup.ts';
import { failed, type Outcome, waits } from '../../live-outcome.ts';
import { addPluggedCpu, cpuTopology } from '../devices/cpu.ts';
import type { LiveChange, LiveGuest } from './live-guest.ts';
import { LivePlan } from './plan.ts';
import { deviceIds, releaseDevice } from './release.ts';

/** As query-hotpluggable-cpus reports a place for a CPU. */
interface CpuSlot {
  /** Kind of CPU that fits: the model that the guest was started with, whatever its configuration says by now. */
  readonly type: string;
  readonly props: { readonly 'socket-id'?: number; readonly 'core-id'?: number };
  /** Present when a CPU sits there. */
  readonly 'qom-path'?: string;
}

/** The key `vcpus`: how many of the CPUs are there. */
export async function changeCpuCount(live: LiveGuest, { key, after }: LiveChange): Promise<Outcome> {
  if (!live.features.has('cpu')) return waits("the option 'hotplug' of this guest does not allow 'cpu'");
  const { cores, present: wanted } = cpuTopology(live.describe({ key, value: after }));
  const slots = await live.qmp.execute<CpuSlot[]>('query-hotpluggable-cpus');
  const before = presentCpus(slots, cores);
  let reached = before.size;
  try {
    for (let number = 1; number <= wanted; number++) {
      if (before.has(number)) continue;
      await plugCpu(live, slots[0]?.type ?? '', number, cores);
      reached++;
    }
    for (const number of [...before].sort((a, b) => b - a)) {
      if (number <= wanted) break;
      if (!(await deviceIds(live.qmp)).has(`cpu${number}`)) {
        return waits(
          `CPU ${number} was there from the start and can go only with the next one`,
          String(reached),
        );
      }
      await releaseDevice(live.qmp, `cpu${number}`);
      reached--;
    }
  } catch (error) {
    return failed(error, reached === before.size ? undefined : String(reached));
  }
  return 'done';
}

async function plugCpu(live: LiveGuest, type: string, number: number, cores: number): Promise<void> {
  const plan = new LivePlan();
  addPluggedCpu(type, number, cores, plan);
  await plan.carryOut(live.qmp, (line) => live.context.log(line));
}

/** Numbers (from 1) of the CPUs that sit in the guest. */
function presentCpus(slots: readonly CpuSlot[], cores: number): Set<number> {
  const numbers = slots.flatMap((slot) => {
    if (slot['qom-path'] === undefined) return [];
    const { 'socket-id': socket = 0, 'core-id': core = 0 } = slot.props;
    return [socket * cores + core + 1];
  });
  return new Set(numbers);
}

/** Keys that QEMU does not know: they hold for its process. */
export function changeCpuLimits(live: LiveGuest, { key, after }: LiveChange): Outcome {
  const { config } = live.describe({ key, value: after });
  const { node } = live.services.settings;
  for (const warning of guestCgroup(live.vmid, node).apply(config)) live.context.warn(warning);
  return 'done';
}
