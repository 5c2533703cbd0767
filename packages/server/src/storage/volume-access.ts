/** Who may see and change volumes, by the rules of the public API. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';

/** What the rules need of a caller. */
export interface VolumeCaller {
  can(path: string, privileges: readonly Privilege[], any?: boolean): boolean;
  demand(path: string, privileges: readonly Privilege[], any?: boolean): void;
}

export interface VolumeFacts {
  readonly storage: string;
  readonly content: string;
  /** The guest that owns it. */
  readonly vmid?: number;
}

/**
 * Administrators of the storage see all. Files to install from are seen by whoever sees the storage; disks and backups
 * by whoever may handle those of their guest; snippets, which can hold passwords, by whoever may write them.
 */
export function mayReadVolume(caller: VolumeCaller, { storage, content, vmid }: VolumeFacts): boolean {
  const path = `/storage/${storage}`;
  if (caller.can(path, ['Datastore.Allocate'])) return true;
  const guest = vmid === undefined ? undefined : `/vms/${vmid}`;
  switch (content) {
    case 'iso':
    case 'vztmpl':
    case 'import':
      return caller.can(path, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);
    case 'backup':
      return (
        guest !== undefined &&
        caller.can(path, ['Datastore.AllocateSpace']) &&
        caller.can(guest, ['VM.Backup'])
      );
    case 'images':
    case 'rootdir':
      return (
        guest !== undefined && caller.can(path, ['Datastore.Audit']) && caller.can(guest, ['VM.Config.Disk'])
      );
    case 'snippets':
      return caller.can(path, ['Datastore.AllocateTemplate']);
    default:
      return false;
  }
}

/** Throws 403. */
export function demandReadVolume(caller: VolumeCaller, volume: VolumeFacts): void {
  if (mayReadVolume(caller, volume)) return;
  throw new RyokanError(
    'forbidden',
    `Permission check failed (/storage/${volume.storage}, no access to this volume)`,
  );
}

/** Removing and marking: administrators of the storage, and for a backup those who may back its guest up. */
export function demandChangeVolume(caller: VolumeCaller, { storage, content, vmid }: VolumeFacts): void {
  const path = `/storage/${storage}`;
  if (content === 'backup' && vmid !== undefined && !caller.can(path, ['Datastore.Allocate'])) {
    caller.demand(path, ['Datastore.AllocateSpace']);
    caller.demand(`/vms/${vmid}`, ['VM.Backup']);
  } else caller.demand(path, ['Datastore.Allocate']);
}
