/** The cloud-init image of a guest, made from its configuration as it is now. */
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { nodeNameService } from '../../../host/name-service.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readGuest, writeGuest } from '../../guest-store.ts';
import { requireQemuConfig } from '../config.ts';
import { parseDrive } from '../drive-value.ts';
import { withoutRecord } from './changes.ts';
import { cloudInitContent, type DumpType, dumpCloudInit } from './content.ts';
import { cloudInitKey } from './drive.ts';
import { writeImage } from './image.ts';
import { type CloudInitSettings, cloudInitSettings } from './settings.ts';
import { readCustomFiles } from './snippets.ts';

/** Whom QEMU runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const settingsOf = (vmid: number, config: QemuConfig): CloudInitSettings =>
  cloudInitSettings(vmid, config, nodeNameService());

/** A part of the start: the image has what the configuration says now, also what its snippets say now. */
export async function refreshAtStart(start: {
  readonly services: GuestServices;
  readonly vmid: number;
  readonly config: QemuConfig;
  readonly user: Account;
  readonly context: ChangeContext;
}): Promise<Record<string, never>> {
  const { services, vmid, config, user, context } = start;
  const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const key = cloudInitKey(guest.file.properties);
  if (key === undefined) return {};
  await writeCloudInit(
    services,
    vmid,
    config,
    parseDrive(key, guest.file.properties[key] ?? '').file,
    user,
    context,
  );
  await writeGuest(services.store, guest, withoutRecord(guest.file), 'start');
  return {};
}

/** Fills the volume of the guest's cloud-init drive. Nothing may have it open. */
export async function writeCloudInit(
  services: GuestServices,
  vmid: number,
  config: QemuConfig,
  volid: string,
  user: Account,
  context: ChangeContext,
): Promise<void> {
  const custom = await readCustomFiles(services, config);
  const content = cloudInitContent(settingsOf(vmid, config), custom);
  await writeImage(services, volid, content, user, context);
  context.log(`made the cloud-init image '${volid}'`);
}

/** A generated file as people look at it; `secrets`: with the hash of the password. */
export function dumpForGuest(
  services: GuestServices,
  vmid: number,
  type: DumpType,
  secrets: boolean,
): string {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  return dumpCloudInit(settingsOf(vmid, requireQemuConfig(file.properties, vmid)), type, secrets);
}
