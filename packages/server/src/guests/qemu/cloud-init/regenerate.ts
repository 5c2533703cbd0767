/** Making the cloud-init image of a guest anew when somebody asks for it, also while the guest runs. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readGuest, type StoredGuest, writeGuest } from '../../guest-store.ts';
import { requireQemuConfig } from '../config.ts';
import { configuredDrives } from '../drive-options.ts';
import { parseDrive } from '../drive-value.ts';
import { exchangeDisc, openDisc } from '../hotplug/cdrom.ts';
import { withQmp } from '../power.ts';
import { isRunning } from '../process.ts';
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
  if (isRunning(services.paths, vmid)) await withDiscOut(services, guest, key, context, write);
  else await write();
  await writeGuest(services.store, guest, withoutRecord(guest.file), 'cloudinit');
}

/** Takes the disc out of the running guest, does `work`, and puts it in again, whatever has become of it. */
async function withDiscOut(
  services: GuestServices,
  guest: StoredGuest,
  key: string,
  context: ChangeContext,
  work: () => Promise<void>,
): Promise<void> {
  const { vmid, file } = guest;
  const drive = configuredDrives(requireQemuConfig(file.properties, vmid)).find((one) => one.key === key);
  const volume = await resolveVolume(services, key, file.properties[key] ?? '');
  if (!drive || !volume) throw new RyokanError('state', `'${key}' names no volume`);
  await withQmp(services, vmid, async (qmp) => {
    let failure: { readonly error: unknown } | undefined;
    await exchangeDisc({ qmp, key, log: (line) => context.log(line) }, async (before) => {
      // As long as it is open, the image cannot be written.
      if (before !== undefined) await qmp.execute('blockdev-del', { 'node-name': before });
      await work().catch((error: unknown) => {
        failure = { error };
      });
      return openDisc(qmp, drive, volume);
    });
    if (failure) throw failure.error;
  });
}
