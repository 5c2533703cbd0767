/** How copies of disks are taken back when their task fails or dies; see tasks/undo.ts. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { textArg, type UndoArgs, type UndoTable } from '../../tasks/undo.ts';
import type { GuestKind } from '../guest-kind.ts';
import { kindOf } from '../guest-kinds.ts';
import type { GuestServices } from '../guest-services.ts';
import { readGuest, type StoredGuest, writeGuest } from '../guest-store.ts';
import { removeIfThere, volumeExists } from '../volumes-of-guest.ts';
import { baseVolumeOf } from './base-volume.ts';
import { replaceVolume } from './volume-switch.ts';

/** A disk of a guest that does not run was being copied: `{ vmid, volid }`. The copy goes, unless the guest has it. */
export const settleCopyUndo = 'copy.settle';
/** A disk that was becoming a base image: `{ vmid, volid }`. When it has its new name, the configuration learns that. */
export const settleBaseUndo = 'copy.settle-base';
/** A volume that was being given to another guest: `{ from, to, vmid }`, volume ids and the owner before. */
export const settleRenameUndo = 'copy.settle-rename';

/** How long an undo waits for the guest's lock (ms): another task may have been faster. */
const lockPatience = 60_000;

/** Runs an undo while no task works on the guest. */
export function whileUndisturbed(
  services: GuestServices,
  vmid: number,
  work: (kind: GuestKind) => Promise<void>,
): Promise<void> {
  const kind = kindOf(services, vmid);
  return services.locks.with(`${kind.type}-${vmid}`, () => work(kind), { timeout: lockPatience });
}

export function copyUndos(undos: UndoTable, services: GuestServices): void {
  const on = (name: string, settle: (kind: GuestKind, vmid: number, args: UndoArgs) => Promise<void>) =>
    undos.on(name, (args) => {
      const vmid = Number(args.vmid);
      return whileUndisturbed(services, vmid, (kind) => settle(kind, vmid, args));
    });
  on(settleCopyUndo, (kind, vmid, args) => settleCopy(services, kind, vmid, textArg(args, 'volid')));
  on(settleBaseUndo, (kind, vmid, args) => settleBase(services, kind, vmid, textArg(args, 'volid')));
  on(settleRenameUndo, (kind, vmid, args) => settleRename(services, kind, vmid, args));
}

export async function settleCopy(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  volid: string,
): Promise<void> {
  const guest = tryReadGuest(services, kind, vmid);
  if (guest && kind.namesAnywhere(guest.file, volid)) return;
  await removeIfThere(services, volid);
}

async function settleBase(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  volid: string,
): Promise<void> {
  const guest = tryReadGuest(services, kind, vmid);
  if (!guest || (await volumeExists(services, volid))) return;
  const base = baseVolumeOf(volid);
  if (await volumeExists(services, base)) {
    await writeGuest(services.store, guest, replaceVolume(kind, guest.file, volid, base), 'undo');
  }
}

/** The owner's configuration decides: as long as it names the old volume, that is what it has to find. */
async function settleRename(
  services: GuestServices,
  kind: GuestKind,
  vmid: number,
  args: UndoArgs,
): Promise<void> {
  const [from, to] = [textArg(args, 'from'), textArg(args, 'to')];
  const owner = tryReadGuest(services, kind, vmid);
  if (!owner || !kind.namesAnywhere(owner.file, from) || !(await volumeExists(services, to))) return;
  if (await volumeExists(services, from)) {
    // The rename was cut off in the middle: for a moment the image has both names.
    await removeUnnamed(services, kind, to);
    return;
  }
  const name = from.slice(from.lastIndexOf('/') + 1).replace(/^.*:/, '');
  await services.storage.rename(to, vmid, { name });
}

async function removeUnnamed(services: GuestServices, kind: GuestKind, volid: string): Promise<void> {
  const { vmid } = await services.storage.info(volid);
  const owner = vmid === undefined ? undefined : tryReadGuest(services, kind, vmid);
  if (!owner || !kind.namesAnywhere(owner.file, volid)) await services.storage.remove(volid);
}

export function tryReadGuest(
  services: GuestServices,
  { type }: GuestKind,
  vmid: number,
): StoredGuest | undefined {
  try {
    return readGuest(services.store, type, services.settings.node, vmid);
  } catch (error) {
    if (error instanceof RyokanError && error.code === 'not-found') return undefined;
    throw error;
  }
}
