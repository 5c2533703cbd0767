/**
 * Which machine version a guest keeps. Without one it gets the newest of QEMU at each start, which Linux does not mind;
 * Windows takes moved devices for new hardware, up to a disk that it does not boot from any more.
 */
import { formatPropertyString } from '@ryokan/api/schema/property-string.ts';
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { machineFields, type QemuMachine } from '@ryokan/api/schema/qemu-options.ts';
import type { ConfigProperties } from '../config-file.ts';
import { optionOf, readQemuConfig } from './config.ts';
import { isWindows } from './guest-context.ts';

type Version = readonly [major: number, minor: number];

/** What Windows guests without any word about it were made on, or what is close enough: the rule of Proxmox VE. */
const versionBeforeMeta: Version = [5, 1];

/** `q35` as `pc-q35-7.2`; undefined for a type that has a version, or is none of a PC. */
function withVersion({ type, ...rest }: QemuMachine, [major, minor]: Version): string | undefined {
  const board = { pc: 'pc-i440fx', q35: 'pc-q35' }[type ?? 'pc'];
  if (board === undefined) return undefined;
  return formatPropertyString(machineFields, { ...rest, type: `${board}-${major}.${minor}` });
}

/**
 * The values with the present machine version written down, where a Windows guest is made or gets another machine.
 * `present` is its configuration so far.
 */
export function pinMachine(
  values: ConfigProperties,
  present: ConfigProperties,
  qemuVersion: string,
): ConfigProperties {
  const { config } = readQemuConfig({ ...present, ...values });
  const creation = Object.keys(present).length === 0;
  if (!isWindows(config) || (!creation && values.machine === undefined)) return values;
  const machine = withVersion(optionOf(config, 'machine', machineFields) ?? {}, parseVersion(qemuVersion));
  return machine === undefined ? values : { ...values, machine };
}

/**
 * The machine for a start: a Windows guest whose configuration says no version gets that of the QEMU that it was made
 * with, as far as this one has it.
 */
export function machineForStart(config: QemuConfig, installed: Version): string | undefined {
  if (!isWindows(config)) return config.machine;
  const made = /creation-qemu=(\d+\.\d+)/.exec(config.meta ?? '')?.[1];
  const version = made === undefined ? versionBeforeMeta : parseVersion(made);
  const newer = version[0] > installed[0] || (version[0] === installed[0] && version[1] > installed[1]);
  const machine = withVersion(optionOf(config, 'machine', machineFields) ?? {}, newer ? installed : version);
  return machine ?? config.machine;
}

function parseVersion(text: string): Version {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  return [major, minor];
}
