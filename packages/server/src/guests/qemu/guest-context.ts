/** What all parts of the command line share: configuration, host and a few facts derived from both. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { memoryFields } from '@ryokan/api/schema/qemu-options.ts';
import { type BootIndexes, bootIndexes } from './boot-order.ts';
import { optionOf } from './config.ts';
import { type Chipset, chipsetOf } from './devices/chipset.ts';
import { type GuestRunPaths, guestRunPaths, type QemuHost } from './host-input.ts';

export interface Guest {
  readonly config: QemuConfig;
  readonly host: QemuHost;
  readonly accelerator: 'kvm' | 'tcg';
  readonly chipset: Chipset;
  readonly windows: boolean;
  /** MiB. */
  readonly memory: number;
  readonly paths: GuestRunPaths;
  readonly boot: BootIndexes;
  /** Tells the person who starts the guest that something is not as the configuration asks. */
  readonly note: (line: string) => void;
}

export function guestContext(config: QemuConfig, host: QemuHost, note: (line: string) => void): Guest {
  return {
    config,
    host,
    note,
    accelerator: effectiveAccelerator(config, host.accelerator),
    chipset: chipsetOf(config),
    windows: isWindows(config),
    memory: guestMemory(config),
    paths: guestRunPaths(host.runDir, host.vmid),
    boot: bootIndexes(config),
  };
}

export const isWindows = (config: QemuConfig): boolean => /^w/.test(config.ostype ?? '');

/** The guest's key `kvm` overrules what the node found: 0 asks for emulation, 1 insists on KVM. */
export function effectiveAccelerator(config: QemuConfig, node: 'kvm' | 'tcg'): 'kvm' | 'tcg' {
  if (config.kvm === undefined) return node;
  return config.kvm ? 'kvm' : 'tcg';
}

/** Memory in MiB. */
export function guestMemory(config: QemuConfig): number {
  return optionOf(config, 'memory', memoryFields)?.current ?? 512;
}

/** The configuration asks for something that cannot be; `key` says where. */
export function cannot(key: string, problem: string): RyokanError {
  return new RyokanError('parameter', `${key}: ${problem}`, { context: { key } });
}

/** The configuration asks for something that this version or this node does not have. */
export function notSupported(key: string, problem: string): RyokanError {
  return new RyokanError('unsupported', `${key}: ${problem}`, { context: { key } });
}

/** Whoever starts the guest has not provided something: a fault of the program, not of the configuration. */
export function notProvided(key: string, what: string): RyokanError {
  return new RyokanError('failed', `${key}: ${what} was not prepared for the start`, { context: { key } });
}
