import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demandFirmware, fittingEfiDrive } from './efi-disk.ts';

let folder: string;
const at = (machine: string) => join(folder, machine);
/** What Debian 12 and Debian 13 have in their package, and a machine without it. */
const machines: Record<string, readonly string[]> = {
  debian12: [
    'OVMF_CODE.fd',
    'OVMF_CODE.secboot.fd',
    'OVMF_VARS.fd',
    'OVMF_VARS.ms.fd',
    'OVMF_CODE_4M.fd',
    'OVMF_CODE_4M.secboot.fd',
    'OVMF_VARS_4M.fd',
    'OVMF_VARS_4M.ms.fd',
  ],
  debian13: ['OVMF_CODE_4M.fd', 'OVMF_CODE_4M.secboot.fd', 'OVMF_VARS_4M.fd', 'OVMF_VARS_4M.ms.fd'],
  bare: [],
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'efi-disk-'));
  for (const [machine, names] of Object.entries(machines)) {
    mkdirSync(at(machine));
    for (const name of names) writeFileSync(join(at(machine), name), '');
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the type of a new EFI disk', () => {
  it('stays as it is where the firmware is there', () => {
    for (const drive of [{ file: 'local:1' }, { file: 'local:1', efitype: '2m' }]) {
      expect(fittingEfiDrive(drive, at('debian12'))).toBe(drive);
    }
    const drive = { file: 'local:1', efitype: '4m', 'pre-enrolled-keys': true };
    expect(fittingEfiDrive(drive, at('debian13'))).toBe(drive);
  });

  it('is 4m when none was asked for and there is no other', () => {
    expect(fittingEfiDrive({ file: 'local:1' }, at('debian13'))).toEqual({ file: 'local:1', efitype: '4m' });
  });

  it('is refused when this machine cannot have it', () => {
    expect(() => fittingEfiDrive({ file: 'local:1', efitype: '2m' }, at('debian13'))).toThrow('efitype=4m');
    expect(() => fittingEfiDrive({ file: 'local:1' }, at('bare'))).toThrow(
      "install the Debian package 'ovmf'",
    );
  });
});

it('a guest from Debian 12 with firmware of 2 MB does not start on Debian 13, and the error says why', () => {
  const config = { bios: 'ovmf', efidisk0: 'local:100/vm-100-disk-1.qcow2,size=128K' } as const;
  expect(() => demandFirmware(config, at('debian12'))).not.toThrow();
  expect(() => demandFirmware(config, at('debian13'))).toThrow('Debian 13 has dropped it');
  expect(() => demandFirmware({ ...config, bios: 'seabios' }, at('bare'))).not.toThrow();
  expect(() => demandFirmware({ bios: 'ovmf' }, at('debian13'))).not.toThrow();
});
