/** -machine, firmware, clock, SMBIOS: the board that everything is plugged into. */
import { join } from 'node:path';
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { efidiskFields } from '@ryokan/api/schema/qemu-drive.ts';
import { machineFields, smbiosFields, vgaFields } from '@ryokan/api/schema/qemu-options.ts';
import { type Arguments, optionText } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest, notProvided } from '../guest-context.ts';
import { machineForStart } from '../machine-pin.ts';
import { fileNode, layeredImage } from './block.ts';
import { checkMachineVersion, chipsetOf, machineType } from './chipset.ts';

/** Settings of -machine that other parts of the guest ask for. */
export interface MachineNeeds {
  /** Id of the object that is the guest's memory, when it is not plain memory. */
  readonly memoryBackend?: string;
}

export function addMachine(guest: Guest, needs: MachineNeeds, args: Arguments): void {
  const { config, host, accelerator } = guest;
  const machine = machineForStart(config, host.qemuVersion);
  const type = machineType(machine === undefined ? config : { ...config, machine });
  checkMachineVersion(type, host.qemuVersion);
  const viommu = optionOf(config, 'machine', machineFields)?.viommu;
  const uefi = config.bios === 'ovmf';
  const headless = /^(?:serial\d|none)$/.test(optionOf(config, 'vga', vgaFields)?.type ?? 'std');
  args.add(
    '-machine',
    optionText('', {
      type,
      smm: uefi && ovmfFiles(config).secure ? true : undefined,
      pflash0: uefi ? 'pflash0' : undefined,
      pflash1: uefi ? 'drive-efidisk0' : undefined,
      'memory-backend': needs.memoryBackend,
      // Interrupt remapping by the virtual IOMMU needs the I/O APIC in QEMU.
      'kernel-irqchip': viommu === 'intel' && accelerator === 'kvm' ? 'split' : undefined,
      acpi: config.acpi === false ? false : undefined,
      // Windows uses the HPET where it finds one, which costs CPU time all day.
      hpet: guest.windows ? false : undefined,
      // The firmware talks to the serial port when there is no screen.
      graphics: headless ? false : undefined,
      'mem-merge': config['allow-ksm'] === false ? false : undefined,
    }),
    '-accel',
    accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi',
  );
  addSleepStates(guest, args);
  if (uefi) addOvmf(guest, args);
  else if (config.efidisk0 !== undefined)
    guest.note('efidisk0 is not used: the firmware is SeaBIOS (bios: ovmf uses it)');
}

/** Suspend to memory and hibernation inside a guest confuse both sides more than they save; off unless asked for. */
function addSleepStates(guest: Guest, args: Arguments): void {
  if (guest.config.acpi === false) return;
  const machine = optionOf(guest.config, 'machine', machineFields);
  const driver = guest.chipset === 'q35' ? 'ICH9-LPC' : 'PIIX4_PM';
  if (!machine?.['enable-s3']) args.add('-global', `${driver}.disable_s3=1`);
  if (!machine?.['enable-s4']) args.add('-global', `${driver}.disable_s4=1`);
}

export interface OvmfFiles {
  /** File names in the firmware folder. */
  readonly code: string;
  readonly varsTemplate: string;
  /** Exact size of the variables in bytes: the flash has this size whatever the volume has. */
  readonly varsSize: number;
  /** The firmware keeps its keys in system management mode, out of the guest's reach. */
  readonly secure: boolean;
}

/** Which files of the firmware fit the guest; also what a new efidisk0 must be filled with. */
export function ovmfFiles(config: QemuConfig): OvmfFiles {
  const efidisk = optionOf(config, 'efidisk0', efidiskFields);
  // Guests without efidisk0 get the current size; 2m is the older default of the key.
  const size = efidisk ? (efidisk.efitype ?? '2m') : '4m';
  const keys = efidisk?.['pre-enrolled-keys'] ?? false;
  const secure = keys && chipsetOf(config) === 'q35';
  const infix = size === '4m' ? '_4M' : '';
  return {
    code: `OVMF_CODE${infix}${secure ? '.secboot' : ''}.fd`,
    varsTemplate: `OVMF_VARS${infix}${keys ? '.ms' : ''}.fd`,
    varsSize: size === '4m' ? 540_672 : 131_072,
    secure,
  };
}

