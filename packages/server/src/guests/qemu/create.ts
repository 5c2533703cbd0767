/** Creating a QEMU guest: defaults, volumes, the stored configuration. */
import { randomUUID } from 'node:crypto';
import { formatPropertyString, parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import {
  qemuDriveKeys,
  qemuNetKeys,
  qemuUnusedKeys,
  qemuVolumeKeys,
} from '@ryokan/api/schema/qemu-config.ts';
import { qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { ConfigProperties } from '../config-file.ts';
import { newConfigFile } from '../config-file.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { readGuest, writeGuest } from '../guest-store.ts';
import { checkHookscript } from '../hookscript.ts';
import { freshMac } from '../mac-address.ts';
import type { ConfigChange } from './config-change.ts';
import { demandDistinctVolumes, planVolumes, prepareDrive } from './disks.ts';
import { isCdrom, parseDrive } from './drive-value.ts';
import { hashGuestPassword } from './guest-password.ts';
import { pinMachine } from './machine-pin.ts';

/** Fills a claimed VMID with its configuration. Everything made on the way is registered for undo. */
export async function createGuest(
  services: GuestServices,
  vmid: number,
  change: ConfigChange,
  qemuVersion: string,
  context: ChangeContext,
): Promise<void> {
  const given = pinMachine(change.set, {}, qemuVersion);
  const values: Record<string, string> = { ...defaults(given, qemuVersion), ...given };
  for (const key of Object.keys(values)) {
    if ((qemuNetKeys as readonly string[]).includes(key))
      values[key] = withMac(values[key] ?? '', services.store);
  }
  demandDistinctVolumes(values);
  if (values.hookscript !== undefined) await checkHookscript(services, values.hookscript);
  await hashGuestPassword(values);
  for (const key of volumeKeysOf(values)) {
    values[key] = await prepareDrive(services, vmid, key, values[key] ?? '', context);
    context.signal.throwIfAborted();
  }
  values.boot ??= defaultBoot(values);
  const claimed = readGuest(services.store, 'qemu', services.settings.node, vmid);
  await writeGuest(services.store, claimed, newConfigFile(values), 'create');
}

/** Says in a rehearsal what createGuest would write and do, without the values that it makes up. */
export async function planGuest(services: GuestServices, vmid: number, change: ConfigChange): Promise<void> {
  demandDistinctVolumes(change.set);
  planVolumes(change.set);
  const claimed = readGuest(services.store, 'qemu', services.settings.node, vmid);
  await writeGuest(services.store, claimed, newConfigFile(change.set), 'create');
}

const volumeKeysOf = (values: ConfigProperties): string[] =>
  [...qemuVolumeKeys, ...qemuUnusedKeys].filter((key) => values[key] !== undefined);

function defaults(given: ConfigProperties, qemuVersion: string): ConfigProperties {
  const values: Record<string, string> = {
    meta: `creation-qemu=${qemuVersion},ctime=${Math.floor(Date.now() / 1000)}`,
  };
  if (given.smbios1 === undefined) values.smbios1 = `uuid=${randomUUID()}`;
  if (given.vmgenid === undefined || given.vmgenid === '1') values.vmgenid = randomUUID();
  return values;
}

/** A card with a MAC address: a new one where the caller gave none. */
export function withMac(text: string, store: ConfigStore): string {
  const card = parsePropertyString(qemuNetFields, text);
  return formatNet({ ...card, macaddr: card.macaddr?.toUpperCase() ?? freshMac(store) });
}

/** The same card for another guest. */
export function withNewMac(text: string, store: ConfigStore): string {
  return formatNet({ ...parsePropertyString(qemuNetFields, text), macaddr: freshMac(store) });
}

/** `virtio=MAC,bridge=…`: the form that every client reads. */
function formatNet(card: ReturnType<typeof parsePropertyString<typeof qemuNetFields>>): string {
  const { model, macaddr, ...rest } = card;
  const options = formatPropertyString(qemuNetFields, rest as never);
  return options ? `${model}=${macaddr},${options}` : `${model}=${macaddr}`;
}

/** First disk, first CD-ROM, first network card. */
function defaultBoot(values: ConfigProperties): string {
  const drives = qemuDriveKeys.filter((key) => values[key] !== undefined);
  const cdrom = (key: string) => isCdrom(parseDrive(key, values[key] ?? ''));
  const order = [
    drives.find((key) => !cdrom(key)),
    drives.find((key) => cdrom(key)),
    qemuNetKeys.find((key) => values[key] !== undefined),
  ].filter((key) => key !== undefined);
  return `order=${order.join(';')}`;
}
