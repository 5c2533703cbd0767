/** What the figures were measured on. */
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg, release, totalmem } from 'node:os';
import { run } from '@ryokan/server/host/exec.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** MiB. */
  readonly memory: number;
  readonly kernel: string;
  readonly node: string;
  readonly qemu: string;
  /** Load average over one minute before the first bench: on a busy machine only the comparisons count. */
  readonly load: number;
}

export async function describeMachine(): Promise<Machine> {
  const { stdout } = await run('qemu-system-x86_64', ['--version']);
  return {
    processor: /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown',
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 1024 ** 2),
    kernel: release(),
    node: process.version,
    qemu: /version (\S+)/.exec(stdout)?.[1] ?? 'unknown',
    load: loadavg()[0] ?? 0,
  };
}

export function machineText(machine: Machine): string {
  const { processor, cores, memory, kernel, node, qemu, load } = machine;
  return `${processor}, ${cores} cores, ${(memory / 1024).toFixed(1)} GiB, Linux ${kernel}, Node.js ${node}, QEMU ${qemu}, load ${load.toFixed(2)}`;
}