function addOvmf(guest: Guest, args: Arguments): void {
  const { config, host } = guest;
  const files = ovmfFiles(config);
  const code = { driver: 'file', filename: join(host.ovmfDir, files.code) };
  args.blockdev({ 'node-name': 'pflash0', driver: 'raw', 'read-only': true, file: code });
  if (files.secure) args.add('-global', 'driver=cfi.pflash01,property=secure,value=on');
  const keys = optionOf(config, 'efidisk0', efidiskFields)?.['pre-enrolled-keys'];
  if (keys && !files.secure) {
    guest.note('Secure Boot is not protected against a guest kernel on this chipset; machine: q35 does that');
  }
  if (config.efidisk0 === undefined) {
    if (!host.temporaryEfiVars) throw notProvided('efidisk0', 'a temporary copy of the UEFI variables');
    guest.note('no efidisk0: UEFI variables, such as boot entries, are lost when the guest stops');
    const file = { driver: 'file', filename: host.temporaryEfiVars };
    args.blockdev({ 'node-name': 'drive-efidisk0', driver: 'raw', size: files.varsSize, file });
    return;
  }
  const volume = host.volumes.efidisk0;
  if (!volume) throw notProvided('efidisk0', 'its volume');
  if (volume.readOnly)
    throw cannot('efidisk0', 'the firmware has to write to it, but its volume is read-only');
  const names = { format: 'format-efidisk0', file: 'file-efidisk0' };
  const image =
    volume.format === 'raw'
      ? fileNode(volume, names.file, {})
      : layeredImage('efidisk0', volume, names, (layer, { format, file }) => ({
          driver: volume.format,
          'node-name': format,
          file: fileNode(layer, file, {}),
        }));
  // Storages round sizes up; the flash must have exactly the size that the firmware was built for.
  args.blockdev({ 'node-name': 'drive-efidisk0', driver: 'raw', size: files.varsSize, file: image });
}

/** The clock: UTC, except for Windows and where asked otherwise. */
export function addClock(guest: Guest, args: Arguments): void {
  const { config } = guest;
  const local = config.localtime ?? guest.windows;
  const start = config.startdate && config.startdate !== 'now' ? normalDate(config.startdate) : undefined;
  const driftfix = config.tdf || guest.windows ? 'slew' : undefined;
  const base = start ?? (local ? 'localtime' : undefined);
  if (base || driftfix) args.add('-rtc', optionText('', { base, driftfix }));
  if (guest.windows && guest.accelerator === 'kvm') args.add('-global', 'kvm-pit.lost_tick_policy=discard');
}

/** `2026-1-5` and `2026-1-5T7:0:0` with two digits everywhere, as QEMU wants them. */
function normalDate(text: string): string {
  return text.replace(/(?<=[-T:])\d(?!\d)/g, '0$&');
}

/** The UUID of the guest: that of smbios1, or what the host chose. */
export function guestUuid(guest: Guest): string {
  return optionOf(guest.config, 'smbios1', smbiosFields)?.uuid ?? guest.host.uuid;
}

export function addSmbios(guest: Guest, args: Arguments): void {
  const smbios = optionOf(guest.config, 'smbios1', smbiosFields);
  args.add('-uuid', guestUuid(guest));
  const { uuid: _, base64, ...texts } = smbios ?? {};
  const decode = (text: string | undefined) =>
    text !== undefined && base64 ? Buffer.from(text, 'base64').toString('utf8') : text;
  const fields = Object.fromEntries(
    (['manufacturer', 'product', 'version', 'serial', 'sku', 'family'] as const).map((key) => [
      key,
      decode(texts[key]),
    ]),
  );
  if (Object.values(fields).some((text) => text !== undefined)) {
    args.add('-smbios', optionText('type=1', { uuid: guestUuid(guest), ...fields }));
  }
}

/** A virtual IOMMU must stand before the devices that it serves. */
export function addIommu(guest: Guest, args: Arguments): void {
  const machine = optionOf(guest.config, 'machine', machineFields);
  if (!machine?.viommu) return;
  if (guest.chipset !== 'q35') throw cannot('machine', `viommu=${machine.viommu} needs the chipset q35`);
  if (machine.viommu === 'virtio') {
    args.device('virtio-iommu-pci', { id: 'viommu', bus: 'pcie.0', addr: '0x3' });
    return;
  }
  const bits = machine['aw-bits'];
  // Two or four levels of tables below 3: 39 and 48 are what the hardware that it models has.
  if (bits !== undefined && ![39, 48].includes(bits))
    throw cannot('machine', 'aw-bits of the Intel IOMMU is 39 or 48');
  args.device('intel-iommu', { intremap: true, 'caching-mode': true, 'aw-bits': bits });
}
