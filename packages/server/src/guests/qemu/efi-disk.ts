/** The volume that keeps UEFI variables: a copy of the firmware's template; and whether this machine has that firmware. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { run } from '../../host/exec.ts';
import type { VolumeFormat } from '../../storage/driver.ts';
import type { GuestServices } from '../guest-services.ts';
import { ovmfFiles } from './devices/machine.ts';
import { type DriveValue, formatDrive } from './drive-value.ts';
import { ovmfFolder } from './qemu-facts.ts';

/**
 * A new efidisk0 with an `efitype` that this machine has firmware for. Debian 13's package has that of 4 MB only, so
 * there a drive that does not name its type gets `4m` instead of the key's older default; one that asks for `2m` is
 * refused ('failed'). The same object when nothing had to be added.
 */
export function fittingEfiDrive(drive: DriveValue, folder = ovmfFolder): DriveValue {
  const choices = drive.efitype === undefined ? [drive, { ...drive, efitype: '4m' }] : [drive];
  const fitting = choices.find((choice) => existsSync(join(folder, templateOf(choice))));
  if (!fitting) throw missingFirmware(templateOf(drive), folder);
  return fitting;
}

/** Throws 'failed' when the guest is to start with UEFI firmware that this machine does not have. */
export function demandFirmware(config: QemuConfig, folder = ovmfFolder): void {
  if (config.bios !== 'ovmf') return;
  const { code } = ovmfFiles(config);
  if (!existsSync(join(folder, code))) throw missingFirmware(code, folder);
}

export async function makeEfiDisk(
  services: GuestServices,
  vmid: number,
  drive: DriveValue,
  storage: string,
  format: VolumeFormat,
  onStaged: (path: string) => void,
  onPlaced: (volid: string) => void,
): Promise<{ volid: string; size: number }> {
  const template = join(ovmfFolder, templateOf(drive));
  const { size } = statSync(template);
  const volid = await services.storage.allocate(storage, { vmid, format, size, onStaged, onPlaced });
  const path = await services.storage.path(volid);
  await run('qemu-img', ['convert', '-n', '-f', 'raw', '-O', format, template, path]);
  return { volid, size };
}

function templateOf(drive: DriveValue): string {
  return ovmfFiles({ efidisk0: formatDrive('efidisk0', { ...drive, file: 'none' }) }).varsTemplate;
}

function missingFirmware(name: string, folder: string): RyokanError {
  const text = existsSync(join(folder, 'OVMF_CODE_4M.fd'))
    ? `efidisk0: this machine has no UEFI firmware of 2 MB ('${name}'; Debian 13 has dropped it); use an EFI disk with efitype=4m`
    : `the UEFI firmware '${join(folder, name)}' is missing; install the Debian package 'ovmf'`;
  return new RyokanError('failed', text);
}
