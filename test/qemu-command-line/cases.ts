/**
 * The golden cases of the QEMU command line: `<case>.conf` is a guest's configuration, `<case>.args` the arguments that
 * it must give, one a line, followed by the notes as `# …`. The notes of a .conf say what the case is about; a section
 * [special:host] changes the node that it would start on.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { type QemuConfig, qemuNetKeys, qemuVolumeKeys } from '@ryokan/api/schema/qemu-config.ts';
import { cpuFields } from '@ryokan/api/schema/qemu-options.ts';
import { type ConfigProperties, parseConfigFile } from '@ryokan/server/guests/config-file.ts';
import { requireQemuConfig } from '@ryokan/server/guests/qemu/config.ts';
import type { QemuHost, ResolvedPci, ResolvedVolume } from '@ryokan/server/guests/qemu/host-input.ts';

export const casesFolder = fileURLToPath(new URL('.', import.meta.url));

/** Where the made-up node keeps everything; a test that really starts QEMU replaces this by a folder of its own. */
export const dataFolder = '/var/lib/ryokan';

export interface CommandLineCase {
  readonly name: string;
  readonly config: QemuConfig;
  readonly host: QemuHost;
  readonly argsFile: string;
}

export function caseNames(): string[] {
  return readdirSync(casesFolder)
    .filter((name) => name.endsWith('.conf'))
    .map((name) => name.slice(0, -'.conf'.length))
    .sort();
}

export function readCase(name: string): CommandLineCase {
  const path = `${casesFolder}${name}.conf`;
  const file = parseConfigFile(readFileSync(path, 'utf8'), path);
  const config = requireQemuConfig(file.properties, 100);
  return {
    name,
    config,
    host: exampleHost(config, file.special.host ?? {}),
    argsFile: `${casesFolder}${name}.args`,
  };
}

/** The expected arguments as the file has them. */
export function formatArguments(args: readonly string[], notes: readonly string[]): string {
  return [...args, ...notes.map((note) => `# ${note}`)].map((line) => `${line}\n`).join('');
}

export function readArguments(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('# '));
}

/** A node with everything; `changes` are the keys of [special:host]. */
export function exampleHost(config: QemuConfig, changes: ConfigProperties = {}): QemuHost {
  const run = `${dataFolder}/run/qemu`;
  return {
    vmid: 100,
    accelerator: changes.accelerator === 'tcg' ? 'tcg' : 'kvm',
    qemuVersion: [7, 2],
    cpuVendor: changes.cpuVendor === 'amd' ? 'amd' : 'intel',
    cpuCount: 8,
    memoryTotal: 16 * 1024 ** 3,
    runDir: run,
    uuid: '11111111-2222-4333-8444-555555555555',
    volumes: volumes(config),
    taps: taps(config, changes.vhost === 'true'),
    pciDevices: pciDevices(changes),
    usbMappings: Object.fromEntries(Object.entries(changes).filter(([key]) => key.startsWith('usb'))),
    virtiofsSockets: { virtiofs0: `${run}/100.virtiofs0` },
    tpmSocket: `${run}/100.tpm`,
    ovmfDir: '/usr/share/OVMF',
    temporaryEfiVars: `${run}/100.efivars`,
    hugepagePaths: { 2: '/run/hugepages/2048kB', 1024: '/run/hugepages/1048576kB' },
    ioUring: changes.ioUring !== 'false',
    ...(changes.cpu === undefined ? {} : { customCpu: parsePropertyString(cpuFields, changes.cpu) }),
    startPaused: changes.startPaused === 'true',
    incoming: changes.incoming === 'true',
  };
}

function volumes(config: QemuConfig): Record<string, ResolvedVolume> {
  const found: Record<string, ResolvedVolume> = {};
  for (const key of qemuVolumeKeys) {
    const volid = config[key]?.split(',')[0]?.replace(/^file=/, '');
    if (volid !== undefined && volid !== 'none') found[key] = resolve(volid);
  }
  return found;
}

/** `local` holds files, `tmp` files without direct I/O, `lvm` block devices. */
function resolve(volid: string): ResolvedVolume {
  if (volid === 'cdrom') return { source: { driver: 'host_device', filename: '/dev/cdrom' }, format: 'raw' };
  if (volid.startsWith('/')) return { source: { driver: 'host_device', filename: volid }, format: 'raw' };
  const [storage = '', name = ''] = volid.split(':');
  if (storage === 'lvm')
    return { source: { driver: 'host_device', filename: `/dev/lvm/${name}` }, format: 'raw' };
  const folder = `${dataFolder}/storage/${storage}`;
  const filename = name.startsWith('iso/') ? `${folder}/template/${name}` : `${folder}/images/${name}`;
  const format = name.endsWith('.qcow2') ? 'qcow2' : name.endsWith('.vmdk') ? 'vmdk' : 'raw';
  return { source: { driver: 'file', filename }, format, directIo: storage !== 'tmp' };
}

function taps(config: QemuConfig, vhost: boolean): QemuHost['taps'] {
  const keys = qemuNetKeys.filter((key) => config[key]?.includes('bridge='));
  return Object.fromEntries(
    keys.map((key) => {
      const bridgeMtu = config[key]?.includes('bridge=vmbr1') ? 9000 : 1500;
      return [key, { ifname: `tap100i${key.slice('net'.length)}`, vhost, bridgeMtu }];
    }),
  );
}

/** `hostpci0: 0000:01:00.0 0000:01:00.1` or `hostpci0: mdev /sys/…` */
function pciDevices(changes: ConfigProperties): Record<string, ResolvedPci> {
  const entries = Object.entries(changes).filter(([key]) => key.startsWith('hostpci'));
  return Object.fromEntries(
    entries.map(([key, text]) => {
      const [mdev] = /(?<=^mdev ).*/.exec(text) ?? [];
      return [key, mdev ? { functions: [], mdevPath: mdev } : { functions: text.split(' ') }];
    }),
  );
}
