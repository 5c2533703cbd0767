/** What the configuration of a clone takes over from its original, and what is new: identity, addresses, name. Pure. */
import { qemuNetKeys, qemuUnusedKeys } from '@ryokan/api/schema/qemu-config.ts';
import type { ConfigProperties } from '../../config-file.ts';
import { nameOfCopy } from '../../copy/name-of-copy.ts';
import { disksOf } from './guest-disks.ts';

/** What belongs to the original or to the moment of a snapshot. */
const ownKeys: ReadonlySet<string> = new Set([
  'lock',
  'template',
  'parent',
  'snaptime',
  'snapstate',
  'vmstate',
  'runningmachine',
  'runningcpu',
  'running-nets-host-mtu',
  'meta',
  ...qemuUnusedKeys,
]);

export interface CloneIdentity {
  /** VMID of the original. */
  readonly vmid: number;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** The key `meta`: when and by which QEMU the guest was made. */
  readonly meta: string;
  readonly newUuid: () => string;
  /** A network card with another MAC address. */
  readonly newCard: (text: string) => string;
}

/** Everything but the disks, which the caller adds when it has made them. */
export function cloneProperties(original: ConfigProperties, identity: CloneIdentity): Record<string, string> {
  const disks = new Set(disksOf(original).map((disk) => disk.key));
  const clone: Record<string, string> = {};
  for (const [key, text] of Object.entries(original)) {
    if (ownKeys.has(key) || disks.has(key)) continue;
    clone[key] = (qemuNetKeys as readonly string[]).includes(key) ? identity.newCard(text) : text;
  }
  clone.name = identity.name ?? nameOfCopy('VM', original.name, identity.vmid);
  if (identity.description) clone.description = identity.description;
  clone.meta = identity.meta;
  clone.smbios1 = withUuid(original.smbios1, identity.newUuid());
  if (original.vmgenid !== undefined && original.vmgenid !== '0') clone.vmgenid = identity.newUuid();
  return clone;
}

/** smbios1 with another UUID; its other fields, serial number and maker for instance, stay. */
function withUuid(smbios: string | undefined, uuid: string): string {
  const rest = (smbios ?? '').split(',').filter((part) => part !== '' && !part.startsWith('uuid='));
  return [`uuid=${uuid}`, ...rest].join(',');
}
