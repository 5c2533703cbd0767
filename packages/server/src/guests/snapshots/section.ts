/**
 * Snapshots in a guest's configuration document. Each is a section that holds the configuration of its moment, and
 * beside it when it was taken and where the memory is; `parent` makes a tree of them. Pure functions.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigProperties, GuestConfigFile } from '../config-file.ts';

/** Keys of now that no snapshot keeps: state of operations, and volumes that are no part of the guest. */
const notKept = /^(?:lock|snapstate|snaptime|vmstate|running(?:machine|cpu|-nets-host-mtu)|unused\d+)$/;

/** Keys of a section that describe the snapshot and not the guest. */
const ofSnapshot =
  /^(?:snapstate|snaptime|vmstate|running(?:machine|cpu|-nets-host-mtu)|description|parent)$/;

const maxName = 40;

/** Throws 'parameter' for a name that cannot be one, 'exists' for one that is taken. */
export function demandFreeName(file: GuestConfigFile, name: string): void {
  if (/^(?:current|pending)$/i.test(name)) {
    throw new RyokanError('parameter', `unable to use snapshot name '${name}' (reserved name)`);
  }
  if (!/^[a-z][a-z0-9_-]+$/i.test(name) || name.length > maxName) {
    throw new RyokanError(
      'parameter',
      `'${name}' is no name for a snapshot: a letter, then letters, digits, - and _`,
    );
  }
  if (name in file.snapshots) throw new RyokanError('exists', `snapshot name '${name}' already used`);
}

/** The section of a snapshot. Throws 'not-found' with the text that clients match on. */
export function sectionOf(file: GuestConfigFile, name: string): ConfigProperties {
  const section = file.snapshots[name];
  if (!section) throw new RyokanError('not-found', `snapshot '${name}' does not exist`);
  return section;
}

export interface NewSnapshot {
  readonly name: string;
  readonly description?: string | undefined;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** Enters a snapshot that is being made, and locks the guest. `memory`: the keys that say where its memory is. */
export function withPrepared(
  file: GuestConfigFile,
  snapshot: NewSnapshot,
  memory: ConfigProperties = {},
): GuestConfigFile {
  const section: Record<string, string> = {
    ...Object.fromEntries(
      Object.entries(file.properties).filter(([key]) => !notKept.test(key) && key !== 'description'),
    ),
    ...(snapshot.description ? { description: snapshot.description } : {}),
    ...memory,
    snaptime: String(snapshot.time),
    snapstate: 'prepare',
  };
  return {
    ...file,
    properties: { ...file.properties, lock: 'snapshot' },
    snapshots: { ...file.snapshots, [snapshot.name]: section },
  };
}

/** A prepared snapshot that is there now: the guest stands on it. */
export function withFinished(file: GuestConfigFile, name: string): GuestConfigFile {
  const { snapstate: _state, ...section } = sectionOf(file, name);
  const { lock: _lock, ...properties } = file.properties;
  return {
    ...file,
    properties: { ...properties, parent: name },
    snapshots: { ...file.snapshots, [name]: section },
  };
}

/** Changes the section of a snapshot; undefined values are removed. */
export function withSection(
  file: GuestConfigFile,
  name: string,
  change: Readonly<Record<string, string | undefined>>,
): GuestConfigFile {
  const merged = { ...sectionOf(file, name), ...change };
  const section = Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return { ...file, snapshots: { ...file.snapshots, [name]: section } };
}

/** Without a snapshot: what stood on it stands on its parent. */
export function withoutSnapshot(file: GuestConfigFile, name: string): GuestConfigFile {
  const { [name]: removed, ...rest } = file.snapshots;
  const adopt = (properties: ConfigProperties): ConfigProperties => {
    if (properties.parent !== name) return properties;
    const { parent: _parent, ...orphan } = properties;
    return removed?.parent === undefined ? orphan : { ...orphan, parent: removed.parent };
  };
  const snapshots = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, adopt(value)]));
  return { ...file, properties: adopt(file.properties), snapshots };
}

/**
 * The guest as it was in a snapshot. Notes stay those of now; nothing waits for the next start any more. Volumes that
 * are in use now and were not then have to be kept by the caller.
 */
export function rolledBack(file: GuestConfigFile, name: string, vmgenid: string): GuestConfigFile {
  const section = sectionOf(file, name);
  const { description } = file.properties;
  const properties: Record<string, string> = {
    ...Object.fromEntries(Object.entries(section).filter(([key]) => !ofSnapshot.test(key))),
    ...(description === undefined ? {} : { description }),
    parent: name,
  };
  // The guest shall know that its time went back: random numbers and ids must not be used again.
  if (properties.vmgenid !== undefined && properties.vmgenid !== '0') properties.vmgenid = vmgenid;
  return { ...file, properties, pending: { properties: {}, delete: {} } };
}

export interface SnapshotRow {
  readonly name: string;
  readonly description: string;
  readonly parent?: string;
  readonly snaptime?: number;
  readonly vmstate?: 0 | 1;
  readonly snapstate?: string;
  readonly running?: 0 | 1;
  readonly digest?: string;
}

/** All snapshots, and `current`, which stands on the last one. */
export function snapshotRows(
  file: GuestConfigFile,
  now: { running: boolean; digest: string },
): SnapshotRow[] {
  const rows = Object.entries(file.snapshots).map(([name, section]) => ({
    name,
    description: section.description ?? '',
    ...(section.parent === undefined ? {} : { parent: section.parent }),
    ...(section.snaptime === undefined ? {} : { snaptime: Number(section.snaptime) }),
    vmstate: section.vmstate === undefined ? (0 as const) : (1 as const),
    ...(section.snapstate === undefined ? {} : { snapstate: section.snapstate }),
  }));
  const { parent, lock } = file.properties;
  const current: SnapshotRow = {
    name: 'current',
    description: 'You are here!',
    ...(parent === undefined ? {} : { parent }),
    ...(lock === 'snapshot' || lock === 'snapshot-delete' ? { snapstate: lock } : {}),
    running: now.running ? 1 : 0,
    digest: now.digest,
  };
  return [...rows, current];
}
