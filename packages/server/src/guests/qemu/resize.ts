/** Growing disks, and whether there is room for new ones. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { digestMismatch, readGuest, writeGuest } from '../guest-store.ts';
import { isVolumeKey } from './config-change.ts';
import {
  formatDrive,
  formatSize,
  namesVolume,
  newVolumeRequest,
  parseDrive,
  parseSize,
} from './drive-value.ts';
import { guestLock, withQmp } from './power.ts';
import { isRunning } from './process.ts';

/**
 * Refuses a new disk larger than what is free on its storage. Volumes are thin, so a smaller one may still not fit
 * later; but this one never could.
 */
export async function demandRoomFor(
  services: GuestServices,
  set: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [key, text] of Object.entries(set)) {
    if (!isVolumeKey(key)) continue;
    const request = newVolumeRequest(parseDrive(key, text));
    if (!request) continue;
    services.storage.demandContent(request.storage, 'images');
    const { available } = await services.storage.summary(request.storage);
    const wanted = request.gib * 1024 ** 3;
    if (wanted > available) {
      throw new RyokanError(
        'no-space',
        `${key}: a disk of ${request.gib} GiB does not fit on storage '${request.storage}': ${(available / 1024 ** 3).toFixed(1)} GiB are free`,
        { context: { storage: request.storage, wanted, available } },
      );
    }
  }
}

export interface ResizeRequest {
  readonly disk: string;
  /** `40G`, or `+10G`. */
  readonly size: string;
  readonly digest?: string | undefined;
  readonly skiplock?: boolean | undefined;
}

export async function resizeDisk(
  services: GuestServices,
  vmid: number,
  request: ResizeRequest,
  context: ChangeContext & { user: string },
): Promise<void> {
  const { store, settings, storage, paths } = services;
  await guestLock(services, vmid, context, async () => {
    const guest = readGuest(store, 'qemu', settings.node, vmid);
    if (request.digest !== undefined && request.digest !== guest.digest) throw digestMismatch();
    const text = guest.file.properties[request.disk];
    const drive = text === undefined ? undefined : parseDrive(request.disk, text);
    if (!drive || !namesVolume(drive))
      throw new RyokanError('not-found', `disk '${request.disk}' does not exist`);
    const volume = await storage.info(drive.file);
    const amount = parseSize(request.size.replace(/^\+/, '')) ?? 0;
    const size = Math.ceil((request.size.startsWith('+') ? volume.size + amount : amount) / 512) * 512;
    if (size < volume.size)
      throw new RyokanError(
        'unsupported',
        `shrinking disks is not supported: '${request.disk}' has ${formatSize(volume.size)}`,
      );
    if (size === volume.size) return context.log(`'${request.disk}' has this size already`);
    // QEMU holds the image of a running guest and grows it itself.
    if (isRunning(paths, vmid)) {
      await withQmp(services, vmid, (qmp) =>
        qmp.execute('block_resize', { 'node-name': `drive-${request.disk}`, size }),
      );
    } else await storage.resize(drive.file, size);
    const properties = {
      ...guest.file.properties,
      [request.disk]: formatDrive(request.disk, { ...drive, size: formatSize(size) }),
    };
    await writeGuest(store, guest, { ...guest.file, properties }, context.user);
    context.log(`'${request.disk}' has ${formatSize(size)} now`);
  });
}
