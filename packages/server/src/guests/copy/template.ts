/** Turning a guest into a template: its disks become base volumes, which nothing changes any more. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { GuestDisk, GuestKind } from '../guest-kind.ts';
import { guestLock } from '../guest-lock.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest, type StoredGuest, writeGuest } from '../guest-store.ts';
import { baseVolumeOf, isBaseVolume } from './base-volume.ts';
import { settleBaseUndo } from './copy-undos.ts';
import { replaceVolume } from './volume-switch.ts';

/** Throws what forbids it; gives the disks that become bases. With `disk` only that one. */
export async function demandTemplatable(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  disk?: string,
): Promise<{ guest: StoredGuest; disks: readonly GuestDisk[] }> {
  const guest = readGuest(services.store, kind.type, services.settings.node, vmid);
  const { properties, snapshots, pending } = guest.file;
  const name = `${kind.label} ${vmid}`;
  demandUnlocked(properties, kind.type);
  if (Object.keys(snapshots).length > 0) {
    throw new RyokanError(
      'state',
      `unable to create template, because ${name} contains snapshots: delete them first`,
    );
  }
  if (properties.template === '1' && disk === undefined) {
    throw new RyokanError('state', `you can't convert a template to a template: ${name} is one already`);
  }
  if (kind.isRunning(services.paths, vmid)) {
    throw new RyokanError('state', `you can't convert ${name} to a template while it is running: stop it`);
  }
  if (Object.keys(pending.properties).length + Object.keys(pending.delete).length > 0) {
    throw new RyokanError(
      'state',
      `${name} has pending changes, which a template never takes: revert them, or start and stop it once`,
    );
  }
  const disks = kind.disksOf(properties).filter((one) => disk === undefined || one.key === disk);
  if (disk !== undefined && disks.length === 0) {
    throw new RyokanError('not-found', `disk '${disk}' does not exist`);
  }
  for (const one of disks) await demandBase(services, one);
  return { guest, disks };
}

async function demandBase(services: GuestServices, { key, volid }: GuestDisk): Promise<void> {
  const { format } = await services.storage.info(volid);
  const { capabilities } = await services.storage.driver(parseVolumeId(volid).storage);
  if (capabilities.linkedClone.includes(format)) return;
  throw new RyokanError(
    'unsupported',
    `'${key}' cannot be the base of clones: its storage has no linked clones of ${format} images; move it to another storage`,
    { context: { key } },
  );
}

/** Each disk gets its new name at once in the configuration too: what fails half-way can be begun again. */
export async function makeTemplate(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  disk: string | undefined,
  author: string,
  context: ChangeContext,
): Promise<void> {
  await guestLock(services, kind.type, vmid, context, async () => {
    const { guest, disks } = await demandTemplatable(services, kind, vmid, disk);
    let stored = guest;
    for (const { key, volid } of disks) {
      if (isBaseVolume(volid)) continue;
      context.undo(settleBaseUndo, { vmid, volid });
      const base = rehearsed(`makes '${volid}' the base of clones ('${key}')`)
        ? baseVolumeOf(volid)
        : await services.storage.makeBase(volid);
      const file = replaceVolume(kind, stored.file, volid, base);
      stored = await writeGuest(services.store, stored, file, author);
      context.log(`'${key}' is the base image '${base}' now`);
    }
    const properties = { ...stored.file.properties, template: '1' };
    await writeGuest(services.store, stored, { ...stored.file, properties }, author);
  });
}
