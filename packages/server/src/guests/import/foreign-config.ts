/** Taking over the configuration file of a guest that ran under Proxmox VE. */
import { parseConfigFile } from '../config-file.ts';
import type { GuestServices } from '../guest-services.ts';
import { placeGuest } from '../guest-store.ts';
import { allProperties, isVolumeKey } from '../qemu/config-change.ts';
import { namesVolume, parseDrive } from '../qemu/drive-value.ts';

export interface MissingVolume {
  /** Configuration key that names it. */
  readonly key: string;
  readonly volid: string;
}

/**
 * Enters the guest with exactly this text: what is unknown here stays. Rejects with 'failed' and the line for a text that
 * is no configuration, with 'exists' when the VMID is taken. Gives the volumes that are not there (yet).
 */
export async function importConfig(
  services: GuestServices,
  vmid: number,
  text: string,
  author: string,
): Promise<MissingVolume[]> {
  const file = parseConfigFile(text, `given for VM ${vmid}`);
  const wanted = new Map<string, MissingVolume>();
  for (const properties of allProperties(file)) {
    for (const [key, value] of Object.entries(properties)) {
      const volid = key === 'vmstate' ? value : isVolumeKey(key) ? volumeIn(key, value) : undefined;
      if (volid !== undefined && !wanted.has(volid)) wanted.set(volid, { key, volid });
    }
  }
  await placeGuest(services.store, 'qemu', services.settings.node, vmid, text, author);
  const missing: MissingVolume[] = [];
  for (const volume of wanted.values()) {
    if (!(await services.storage.info(volume.volid).catch(() => undefined))) missing.push(volume);
  }
  return missing;
}

/** Undefined for a value that is not understood: it is kept all the same. */
function volumeIn(key: string, text: string): string | undefined {
  try {
    const drive = parseDrive(key, text);
    return namesVolume(drive) ? drive.file : undefined;
  } catch {
    return undefined;
  }
}
