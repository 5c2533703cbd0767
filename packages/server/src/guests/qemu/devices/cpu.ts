/** -cpu and -smp. */
import type { QemuCpu } from '@ryokan/api/schema/qemu-options.ts';
import { cpuFields } from '@ryokan/api/schema/qemu-options.ts';
import { type Arguments, type DeviceSink, type OptionValue, optionText } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest, notProvided, notSupported } from '../guest-context.ts';
import { hotplugFeatures } from '../hotplug-features.ts';

/**
 * Models by instruction set level that this QEMU does not name itself: the levels of the x86-64 psABI (section 3.1.1),
 * and v2 with AES, which every server processor since 2010 has. All grow from qemu64.
 */
const v2 = ['cx16', 'lahf-lm', 'popcnt', 'pni', 'ssse3', 'sse4.1', 'sse4.2'];
const v2aes = [...v2, 'aes'];
const v3 = [...v2aes, 'abm', 'avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe', 'xsave'];
const v4 = [...v3, 'avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'];
const levels: Readonly<Record<string, readonly string[]>> = {
  'x86-64-v2': v2,
  'x86-64-v2-AES': v2aes,
  'x86-64-v3': v3,
  'x86-64-v4': v4,
};

/** What helps Windows under KVM (QEMU's docs/system/i386/hyperv.rst). */
const hyperv: Readonly<Record<string, OptionValue>> = {
  'hv-ipi': true,
  'hv-relaxed': true,
  'hv-reset': true,
  'hv-runtime': true,
  'hv-spinlocks': '0x1fff',
  'hv-stimer': true,
  'hv-synic': true,
  'hv-time': true,
  'hv-vapic': true,
  'hv-vpindex': true,
};

export function addCpu(guest: Guest, args: Arguments): void {
  const cpu = wantedCpu(guest);
  const { model, features } = baseModel(guest, cpu.cputype);
  if (guest.host.savedCpu !== undefined) {
    args.add('-cpu', guest.host.savedCpu);
    addSmp(guest, model, args);
    return;
  }
  const properties: Record<string, OptionValue> = {
    ...features,
    ...(guest.accelerator === 'kvm' ? kvmFeatures(guest, cpu, model) : {}),
    ...flagFeatures(guest, cpu),
    ...addressBits(guest, cpu),
    level: cpu.level,
  };
  args.add('-cpu', optionText(model, properties));
  addSmp(guest, model, args);
}

/** The guest's options; those that it does not have itself come from the custom model that it names. */
function wantedCpu(guest: Guest): QemuCpu {
  const cpu = optionOf(guest.config, 'cpu', cpuFields) ?? {};
  if (!cpu.cputype?.startsWith('custom-')) return cpu;
  const custom = guest.host.customCpu;
  if (!custom) throw notProvided('cpu', `the custom model '${cpu.cputype}'`);
  const flags = [custom.flags, cpu.flags].filter((text) => text !== undefined).join(';');
  return {
    ...custom,
    ...cpu,
    cputype: custom['reported-model'] ?? 'kvm64',
    ...(flags === '' ? {} : { flags }),
  };
}

interface Model {
  readonly model: string;
  readonly features: Readonly<Record<string, OptionValue>>;
}

function baseModel(guest: Guest, type: string | undefined): Model {
  const tcg = guest.accelerator === 'tcg';
  // Without KVM the default is everything that QEMU can emulate: today's systems need more than kvm64 has.
  if (type === undefined) return { model: tcg ? 'max' : 'kvm64', features: tcg ? {} : kvm64Extras };
  if (type === 'host' && tcg) return { model: 'max', features: {} };
  if (type === 'kvm64') return { model: type, features: kvm64Extras };
  const flags = levels[type];
  if (flags) {
    if (tcg && type === 'x86-64-v4') guest.note('cpu: emulation has no AVX-512; the guest sees x86-64-v3');
    return {
      model: 'qemu64',
      features: { svm: false, ...Object.fromEntries(flags.map((flag) => [flag, true])) },
    };
  }
  const known = guest.host.cpuModels;
  if (known && !known.has(type)) {
    const version = guest.host.qemuVersion.join('.');
    throw notSupported(
      'cpu',
      `QEMU ${version} does not know the processor type '${type}'; choose another one`,
    );
  }
  return { model: type, features: {} };
}

/** kvm64 as people know it: with what 64-bit Windows and current Linux need. */
const kvm64Extras: Readonly<Record<string, OptionValue>> = { 'lahf-lm': true, sep: true };

