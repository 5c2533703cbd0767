/** Names for volumes of a guest that are no numbered disks: `vm-100-cloudinit`, `vm-100-state-before`. */
import type { ImageFormat } from '@ryokan/api/schema/volume-id.ts';
import type { StorageDriver } from '../../storage/driver.ts';

/** The name as a new volume gets it: with its format at the end, where names of the storage have that. */
export function volumeName(
  driver: StorageDriver,
  vmid: number,
  purpose: string,
  format: ImageFormat,
): string {
  const stem = `vm-${vmid}-${purpose}`;
  return namesEnd(driver, vmid, stem, format) ? `${stem}.${format}` : stem;
}

/** Do names of images end in their format on this storage? A path exists only for names that it can have. */
function namesEnd(driver: StorageDriver, vmid: number, stem: string, format: ImageFormat): boolean {
  try {
    driver.path(`${vmid}/${stem}.${format}`);
    return true;
  } catch {
    return false;
  }
}
