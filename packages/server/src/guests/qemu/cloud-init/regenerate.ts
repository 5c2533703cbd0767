/** Making the cloud-init image of a guest anew when somebody asks for it, also while the guest runs. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readGuest, type StoredGuest, writeGuest } from '../../guest-store.ts';
import { requireQemuConfig } from '../config.ts';
import { imageNodes } from '../devices/block.ts';
import { configuredDrives } from '../drive-options.ts';
import { parseDrive } from '../drive-value.ts';
import { withQmp } from '../power.ts';
import { isRunning } from '../process.ts';
import { hasIoUring } from '../qemu-facts.ts';
import { type QmpClient, QmpError } from '../qmp-client.ts';
import { resolveVolume } from '../start-host.ts';
import { withoutRecord } from './changes.ts';
import { cloudInitKey } from './drive.ts';
import { type Account, writeCloudInit } from './refresh.ts';

/**
 * Makes the image of a guest anew, and shows it to one that runs as another disc. The caller holds the guest's lock.
 * Rejects with 'state' when the guest has no cloud-init drive.
 */
export async function regenerateCloudInit(
  services: GuestServices,
  vmid: number,
  user: Account,
  context: ChangeContext,
): Promise<void> {
  const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const key = cloudInitKey(guest.file.properties);
  if (key === undefined) {
    throw new RyokanError(
      'state',
      `VM ${vmid} has no cloud-init drive: give it one, such as ide2=local:cloudinit`,
    );
  }
  const text = guest.file.properties[key] ?? '';
  const { file } = parseDrive(key, text);
  const config = requireQemuConfig(guest.file.properties, vmid);
  const write = () => writeCloudInit(services, vmid, config, file, user, context);
  if (isRunning(services.paths, vmid)) await withDiscOut(services, guest, key, write);
  else await write();
  await writeGuest(services.store, guest, withoutRecord(guest.file), 'cloudinit');
}

/** Takes the disc out of the running guest, does `work`, and puts it in again, whatever has become of it. */
async function withDiscOut(
  services: GuestServices,
  guest: StoredGuest,
  key: string,
  work: () => Promise<void>,
): Promise<void> {
  const { vmid, file } = guest;
  const drive = configuredDrives(requireQemuConfig(file.properties, vmid)).find((one) => one.key === key);
  const volume = await resolveVolume(services, key, file.properties[key] ?? '');
  if (!drive || !volume) throw new RyokanError('state', `'${key}' names no volume`);
  await withQmp(services, vmid, async (qmp) => {
    await removeDisc(qmp, key);
    try {
      await work();
    } finally {
      // The names of the first disc are free again.
      const names = { format: `drive-${key}`, file: `file-${key}` };
      await qmp.execute('blockdev-add', imageNodes(drive, volume, names, hasIoUring()));
      await qmp.execute('blockdev-insert-medium', { id: key, 'node-name': names.format });
      await qmp.execute('blockdev-close-tray', { id: key });
    }
  });
}

/** Opens the tray, also one that the guest has locked, and closes the image, so that it can be written. */
async function removeDisc(qmp: QmpClient, key: string): Promise<void> {
  try {
    await qmp.execute('blockdev-open-tray', { id: key, force: true });
  } catch (cause) {
    if (!(cause instanceof QmpError)) throw cause;
    throw new RyokanError(
      'state',
      `the running guest has no cloud-init drive '${key}' yet; it gets it, and its image, at the next start`,
      { cause },
    );
  }
  await qmp.execute('blockdev-remove-medium', { id: key });
  const nodes = await qmp.execute<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true });
  const disc = new RegExp(`^drive-${key}(?:-\\d+)?$`);
  for (const { 'node-name': name } of nodes) {
    if (disc.test(name)) await qmp.execute('blockdev-del', { 'node-name': name });
  }
}
