/** Changing a QEMU guest's configuration. */
import { join } from 'node:path';
import { digestMismatch, messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { qemuNetKeys } from '@ryokan/api/schema/qemu-config.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest, type StoredGuest, writeGuest } from '../guest-store.ts';
import { checkHookscript } from '../hookscript.ts';
import type { Problems } from '../live-outcome.ts';
import { hasChanges, recordChanges } from './cloud-init/changes.ts';
import { cloudInitKey } from './cloud-init/drive.ts';
import { regenerateCloudInit } from './cloud-init/regenerate.ts';
import {
  applyPending,
  type ConfigChange,
  droppedVolumes,
  isVolumeKey,
  mergeChange,
  namesAnywhere,
} from './config-change.ts';
import { withMac } from './create.ts';
import { demandDistinctVolumes, planVolumes, prepareDrive, removeVolumes } from './disks.ts';
import {
  formatDrive,
  isCdrom,
  namesVolume,
  newVolumeRequest,
  parseDrive,
  salvageDrive,
} from './drive-value.ts';
import { guestAccount } from './guest-account.ts';
import { hashGuestPassword } from './guest-password.ts';
import { applyToRunning } from './hotplug/apply.ts';
import { hotplugFeatures } from './hotplug-features.ts';
import { pinMachine } from './machine-pin.ts';
import { isRunning } from './process.ts';
import { qemuVersion } from './qemu-facts.ts';

export interface UpdateOptions {
  readonly change: ConfigChange;
  /** Refuse when the document has another digest. */
  readonly digest?: string | undefined;
  readonly skiplock?: boolean | undefined;
  readonly author: string;
}

/**
 * Carries out a change: makes volumes, merges, stores, removes volumes that the caller wants gone. For a running guest
 * what touches its hardware is written to [PENDING] first, and then changed in QEMU as far as that can be; the rest
 * waits for the next start. Resolves with what was tried in the running guest and did not work, by key; nothing of that
 * is lost, it waits too.
 */
export async function updateGuest(
  services: GuestServices,
  vmid: number,
  options: UpdateOptions,
  context: ChangeContext,
): Promise<Problems> {
  const { store } = services;
  return services.locks.with(`qemu-${vmid}`, async () => {
    const guest = changeableGuest(services, vmid, options);
    const running = isRunning(services.paths, vmid);
    const set = await prepareValues(services, vmid, options.change.set, guest.file.properties, context);
    const file = recordChanges(guest.file, mergeChange(guest.file, { ...options.change, set }, running));
    demandDistinctVolumes(applyPending(file).properties);
    await writeGuest(store, guest, file, options.author);
    const dropped = droppedVolumes(guest.file.properties, file.properties);
    await removeVolumes(
      services,
      vmid,
      dropped.filter((volid) => !namesAnywhere(file, volid)),
      context,
    );
    if (!running) return {};
    context.keep?.();
    const keys = [...options.change.delete, ...Object.keys(set)];
    const problems = await applyToRunning(services, vmid, keys, options.author, context);
    return { ...problems, ...(await showCloudInit(services, vmid, context)) };
  });
}

/** Says in a rehearsal what updateGuest would write and do: volumes are named by their size, not made. */
export async function planUpdate(
  services: GuestServices,
  vmid: number,
  options: UpdateOptions,
): Promise<void> {
  const guest = changeableGuest(services, vmid, options);
  planVolumes(options.change.set);
  const running = isRunning(services.paths, vmid);
  const file = recordChanges(guest.file, mergeChange(guest.file, options.change, running));
  await writeGuest(services.store, guest, file, options.author);
  for (const volid of droppedVolumes(guest.file.properties, file.properties))
    if (!namesAnywhere(file, volid)) rehearsed(`removes the volume '${volid}'`);
  if (running)
    rehearsed('changes the running guest as far as it takes it; the rest waits for its next start');
}

/** The guest as it is, when this change may be made now. */
function changeableGuest(services: GuestServices, vmid: number, options: UpdateOptions): StoredGuest {
  const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
  if (options.digest !== undefined && options.digest !== guest.digest) throw digestMismatch();
  if (!options.skiplock && options.change.set.lock === undefined) demandUnlocked(guest.file.properties);
  demandUnprotectedDisks(guest.file.properties, options.change);
  return guest;
}

/** With `hotplug: cloudinit` a running guest finds what has changed on its cloud-init disc at once. */
async function showCloudInit(
  services: GuestServices,
  vmid: number,
  context: ChangeContext,
): Promise<Problems> {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const key = cloudInitKey(file.properties);
  if (key === undefined || !hasChanges(file)) return {};
  if (!hotplugFeatures(file.properties.hotplug).has('cloudinit')) return {};
  try {
    await regenerateCloudInit(services, vmid, guestAccount(), context);
    return {};
  } catch (error) {
    return { [key]: messageOf(error) };
  }
}

async function prepareValues(
  services: GuestServices,
  vmid: number,
  given: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
  context: ChangeContext,
): Promise<Record<string, string>> {
  const version = await qemuVersion(join(services.paths.run, 'qemu-version'));
  const values: Record<string, string> = { ...pinMachine(given, present, version) };
  if (given.hookscript !== undefined) await checkHookscript(services, given.hookscript);
  await hashGuestPassword(values, given.ostype ?? present.ostype);
  for (const [key, text] of Object.entries(given)) {
    if ((qemuNetKeys as readonly string[]).includes(key))
      values[key] = keepMac(services.store, text, present[key]);
    else if (isVolumeKey(key))
      values[key] = await prepareDrive(
        services,
        vmid,
        key,
        withPresentVolume(key, text, present[key]),
        context,
      );
  }
  return values;
}

/** `virtio,bridge=vmbr1` without a MAC keeps the card's address. */
function keepMac(store: ConfigStore, text: string, before: string | undefined): string {
  if (/([0-9a-f]{2}:){5}[0-9a-f]{2}/i.test(text) || before === undefined) return withMac(text, store);
  const mac = /([0-9a-f]{2}:){5}[0-9a-f]{2}/i.exec(before)?.[0];
  return withMac(mac ? `${text},macaddr=${mac}` : text, store);
}

/** `scsi0: local:32` on a disk that exists would replace it; with its own volume only options change. */
function withPresentVolume(key: string, text: string, before: string | undefined): string {
  const drive = parseDrive(key, text);
  if (before === undefined || newVolumeRequest(drive)) return text;
  const old = salvageDrive(key, before);
  return drive.file === old?.file && drive.size === undefined && old.size !== undefined
    ? formatDrive(key, { ...drive, size: old.size })
    : text;
}

function demandUnprotectedDisks(properties: Readonly<Record<string, string>>, change: ConfigChange): void {
  if (properties.protection !== '1') return;
  const disk = change.delete.find(
    (key) => isVolumeKey(key) && properties[key] !== undefined && ownsVolume(key, properties[key]),
  );
  if (disk) {
    throw new RyokanError(
      'state',
      `can't remove disk '${disk}' - protection mode enabled: switch the protection option off first`,
    );
  }
}

function ownsVolume(key: string, text: string | undefined): boolean {
  const drive = salvageDrive(key, text ?? '');
  return drive !== undefined && namesVolume(drive) && !isCdrom(drive);
}
