/**
 * What has changed since the image was made. The document keeps it in its section [special:cloudinit], as Proxmox VE
 * does: values that the image has and the configuration no more, and under `added` the keys that the image knows not.
 */
import { splitList } from '@ryokan/api/schema/formats.ts';
import { qemuIpconfigKeys, qemuNetKeys } from '@ryokan/api/schema/qemu-config.ts';
import type { ConfigProperties, GuestConfigFile } from '../../config-file.ts';
import { shownValue } from '../config-change.ts';
import { cloudInitKey } from './drive.ts';

/** Keys that say nothing but what goes into the image. */
export const cloudInitKeys: readonly string[] = [
  ...['cicustom', 'cipassword', 'citype', 'ciuser', 'ciupgrade', 'nameserver', 'searchdomain', 'sshkeys'],
  ...qemuIpconfigKeys,
];

/** And others that it depends on: host name and MAC addresses. */
const recordedKeys: readonly string[] = [...cloudInitKeys, 'name', ...qemuNetKeys];

const section = 'cloudinit';

/** The value of a key when the image was made. */
function imageValue(recorded: ConfigProperties, present: ConfigProperties, key: string): string | undefined {
  if (splitList(recorded.added ?? '').includes(key)) return undefined;
  return recorded[key] ?? present[key];
}

/** `after` with the record of what the image does not know yet, given the document before the change. */
export function recordChanges(before: GuestConfigFile, after: GuestConfigFile): GuestConfigFile {
  if (cloudInitKey(after.properties) === undefined) return withoutRecord(after);
  const old = before.special[section] ?? {};
  const record: Record<string, string> = {};
  const added: string[] = [];
  for (const key of recordedKeys) {
    const inImage = imageValue(old, before.properties, key);
    if (inImage === after.properties[key]) continue;
    if (inImage === undefined) added.push(key);
    else record[key] = inImage;
  }
  if (added.length > 0) record.added = added.sort().join(',');
  if (Object.keys(record).length === 0) return withoutRecord(after);
  return { ...after, special: { ...after.special, [section]: record } };
}

export const hasChanges = (file: GuestConfigFile): boolean =>
  Object.keys(file.special[section] ?? {}).length > 0;

/** The document once the image has been made: nothing is left to record. */
export function withoutRecord(file: GuestConfigFile): GuestConfigFile {
  if (file.special[section] === undefined) return file;
  const { [section]: _record, ...special } = file.special;
  return { ...file, special };
}

export interface CloudInitRow {
  key: string;
  /** As it is in the image. */
  value?: string;
  /** As it will be. */
  pending?: string;
  delete?: number;
}

/** One row for each key that the image knows or will know. Host name and cards show only when they have changed. */
export function cloudInitRows({ properties, special }: GuestConfigFile): CloudInitRow[] {
  const recorded = special[section] ?? {};
  const rows: CloudInitRow[] = [];
  for (const key of recordedKeys) {
    const value = imageValue(recorded, properties, key);
    const now = properties[key];
    const changed = value !== now;
    if ((value === undefined && now === undefined) || (!changed && !cloudInitKeys.includes(key))) continue;
    rows.push({
      key,
      ...(value === undefined ? {} : { value: shownValue(key, value) }),
      ...(changed && now !== undefined ? { pending: shownValue(key, now) } : {}),
      ...(now === undefined ? { delete: 1 } : {}),
    });
  }
  return rows;
}
