/** The volume that keeps UEFI variables: a copy of the firmware's template. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import type { VolumeFormat } from '../../storage/driver.ts';
import type { GuestServices } from '../guest-services.ts';
import { ovmfFiles } from './devices/machine.ts';
import { type DriveValue, formatDrive } from './drive-value.ts';
import { ovmfFolder } from './qemu-facts.ts';

export async function makeEfiDisk(
  services: GuestServices,
  vmid: number,
  drive: DriveValue,
  storage: string,
  format: VolumeFormat,
  onStaged: (path: string) => void,
  onPlaced: (volid: string) => void,
): Promise<{ volid: string; size: number }> {
  const { varsTemplate } = ovmfFiles({ efidisk0: formatDrive('efidisk0', { ...drive, file: 'none' }) });
  const template = join(ovmfFolder, varsTemplate);
  const size = statSync(template, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    throw new RyokanError(
      'failed',
      `the UEFI firmware '${template}' is missing; install the Debian package 'ovmf'`,
    );
  }
  const volid = await services.storage.allocate(storage, { vmid, format, size, onStaged, onPlaced });
  const path = await services.storage.path(volid);
  await run('qemu-img', ['convert', '-n', '-f', 'raw', '-O', format, template, path]);
  return { volid, size };
}
