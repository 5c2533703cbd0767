/** What the installed QEMU offers: CPU models and machine types. QEMU is asked once for each of its versions. */
import { statSync } from 'node:fs';
import { run } from '../../host/exec.ts';
import { readTextIfPresent, writeFileAtomic } from '../../host/files.ts';
import { qemuProgram } from './qemu-facts.ts';

export interface CpuModel {
  readonly name: string;
  readonly vendor: CpuVendorId;
}

/** As the CPU itself says it; `default`: that of the node. */
export type CpuVendorId = 'GenuineIntel' | 'AuthenticAMD' | 'default';

export interface MachineType {
  readonly id: string;
  readonly type: 'q35' | 'i440fx';
  readonly version: string;
}

export interface QemuCapabilities {
  /** Models that a configuration may name. */
  readonly cpus: readonly CpuModel[];
  /** Versioned types, newest first. */
  readonly machines: readonly MachineType[];
}

/** The answer is kept in `cacheFile`, with what tells that the program has changed. */
export async function qemuCapabilities(cacheFile: string): Promise<QemuCapabilities> {
  const { mtimeMs, size } = statSync(qemuProgram);
  const stamp = `${mtimeMs} ${size}`;
  const kept = JSON.parse(readTextIfPresent(cacheFile) ?? '{}') as {
    stamp?: string;
    found?: QemuCapabilities;
  };
  if (kept.stamp === stamp && kept.found) return kept.found;
  const [cpus, machines] = await Promise.all([
    run(qemuProgram, ['-cpu', 'help']),
    run(qemuProgram, ['-machine', 'help']),
  ]);
  const found = { cpus: parseCpuModels(cpus.stdout), machines: parseMachines(machines.stdout) };
  await writeFileAtomic(cacheFile, JSON.stringify({ stamp, found }));
  return found;
}

/** Models by instruction set level, which the command line builds itself; see devices/cpu.ts. */
const levels = ['x86-64-v2', 'x86-64-v2-AES', 'x86-64-v3', 'x86-64-v4'];
const amd = /^(EPYC|Opteron|athlon|phenom)/;
const intel =
  /^(486|pentium|coreduo|core2duo|Conroe|Penryn|Nehalem|Westmere|SandyBridge|IvyBridge|Haswell|Broadwell|Skylake|Cascadelake|Cooperlake|Icelake|Sapphire|Snowridge|KnightsMill|Denverton|n270)/;

export function parseCpuModels(text: string): CpuModel[] {
  const names = [...text.matchAll(/^x86 (\S+)/gm)].map((match) => match[1] as string);
  // Versioned aliases (EPYC-v2) are for exact pinning; people choose among the plain names.
  const plain = names.filter((name) => !/-v\d+$/.test(name) && name !== 'base' && name !== 'max');
  return [...levels, 'max', ...plain].map((name) => ({ name, vendor: vendorOf(name) }));
}

/** Whose processor a model is. */
export function vendorOf(model: string): CpuVendorId {
  if (amd.test(model)) return 'AuthenticAMD';
  return intel.test(model) ? 'GenuineIntel' : 'default';
}

export function parseMachines(text: string): MachineType[] {
  const machines: MachineType[] = [];
  for (const match of text.matchAll(/^(pc-(i440fx|q35)-(\d+(?:\.\d+)+))\s/gm)) {
    machines.push({
      id: match[1] as string,
      type: match[2] === 'q35' ? 'q35' : 'i440fx',
      version: match[3] as string,
    });
  }
  const order = (version: string) => {
    const [major = 0, minor = 0, micro = 0] = version.split('.').map(Number);
    return (major * 1000 + minor) * 1000 + micro;
  };
  return machines.sort((a, b) => order(b.version) - order(a.version));
}
