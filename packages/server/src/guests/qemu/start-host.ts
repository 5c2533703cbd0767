/** What a start gathers and makes on the node before QEMU runs: each part adds to the QemuHost of the command line. */
import { randomUUID } from 'node:crypto';
import { chown, copyFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { type QemuConfig, qemuNetKeys, qemuVolumeKeys } from '@ryokan/api/schema/qemu-config.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { datacenterOption } from '../../cluster/datacenter-options.ts';
import { readAccelerator } from '../../host/accelerator.ts';
import { readSettings } from '../../host/node-settings.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { protectCards } from './card-firewall.ts';
import { makeTap } from './card-network.ts';
import { refreshAtStart } from './cloud-init/refresh.ts';
import { customCpuOf } from './cpu-models.ts';
import { ovmfFiles } from './devices/machine.ts';
import { isCdrom, namesVolume, parseDrive } from './drive-value.ts';
import { hostPci, hostUsb } from './host-devices.ts';
import { hostDrive } from './host-drive.ts';
import type { QemuHost, ResolvedTap, ResolvedVolume } from './host-input.ts';
import { hugepages } from './hugepages.ts';
import { lendPorts } from './lent-devices.ts';
import { cpuVendor, hasIoUring, ovmfFolder, qemuVersion } from './qemu-facts.ts';
import { qemuRunPaths } from './run-paths.ts';
import { tpm } from './tpm.ts';
import { virtiofs } from './virtiofs.ts';

/** One start of a guest, as its parts see it. */
export interface GuestStart {
  readonly services: GuestServices;
  readonly vmid: number;
  /** With pending changes carried out. */
  readonly config: QemuConfig;
  /** Whom QEMU runs as. */
  readonly user: { readonly uid: number; readonly gid: number };
  readonly context: ChangeContext;
}

/**
 * Makes or finds one thing that QEMU needs and says where it is. What it makes on the node is registered for undo, and
 * cleanUpAfter removes it when the guest has ended.
 */
type StartPart = (start: GuestStart) => Promise<Partial<QemuHost>> | Partial<QemuHost>;

/** In this order, one after the other. */
const parts: readonly StartPart[] = [
  nodeFacts,
  customCpuOf,
  temporaryVariables,
  refreshAtStart,
  volumes,
  hugepages,
  (start) => lendPorts(start),
  (start) => hostUsb(start),
  (start) => hostPci(start),
  protectCards,
  taps,
  tpm,
  virtiofs,
];

export async function gatherHost(start: GuestStart): Promise<QemuHost> {
  const host: Record<string, unknown> = { vmid: start.vmid, uuid: randomUUID(), startPaused: true };
  for (const part of parts) Object.assign(host, await part(start));
  return host as unknown as QemuHost;
}

/** What this node and its QEMU are and have. */
export async function nodeFacts({
  services: { paths, store },
}: Pick<GuestStart, 'services'>): Promise<Partial<QemuHost>> {
  const [major = 0, minor = 0] = (await qemuVersion(join(paths.run, 'qemu-version'))).split('.').map(Number);
  const vendor = cpuVendor();
  const keyboard = datacenterOption(store, 'keyboard');
  return {
    accelerator: readAccelerator(join(paths.run, 'accelerator.json'), readSettings(paths).accelerator),
    qemuVersion: [major, minor],
    cpuCount: availableParallelism(),
    memoryTotal: totalmem(),
    runDir: paths.qemuRun,
    ovmfDir: ovmfFolder,
    ioUring: hasIoUring(),
    ...(keyboard === undefined ? {} : { keyboard }),
    ...(vendor ? { cpuVendor: vendor } : {}),
  };
}

/** UEFI guests without an efidisk0 get variables that last until they stop. */
async function temporaryVariables(start: GuestStart): Promise<Partial<QemuHost>> {
  const { config, user } = start;
  if (config.bios !== 'ovmf' || config.efidisk0 !== undefined) return {};
  const path = qemuRunPaths(start.services.paths, start.vmid).efiVars;
  await copyFile(join(ovmfFolder, ovmfFiles(config).varsTemplate), path);
  await chown(path, user.uid, user.gid);
  return { temporaryEfiVars: path };
}

async function volumes({ services, config }: GuestStart): Promise<Partial<QemuHost>> {
  const resolved: Record<string, ResolvedVolume> = {};
  for (const key of qemuVolumeKeys) {
    const volume = config[key] === undefined ? undefined : await volumeOf(services, key, config[key]);
    if (volume) resolved[key] = volume;
  }
  return { volumes: resolved };
}

/** What is wrong with a volume says which drive it keeps from the guest. */
async function volumeOf(
  services: GuestServices,
  key: string,
  text: string,
): Promise<ResolvedVolume | undefined> {
  try {
    return await resolveVolume(services, key, text);
  } catch (cause) {
    const code = cause instanceof RyokanError ? cause.code : 'failed';
    const advice = `bring it back, or take '${key}' out of the configuration`;
    throw new RyokanError(code, `${key}: ${messageOf(cause)}: ${advice}`, { cause, context: { key } });
  }
}

/** How QEMU opens the volume of a drive; undefined for an empty one. */
export async function resolveVolume(
  services: GuestServices,
  key: string,
  text: string,
): Promise<ResolvedVolume | undefined> {
  const drive = parseDrive(key, text);
  if (!namesVolume(drive)) return hostDrive(drive);
  const volume = await services.storage.info(drive.file);
  const format = volume.format === 'qcow2' || volume.format === 'vmdk' ? volume.format : 'raw';
  const { capabilities } = await services.storage.driver(parseVolumeId(drive.file).storage);
  return {
    source: await services.storage.blockSource(drive.file),
    format,
    ...(capabilities.directIo ? {} : { directIo: false }),
    ...(isCdrom(drive) ? { readOnly: true } : await layersOf(services, drive.file, format)),
  };
}

/** The layers below a volume whose snapshots are files, so that each gets a node by which it can be changed later. */
async function layersOf(
  services: GuestServices,
  volid: string,
  format: string,
): Promise<Pick<ResolvedVolume, 'layers'>> {
  const { storage, name } = parseVolumeId(volid);
  const { layers } = await services.storage.driver(storage);
  if (!layers || format !== 'qcow2') return {};
  const [, ...below] = await layers.chain(name);
  return below.length === 0 ? {} : { layers: below.map(({ source }) => source) };
}

async function taps(start: GuestStart): Promise<Partial<QemuHost>> {
  const made: Record<string, ResolvedTap> = {};
  for (const key of qemuNetKeys) {
    const text = start.config[key];
    const tap = text === undefined ? undefined : await makeTap(start, key, text);
    if (tap) made[key] = tap;
  }
  return { taps: made };
}
