/** Processor flags: those that make sense for a single guest, and all that this node's QEMU can give to one. */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { run } from '../../host/exec.ts';
import { readTextIfPresent, writeFileAtomic } from '../../host/files.ts';
import { readLines } from './json-socket.ts';
import { qemuProgram } from './qemu-facts.ts';

export interface CpuFlag {
  readonly name: string;
  readonly description?: string;
}

export type Accelerator = 'kvm' | 'tcg';

/** Flags that people set for a guest, and what for. */
const described: Readonly<Record<string, { readonly text: string; readonly only?: Accelerator }>> = {
  'nested-virt': { text: 'Let the guest run virtual machines itself (vmx or svm, whichever the node has).' },
  'md-clear': { text: 'Tell an Intel guest that its CPU can clear buffers (MDS mitigation).' },
  pcid: { text: 'Cheaper switches with Meltdown mitigation on Westmere to Broadwell.' },
  'spec-ctrl': { text: 'Intel: branch speculation control (Spectre v2).' },
  ssbd: { text: 'Intel: Speculative Store Bypass Disable (Spectre v4).' },
  ibpb: { text: 'AMD: indirect branch prediction barrier (Spectre v2).' },
  'virt-ssbd': {
    text: 'AMD: Speculative Store Bypass Disable, as KVM offers it to older guests.',
    only: 'kvm',
  },
  'amd-ssbd': { text: 'AMD: Speculative Store Bypass Disable; set virt-ssbd too for older guests.' },
  'amd-no-ssb': { text: 'AMD: the CPU does not have Spectre v4.' },
  pdpe1gb: { text: 'Pages of 1 GiB inside the guest.' },
  'hv-tlbflush': { text: 'Windows: faster TLB flushes with more virtual CPUs than real ones.', only: 'kvm' },
  'hv-evmcs': { text: 'Windows on Intel: faster nested virtualisation (VBS, Hyper-V).', only: 'kvm' },
  aes: { text: 'Instructions for AES.' },
};

/** Flags for a single guest. */
export function guestCpuFlags(accelerator: Accelerator): CpuFlag[] {
  return Object.entries(described)
    .filter(([, { only }]) => only === undefined || only === accelerator)
    .map(([name, { text }]) => ({ name, description: text }));
}

export function flagDescription(name: string): string | undefined {
  return described[name]?.text;
}

/** How long QEMU may take to answer (ms). */
const patience = 10_000;

/** Flags that this QEMU can give to a guest with that accelerator; asked once for each of its versions. */
export async function supportedCpuFlags(cacheFile: string, accelerator: Accelerator): Promise<string[]> {
  const { mtimeMs, size } = statSync(qemuProgram);
  const stamp = `${mtimeMs} ${size} ${readTextIfPresent('/proc/sys/kernel/osrelease')?.trim() ?? ''}`;
  const kept = JSON.parse(readTextIfPresent(cacheFile) ?? '{}') as { stamp?: string; flags?: string[] };
  if (kept.stamp === stamp && kept.flags) return kept.flags;
  const [properties, help] = await Promise.all([
    expandedModel(accelerator === 'kvm' ? 'host' : 'max', accelerator),
    run(qemuProgram, ['-cpu', 'help']),
  ]);
  const known = parseFlagNames(help.stdout);
  const flags = Object.entries(properties)
    .filter(([name, value]) => value === true && known.has(name))
    .map(([name]) => name)
    .sort();
  await writeFileAtomic(cacheFile, JSON.stringify({ stamp, flags }));
  return flags;
}

/** Names that `-cpu help` lists as CPUID flags: a CPU's properties have others too, and second spellings. */
export function parseFlagNames(help: string): Set<string> {
  const list = /Recognized CPUID flags:\n((?: .*\n?)+)/.exec(help)?.[1] ?? '';
  return new Set(list.split(/\s+/).filter(Boolean));
}

interface Answer {
  readonly QMP?: object;
  readonly return?: { readonly model?: { readonly props: Record<string, unknown> } };
  readonly error?: { readonly desc: string };
  readonly id?: string;
}

/** A QEMU without a guest expands the model into its properties. */
function expandedModel(name: string, accelerator: Accelerator): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const qemu = spawn(
      qemuProgram,
      [
        '-accel',
        accelerator,
        '-machine',
        'none',
        '-nodefaults',
        '-no-user-config',
        '-display',
        'none',
        '-S',
        '-qmp',
        'stdio',
      ],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    const timer = setTimeout(() => finish(new Error('QEMU did not tell its processor flags')), patience);
    const finish = (result: Error | Record<string, unknown>) => {
      clearTimeout(timer);
      qemu.kill('SIGKILL');
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const send = (message: object) => qemu.stdin.write(`${JSON.stringify(message)}\n`);
    qemu.stdin.on('error', () => {});
    qemu.once('error', finish);
    qemu.once('exit', () =>
      finish(new Error(`QEMU ended before it told its processor flags (accelerator ${accelerator})`)),
    );
    readLines(qemu.stdout, (line) => {
      const answer = JSON.parse(line) as Answer;
      if (answer.QMP) {
        send({ execute: 'qmp_capabilities' });
        send({
          execute: 'query-cpu-model-expansion',
          arguments: { type: 'full', model: { name } },
          id: 'expand',
        });
      } else if (answer.id === 'expand') {
        finish(answer.return?.model?.props ?? new Error(answer.error?.desc ?? 'no answer'));
      }
    });
  });
}
