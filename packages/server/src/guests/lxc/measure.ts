/** What a running container uses, for the sampler. */
import { ticksPerSecond } from '../../host/procfs.ts';
import type { GuestReading } from '../running-guests.ts';
import { containerCgroup } from './cgroup.ts';

/** Gives the function that measures a container, by its control group. */
export function containerReading(vmid: number, node: string): () => GuestReading {
  const cgroup = containerCgroup(vmid, node);
  return () => {
    const { cpuMicroseconds, memory, swap, read, written } = cgroup.use();
    return { ticks: (cpuMicroseconds / 1e6) * ticksPerSecond, memory, swap, read, written };
  };
}