/** What KVM itself offers to guests, and spares them detours. */
const paravirtual: Readonly<Record<string, OptionValue>> = { 'kvm-pv-eoi': true, 'kvm-pv-unhalt': true };

/** What guests have under KVM that name no processor, as `-cpu` takes it: a node where that does not start has no KVM. */
export const defaultKvmCpu = optionText('kvm64', { ...kvm64Extras, enforce: true, ...paravirtual });

function kvmFeatures(guest: Guest, cpu: QemuCpu, model: string): Record<string, OptionValue> {
  return {
    // Rather not start than start with fewer features than promised; `host` promises nothing.
    ...(model === 'host' || model === 'max' ? {} : { enforce: true }),
    ...(cpu.hidden ? { kvm: false } : paravirtual),
    ...(guest.windows && guest.config.ostype !== 'wxp' && guest.config.ostype !== 'w2k' ? hyperv : {}),
    'hv-vendor-id': cpu['hv-vendor-id'],
  };
}

/** `+aes;-pcid` as `aes=on,pcid=off`. */
function flagFeatures(guest: Guest, cpu: QemuCpu): Record<string, OptionValue> {
  const features: Record<string, OptionValue> = {};
  for (const flag of cpu.flags?.split(';') ?? []) {
    const on = flag.startsWith('+');
    const name = flag.slice(1).replaceAll('_', '-');
    if (name === 'nested-virt') features[guest.host.cpuVendor === 'intel' ? 'vmx' : 'svm'] = on;
    // These speak to KVM; emulation has no such interface and QEMU would refuse to start.
    else if (guest.accelerator === 'tcg' && /^(kvm|hv)-/.test(name)) continue;
    else features[name] = on;
  }
  return features;
}

function addressBits(guest: Guest, cpu: QemuCpu): Record<string, OptionValue> {
  const bits = cpu['phys-bits'];
  if (cpu['guest-phys-bits'] !== undefined && guest.host.qemuVersion[0] < 9) {
    guest.note('cpu: guest-phys-bits needs QEMU 9.0 and is left out');
  }
  return {
    'guest-phys-bits': guest.host.qemuVersion[0] >= 9 ? cpu['guest-phys-bits'] : undefined,
    'host-phys-bits': bits === 'host' && guest.accelerator === 'kvm' ? true : undefined,
    'phys-bits': bits !== undefined && bits !== 'host' ? Number(bits) : undefined,
  };
}

export interface CpuTopology {
  readonly sockets: number;
  readonly cores: number;
  /** All CPUs that can be plugged in, and those that are at start. */
  readonly total: number;
  readonly present: number;
}

export function cpuTopology(guest: Guest): CpuTopology {
  const { config, host } = guest;
  const sockets = config.sockets ?? config.smp ?? 1;
  const cores = config.cores ?? 1;
  const total = sockets * cores;
  const present = config.vcpus ?? total;
  if (present > total) throw cannot('vcpus', `${present} are more than sockets × cores = ${total}`);
  if (total > host.cpuCount) {
    throw cannot('cores', `${total} CPUs are more than this node has (${host.cpuCount})`);
  }
  return { sockets, cores, total, present };
}

function addSmp(guest: Guest, model: string, args: Arguments): void {
  const { sockets, cores, total, present } = cpuTopology(guest);
  const pluggable = hotplugFeatures(guest.config.hotplug).has('cpu');
  const cpus = pluggable ? 1 : present;
  args.add('-smp', optionText('', { cpus, sockets, cores, threads: 1, maxcpus: total }));
  if (!pluggable) return;
  // Only CPUs that came as devices can be unplugged again.
  for (let number = 2; number <= present; number++) addPluggedCpu(`${model}-x86_64-cpu`, number, cores, args);
}

/** CPU `number` (from 1) as a device, whether the guest starts or runs. `type`: QEMU's name of the kind of CPU. */
export function addPluggedCpu(type: string, number: number, cores: number, args: DeviceSink): void {
  args.device(type, { id: `cpu${number}`, ...cpuPlace(number, cores), 'thread-id': 0 });
}

/** Where CPU `number` (from 1) sits. */
export function cpuPlace(number: number, cores: number): { 'socket-id': number; 'core-id': number } {
  return { 'socket-id': Math.floor((number - 1) / cores), 'core-id': (number - 1) % cores };
}
