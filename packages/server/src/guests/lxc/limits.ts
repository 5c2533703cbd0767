/** Limits of a container's control group: which file gets which value. Pure; for LXC at the start, for the kernel later. */
import type { LxcConfig } from './config.ts';
import type { LxcHost } from './host-input.ts';

const mib = 1024 ** 2;
/** Microseconds in which a CPU limit counts. */
const period = 100_000;

/** The defaults are those of the schema. */
export const memoryOf = (config: LxcConfig): number => (config.memory ?? 512) * mib;
export const swapOf = (config: LxcConfig): number => (config.swap ?? 512) * mib;

/** `all`: also what says that there is no limit, as a change needs it. */
export function cgroupLimits(
  config: LxcConfig,
  host: Pick<LxcHost, 'cgroupVersion' | 'countsSwap' | 'cpus'>,
  all = false,
): (readonly [file: string, value: string])[] {
  const memory = memoryOf(config);
  const quota = config.cpulimit ? Math.round(config.cpulimit * period) : undefined;
  const cpus = host.cpus === undefined ? [] : ([['cpuset.cpus', host.cpus]] as const);
  if (host.cgroupVersion === 1) {
    return [
      ['memory.limit_in_bytes', String(memory)],
      ...(host.countsSwap
        ? ([['memory.memsw.limit_in_bytes', String(memory + swapOf(config))]] as const)
        : []),
      ...(quota !== undefined || all ? ([['cpu.cfs_quota_us', String(quota ?? -1)]] as const) : []),
      ['cpu.shares', String(config.cpuunits ?? 1024)],
      ...cpus,
    ];
  }
  return [
    ['memory.max', String(memory)],
    ...(host.countsSwap ? ([['memory.swap.max', String(swapOf(config))]] as const) : []),
    ...(quota !== undefined || all ? ([['cpu.max', `${quota ?? 'max'} ${period}`]] as const) : []),
    // Version 2 knows 1 to 10000.
    ['cpu.weight', String(Math.min(10_000, Math.max(1, config.cpuunits ?? 100)))],
    ...cpus,
  ];
}
