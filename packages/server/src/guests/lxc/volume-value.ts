/** The text of a root file system or mount point: which volume, folder or device it names, what asks for a new one. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { MountPoint } from '@ryokan/api/schema/lxc-config.ts';
import { formatPropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { fieldsOf } from './config.ts';

/** `mp` is absent for the root file system and for unused volumes. */
export type VolumeValue = Omit<MountPoint, 'mp'> & { readonly mp?: string };

export function parseVolume(key: string, text: string): VolumeValue {
  const value = readVolume(key, text);
  if (value) return value;
  const fields = fieldsOf(key);
  const errors = fields ? readPropertyString(fields, text).errors : undefined;
  const problem = Object.entries(errors ?? {}).map(([name, error]) => (name ? `${name}: ${error}` : error));
  throw new RyokanError('parameter', `'${key}: ${text}' is wrong: ${problem.join('; ')}`, {
    context: { key },
  });
}

/** Of a value that somebody has damaged by hand at least its volume. */
export function salvageVolume(key: string, text: string): VolumeValue | undefined {
  const value = readVolume(key, text);
  if (value) return value;
  const volume = text
    .split(',')
    .map((part) => /^(?:volume=)?([^=]+)$/.exec(part)?.[1])
    .find(Boolean);
  return volume === undefined ? undefined : { volume };
}

function readVolume(key: string, text: string): VolumeValue | undefined {
  const fields = fieldsOf(key);
  return fields && (readPropertyString(fields, text).value as unknown as VolumeValue | undefined);
}

export function formatVolume(key: string, value: VolumeValue): string {
  const fields = fieldsOf(key);
  if (!fields) throw new Error(`${key} is not a property string`);
  return formatPropertyString(fields, value as never);
}

/** What a volume value means: a volume of a storage, a folder of the node, a block device of the node. */
export function volumeKind({ volume }: Pick<VolumeValue, 'volume'>): 'volume' | 'bind' | 'device' {
  if (!volume.startsWith('/')) return 'volume';
  return volume.startsWith('/dev/') ? 'device' : 'bind';
}

/** `local:8`: storage and size in GiB of a volume to be made. */
export function newVolumeRequest({
  volume,
}: Pick<VolumeValue, 'volume'>): { storage: string; gib: number } | undefined {
  const match = /^([a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]):(\d+(?:\.\d+)?)$/.exec(volume);
  return match ? { storage: match[1] as string, gib: Number(match[2]) } : undefined;
}
