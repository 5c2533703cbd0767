/** Base volumes: those of templates, on which linked clones rest. */
import { parseVolumeId, parseVolumeName } from '@ryokan/api/schema/volume-id.ts';

export function isBaseVolume(volid: string): boolean {
  const name = parseVolumeName(parseVolumeId(volid).name);
  return name.kind === 'image' && name.isBase;
}

/** The id that a volume gets when it becomes a base: of `vm-100-disk-0` `base-100-disk-0`, of `subvol-…` `basevol-…`. */
export function baseVolumeOf(volid: string): string {
  return volid.replace(
    /(^|[:/])(vm|subvol)-(\d+-[^/]*)$/,
    (_all, before, kind, rest) => `${before}${kind === 'vm' ? 'base' : 'basevol'}-${rest}`,
  );
}
