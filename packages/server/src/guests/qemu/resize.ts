/** Growing disks, and whether there is room for new ones. */
import { digestMismatch, RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { formatSize, parseSize } from '../disk-size.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { readGuest, type StoredGuest, writeGuest } from '../guest-store.ts';
import { rootNode } from './block-graph.ts';
import { isVolumeKey } from './config-change.ts';
import {
  type DriveValue,
  formatDrive,
  isCdrom,
  namesVolume,
  newVolumeRequest,
  parseDrive,
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
    if (wanted > available) throw noRoom(`${key}: a disk of`, request.storage, wanted, available);
  }
}

function noRoom(what: string, storage: string, wanted: number, available: number): RyokanError {
  const gib = (bytes: number) => Number((bytes / 1024 ** 3).toFixed(1));
  return new RyokanError(
    'no-space',
    `${what} ${gib(wanted)} GiB does not fit on storage '${storage}': ${gib(available)} GiB are free`,
    { context: { storage, wanted, available } },
  );
}

export interface ResizeRequest {
  readonly disk: string;
  /** `40G`, or `+10G`. */
  readonly size: string;
  readonly digest?: string | undefined;
  readonly skiplock?: boolean | undefined;
}

interface ResizeTarget {
  readonly guest: StoredGuest;
  readonly drive: DriveValue;
  readonly storage: string;
  /** Bytes. */
  readonly present: number;
  readonly wanted: number;
}

/** The disk that is meant, and its size then. Throws for what cannot grow, or not by so much. */
export async function resizeTarget(
  services: GuestServices,
  vmid: number,
  request: ResizeRequest,
): Promise<ResizeTarget> {
  const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
  if (request.digest !== undefined && request.digest !== guest.digest) throw digestMismatch();
  const text = guest.file.properties[request.disk];
  const drive = text === undefined ? undefined : parseDrive(request.disk, text);
  if (!drive || !namesVolume(drive))
    throw new RyokanError('not-found', `disk '${request.disk}' does not exist`);
  if (isCdrom(drive)) throw new RyokanError('parameter', `'${request.disk}' is a CD-ROM: it cannot grow`);
  const { storage } = parseVolumeId(drive.file);
  const { size: present } = await services.storage.info(drive.file);
  const amount = parseSize(request.size.replace(/^\+/, '')) ?? 0;
  const wanted = Math.ceil((request.size.startsWith('+') ? present + amount : amount) / 512) * 512;
  if (wanted < present) {
    throw new RyokanError(
      'unsupported',
      `shrinking disks is not supported: '${request.disk}' has ${formatSize(present)}`,
    );
  }
  const { available } = await services.storage.summary(storage);
  const more = wanted - present;
  if (more > available) throw noRoom(`growing '${request.disk}' by`, storage, more, available);
  return { guest, drive, storage, present, wanted };
}

export async function resizeDisk(
  services: GuestServices,
  vmid: number,
  request: ResizeRequest,
  context: ChangeContext & { user: string },
): Promise<void> {
  const { store, storage, paths } = services;
  await guestLock(services, vmid, context, async () => {
    const { guest, drive, present, wanted } = await resizeTarget(services, vmid, request);
    if (wanted === present) return context.log(`'${request.disk}' has this size already`);
    // QEMU holds the image of a running guest and grows it itself.
    if (isRunning(paths, vmid)) {
      await withQmp(services, vmid, async (qmp) => {
        const node = await rootNode(qmp, request.disk);
        await qmp.execute('block_resize', { 'node-name': node, size: wanted });
      });
    } else await storage.resize(drive.file, wanted);
    const size = formatSize(wanted);
    const properties = {
      ...guest.file.properties,
      [request.disk]: formatDrive(request.disk, { ...drive, size }),
    };
    await writeGuest(store, guest, { ...guest.file, properties }, context.user);
    context.log(`'${request.disk}' has ${size} now`);
  });
}
