/** Volumes that a snapshot's end or a rollback leaves without a place in the configuration. Pure. */
import type { GuestConfigFile } from '../config-file.ts';
import { addUnused } from '../copy/volume-switch.ts';
import type { GuestDisk, GuestKind } from '../guest-kind.ts';

/** Volumes that nothing names any more stay with the guest as unusedN. */
export function keepingVolumes(
  kind: GuestKind,
  disks: readonly GuestDisk[],
  file: GuestConfigFile,
): GuestConfigFile {
  return disks.reduce(
    (kept, { volid }) => (kind.namesAnywhere(kept, volid) ? kept : addUnused(kind, kept, volid)),
    file,
  );
}
