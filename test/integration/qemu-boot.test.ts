/**
 * The firmware really boots from where the configuration says: the boot sector of the accelerator self-test, put on a
 * disk of every kind, ends QEMU with its own exit code. UEFI is seen by what it writes into its variables.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qemuCommandLine } from '../../packages/server/src/guests/qemu/command-line.ts';
import { requireQemuConfig } from '../../packages/server/src/guests/qemu/config.ts';
import { ovmfFiles } from '../../packages/server/src/guests/qemu/devices/machine.ts';
import type { ResolvedVolume } from '../../packages/server/src/guests/qemu/host-input.ts';
import { bootSector, exitCodes } from '../../packages/server/src/host/accelerator-boot.ts';
import { exampleHost } from '../qemu-command-line/cases.ts';

const ovmfDir = '/usr/share/OVMF';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-boot-'));
  writeFileSync(join(folder, 'boot.raw'), bootSector());
  for (const name of ['blank.raw', 'blank2.raw']) writeFileSync(join(folder, name), '');
  for (const name of ['boot.raw', 'blank.raw', 'blank2.raw'])
    truncateSync(join(folder, name), 4 * 1024 * 1024);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const volume = (name: string): ResolvedVolume => ({
  source: { driver: 'file', filename: join(folder, name) },
  format: 'raw',
  directIo: false,
});

type Properties = Record<string, string>;

function start(properties: Properties): ChildProcess {
  const config = requireQemuConfig({ memory: '256', kvm: '0', ...properties }, 100);
  const volumes: Record<string, ResolvedVolume> = {};
  for (const [key, text] of Object.entries(properties)) {
    const name = /^test:([^,]+)/.exec(text)?.[1];
    if (name) volumes[key] = volume(name);
  }
  const host = { ...exampleHost(config), runDir: folder, volumes, taps: {}, ovmfDir, ioUring: false };
  return spawn('qemu-system-x86_64', qemuCommandLine(config, host), {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Boots with the exit device of the boot sector and without the firmware's menu; resolves to QEMU's exit code. */
function bootsTo(properties: Properties, limit = 30_000): Promise<number | null> {
  const args = '-device isa-debug-exit,iobase=0xf4,iosize=1 -boot menu=off -no-reboot';
  const qemu = start({ ...properties, args });
  const timer = setTimeout(() => qemu.kill('SIGKILL'), limit);
  return new Promise((resolve) =>
    qemu.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code);
    }),
  );
}

const kinds: [string, Properties][] = [
  ['ide0', {}],
  ['ide1', {}],
  ['ide3', {}],
  ['sata0', {}],
  ['sata5', {}],
  ['virtio0', {}],
  ['virtio0', { virtio0: 'test:boot.raw,iothread=1' }],
  ['virtio6', {}],
  ['scsi0', {}],
  ['scsi0', { scsihw: 'virtio-scsi-pci' }],
  ['scsi7', { scsihw: 'virtio-scsi-pci' }],
  ['scsi0', { scsihw: 'virtio-scsi-single', scsi0: 'test:boot.raw,iothread=1' }],
  ['scsi30', { scsihw: 'virtio-scsi-single' }],
  ['scsi0', { scsihw: 'megasas' }],
  ['scsi0', { scsihw: 'pvscsi' }],
];

describe.each(['pc', 'q35'])('SeaBIOS on %s', (machine) => {
  it.each(kinds)('boots from %s %j', async (key, properties) => {
    const config = { machine, [key]: 'test:boot.raw', boot: `order=${key}`, ...properties };
    expect(await bootsTo(config)).toBe(exitCodes.passed);
  });

  it('takes the disk that boot names, not the first one', async () => {
    const disks = { ide0: 'test:blank.raw', virtio0: 'test:blank2.raw', sata0: 'test:boot.raw' };
    expect(await bootsTo({ machine, ...disks, boot: 'order=sata0;virtio0' })).toBe(exitCodes.passed);
  });

  it('boots from nothing that boot does not name', async () => {
    // Nothing to boot: the firmware tries again after a second, which -no-reboot turns into an end.
    const disks = { virtio0: 'test:boot.raw', virtio1: 'test:blank.raw' };
    expect(await bootsTo({ machine, ...disks, boot: 'order=virtio1' })).toBe(0);
  });

  it('finds the boot disk of a configuration without boot', async () => {
    expect(await bootsTo({ machine, ide2: 'none,media=cdrom', virtio1: 'test:boot.raw' })).toBe(
      exitCodes.passed,
    );
  });
});

describe.skipIf(!existsSync(join(ovmfDir, 'OVMF_CODE_4M.fd')))('UEFI (package ovmf)', () => {
  it.each<[string, Properties]>([
    ['4m on i440fx', { efidisk0: 'test:vars,efitype=4m' }],
    ['4m on q35', { machine: 'q35', efidisk0: 'test:vars,efitype=4m' }],
    ['with keys on i440fx', { efidisk0: 'test:vars,efitype=4m,pre-enrolled-keys=1' }],
    [
      'with keys in system management mode on q35',
      { machine: 'q35', efidisk0: 'test:vars,efitype=4m,pre-enrolled-keys=1' },
    ],
  ])('starts and keeps its variables: %s', keepsItsVariables);

  it('starts and keeps its variables: 2m on i440fx', ({ skip }) => {
    skip(!existsSync(join(ovmfDir, 'OVMF_CODE.fd')), 'Debian 13 has no UEFI firmware of 2 MB');
    return keepsItsVariables('', { efidisk0: 'test:vars' });
  });

  async function keepsItsVariables(_what: string, properties: Properties): Promise<void> {
    const config = { bios: 'ovmf', memory: '512', ...properties };
    const template = join(ovmfDir, ovmfFiles(requireQemuConfig(config, 100)).varsTemplate);
    const vars = join(folder, 'vars');
    copyFileSync(template, vars);
    const before = readFileSync(vars);
    const qemu = start(config);
    const ended = new Promise((resolve) => qemu.once('exit', resolve));
    try {
      const deadline = Date.now() + 60_000;
      while (readFileSync(vars).equals(before)) {
        expect(qemu.exitCode).toBe(null);
        expect(Date.now()).toBeLessThan(deadline);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    } finally {
      qemu.kill('SIGKILL');
      await ended;
    }
  }
});
