/**
 * Carries pending changes over to a running guest, one key after the other. Each holds in QEMU before the document says
 * so; what cannot change now, or fails, stays pending as if nothing had been tried.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { driveAddress, qemuNetKeys, qemuUsbKeys } from '@ryokan/api/schema/qemu-config.ts';
import type { GuestConfigFile } from '../../config-file.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readGuest, type StoredGuest, writeGuest } from '../../guest-store.ts';
import { failed, type Outcome, type Problems, problemsOf, type Waiting, waits } from '../../live-outcome.ts';
import { noteWaiting } from '../../waiting-reasons.ts';
import { applyPending, droppedVolumes, namesAnywhere } from '../config-change.ts';
import { removeVolumes } from '../disks.ts';
import { withQmp } from '../power.ts';
import type { QmpClient } from '../qmp-client.ts';
import { qemuRunPaths } from '../run-paths.ts';
import { changeCpuCount, changeCpuLimits } from './cpu.ts';
import { changeDrive } from './drive.ts';
import { type LiveChange, type LiveGuest, liveGuest } from './live-guest.ts';
import { changeBalloon, changeMemory } from './memory.ts';
import { changeCard } from './network.ts';
import { changeAgent } from './options.ts';
import { changeTablet, changeUsb } from './usb.ts';

type Applier = (live: LiveGuest, change: LiveChange) => Promise<Outcome> | Outcome;

const byKey: Readonly<Record<string, Applier>> = {
  agent: changeAgent,
  balloon: changeBalloon,
  memory: changeMemory,
  vcpus: changeCpuCount,
  cpulimit: changeCpuLimits,
  cpuunits: changeCpuLimits,
  affinity: changeCpuLimits,
  tablet: changeTablet,
};

/** How a key changes while the guest runs; undefined: only the next start can. */
function applierOf(key: string): Applier | undefined {
  if (Object.hasOwn(byKey, key)) return byKey[key];
  if (driveAddress(key)) return changeDrive;
  if ((qemuNetKeys as readonly string[]).includes(key)) return changeCard;
  return (qemuUsbKeys as readonly string[]).includes(key) ? changeUsb : undefined;
}

/**
 * Changes `keys` of a running guest as far as they are pending. The caller holds the guest's lock. Never rejects for
 * what QEMU or the guest refuses; that is in the answer, and the key stays pending.
 */
export async function applyToRunning(
  services: GuestServices,
  vmid: number,
  keys: readonly string[],
  author: string,
  context: ChangeContext,
): Promise<Problems> {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const due = inOrder(file, keys);
  if (due.length === 0) return {};
  const waiting: Record<string, Waiting> = {};
  const each = async (qmp: QmpClient) => {
    for (const key of due) {
      const outcome = await applyKey(services, vmid, key, author, qmp, context);
      if (outcome !== 'done') waiting[key] = outcome;
    }
  };
  try {
    await withQmp(services, vmid, each);
  } catch (error) {
    for (const key of due) waiting[key] ??= failed(error);
  }
  const now = readGuest(services.store, 'qemu', services.settings.node, vmid).file;
  await noteWaiting(qemuRunPaths(services.paths, vmid).waiting, now, due, waiting);
  return problemsOf(waiting);
}

/** What goes makes room for what comes; memory and CPUs before devices that may need them. */
function inOrder(file: GuestConfigFile, keys: readonly string[]): string[] {
  const { properties, delete: removed } = file.pending;
  const due = [...new Set(keys)].filter((key) => applierOf(key) !== undefined);
  return [...due.filter((key) => key in removed), ...due.filter((key) => key in properties)];
}

/** Stores what holds now. Never rejects for what QEMU or the guest refuses. */
async function applyKey(
  services: GuestServices,
  vmid: number,
  key: string,
  author: string,
  qmp: QmpClient,
  context: ChangeContext,
): Promise<Outcome> {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const change = { key, before: file.properties[key], after: file.pending.properties[key] };
  let outcome: Outcome;
  try {
    const live = await liveGuest(services, vmid, file.properties, qmp, context);
    outcome = (await applierOf(key)?.(live, change)) ?? waits('');
  } catch (error) {
    outcome = failed(error);
  }
  if (outcome === 'done') {
    await settle(services, vmid, author, context, (stored) => applyPending(stored, key));
    context.log(`${key}: changed in the running guest`);
    return outcome;
  }
  const { reason, reached } = outcome;
  if (reached !== undefined)
    await settle(services, vmid, author, context, (stored) => withValue(stored, key, reached));
  if (!outcome.failed) context.log(`${key}: waits for the next start of the guest: ${reason}`);
  return outcome;
}

function withValue(file: GuestConfigFile, key: string, value: string): GuestConfigFile {
  return { ...file, properties: { ...file.properties, [key]: value } };
}

/** Others (a snapshot's lock key) may write the document meanwhile. */
const writeAttempts = 10;

/** Stores what holds in the guest now, and removes volumes that were to go with their disk. */
async function settle(
  services: GuestServices,
  vmid: number,
  author: string,
  context: ChangeContext,
  change: (file: GuestConfigFile) => GuestConfigFile,
): Promise<void> {
  const { store, settings } = services;
  for (let attempt = 1; ; attempt++) {
    const before = readGuest(store, 'qemu', settings.node, vmid);
    const file = change(before.file);
    try {
      await writeGuest(store, before, file, author);
    } catch (error) {
      if (attempt < writeAttempts && error instanceof RyokanError && error.code === 'conflict') continue;
      throw error;
    }
    context.keep?.();
    return removeDropped(services, vmid, before, file, context);
  }
}

async function removeDropped(
  services: GuestServices,
  vmid: number,
  before: StoredGuest,
  file: GuestConfigFile,
  context: ChangeContext,
): Promise<void> {
  const dropped = droppedVolumes(before.file.properties, file.properties);
  const gone = dropped.filter((volid) => !namesAnywhere(file, volid));
  await removeVolumes(services, vmid, gone, context);
}
