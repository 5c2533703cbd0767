/** Snapshots: what the calls of every kind of guest do. */
import type { GuestType } from '../../guests/guest-store.ts';
import { changeFile, demandUnlocked, readGuest } from '../../guests/guest-store.ts';
import { sectionOf, withSection } from '../../guests/snapshots/section.ts';
import type { Services } from '../../services.ts';

interface SnapshotParams {
  readonly vmid: number;
  readonly snapname: string;
}

/** Changes the notes of a snapshot; an empty text removes them. */
export async function describeSnapshot(
  { store, settings }: Services,
  type: GuestType,
  { vmid, snapname, description }: SnapshotParams & { readonly description?: string | undefined },
  author: string,
): Promise<null> {
  const { file } = readGuest(store, type, settings.node, vmid);
  sectionOf(file, snapname);
  if (description === undefined) return null;
  demandUnlocked(file.properties, type);
  const change = { description: description === '' ? undefined : description };
  await changeFile({ store, settings }, vmid, author, (now) => withSection(now, snapname, change));
  return null;
}

/** What forbids the removal of a snapshot, said before a task is made. */
export function demandSnapshotRemovable(
  { store, settings }: Services,
  type: GuestType,
  { vmid, snapname }: SnapshotParams,
): void {
  const { file } = readGuest(store, type, settings.node, vmid);
  demandUnlocked(file.properties, type);
  sectionOf(file, snapname);
}
