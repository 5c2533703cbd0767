/**
 * The configuration of a QEMU guest: every key that `qemu-server/<vmid>.conf` can hold, and what may come with it when a
 * guest is created or changed. The server validates by it, the Web UI builds its forms from it.
 */
import './qemu-formats.ts';
import { PropertyString } from './property-string.ts';
import { Efidisk, IdeDrive, SataDrive, ScsiDrive, Tpmstate, UnusedDrive, VirtioDrive } from './qemu-drive.ts';
import { QemuIpconfig, QemuNetDevice } from './qemu-net.ts';
import {
  AmdSev,
  agentFields,
  audioFields,
  bootFields,
  CloudInitFiles,
  cpuFields,
  hostpciFields,
  IntelTdx,
  ivshmemFields,
  machineFields,
  memoryFields,
  numaFields,
  rngFields,
  SpiceEnhancements,
  smbiosFields,
  usbFields,
  vgaFields,
  virtiofsFields,
  watchdogFields,
} from './qemu-options.ts';
import { Enum, Format, family, type Static, StorageId, type TObject, Type } from './types.ts';

const Optional = Type.Optional;
const flag = (description: string, rest: Record<string, unknown> = {}) =>
  Optional(Type.Boolean({ description, ...rest }));
const text = (description: string, rest: Record<string, unknown> = {}) =>
  Optional(Type.String({ description, ...rest }));
const number = (description: string, rest: Record<string, unknown> = {}) =>
  Optional(Type.Integer({ description, ...rest }));

/** What the guest is called and how the node treats it. */
const generalFields = {
  name: Optional(Format('dns-name', { description: 'Name of the guest.' })),
  description: text('Notes, in Markdown.', { maxLength: 8192 }),
  tags: Optional(Format('pve-tag-list', { description: 'Tags to find and group guests by.' })),
  ostype: Optional(
    Enum(
      [
        'other',
        'wxp',
        'w2k',
        'w2k3',
        'w2k8',
        'wvista',
        'win7',
        'win8',
        'win10',
        'win11',
        'l24',
        'l26',
        'solaris',
      ],
      { default: 'other', description: 'Operating system of the guest; chooses fitting defaults for it.' },
    ),
  ),
  onboot: flag('Start with the node.', { default: false }),
  startup: Optional(Format('pve-startup-order', { description: 'order=N,up=SECONDS,down=SECONDS' })),
  protection: flag('Refuse to remove the guest and its disks.', { default: false }),
  template: flag('It is a template: clones are made of it, it does not start.', { default: false }),
  autostart: flag('Older key without effect.', { default: false }),
  hookscript: Optional(
    Format('pve-volume-id', { description: 'Snippet that runs at steps of its life (root only).' }),
  ),
  hotplug: Optional(
    Format('pve-hotplug-features', {
      default: 'network,disk,usb',
      description:
        'What can change while it runs: network, disk, cpu, memory, usb, cloudinit; 0 none, 1 the default.',
    }),
  ),
  lock: Optional(
    Enum(
      [
        'backup',
        'clone',
        'create',
        'migrate',
        'rollback',
        'snapshot',
        'snapshot-delete',
        'suspending',
        'suspended',
      ],
      { description: 'An operation that keeps others away.' },
    ),
  ),
  freeze: flag('Do not run the CPU at start; the monitor command c starts it.'),
  reboot: flag('A reboot by the guest restarts it; otherwise it stops.', { default: true }),
  vmstatestorage: Optional(StorageId('Storage for saved memory.')),
  migrate_downtime: Optional(
    Type.Number({
      minimum: 0,
      default: 0.1,
      description: 'Longest pause in seconds at the end of a migration.',
    }),
  ),
  migrate_speed: number('Limit of a migration in MB/s; 0 for none.', { minimum: 0, default: 0 }),
};

const processorFields = {
  cpu: Optional(PropertyString(cpuFields, { description: 'Processor that the guest sees.' })),
  sockets: number('Processor sockets.', { minimum: 1, default: 1 }),
  cores: number('Cores a socket.', { minimum: 1, default: 1 }),
  vcpus: number('How many of the CPUs are plugged in at start.', { minimum: 1, default: 0 }),
  smp: number('CPUs; older form of sockets.', { minimum: 1, default: 1 }),
  cpulimit: Optional(
    Type.Number({
      minimum: 0,
      maximum: 128,
      default: 0,
      description: 'How many CPUs of the node it may use; 0: no limit.',
    }),
  ),
  cpuunits: number('Its share of CPU time when guests compete.', { minimum: 1, maximum: 262144 }),
  affinity: Optional(Format('pve-cpuset', { description: 'CPUs of the node that it may run on: 0,5,8-11.' })),
  kvm: flag("Use the processor's virtualization; off is emulation, slow.", { default: true }),
  arch: Optional(Enum(['x86_64', 'aarch64'], { description: 'Processor architecture; x86_64 only.' })),
  'amd-sev': Optional(AmdSev),
  'intel-tdx': Optional(IntelTdx),
  numa: flag('Present NUMA nodes to the guest.', { default: false }),
  ...family('numa', 8, PropertyString(numaFields, { description: 'One NUMA node of the guest.' })),
};

const memoryConfigFields = {
  memory: Optional(PropertyString(memoryFields, { description: 'Memory in MiB.' })),
  balloon: number('Least memory in MiB that the guest keeps under pressure; 0: no balloon device.', {
    minimum: 0,
  }),
  shares: number('Its share of memory when the node balances it.', {
    minimum: 0,
    maximum: 50000,
    default: 1000,
  }),
  hugepages: Optional(
    Enum(['any', '2', '1024'], { description: 'Back its memory by pages of this size in MiB.' }),
  ),
  keephugepages: flag('Keep the huge pages when it stops.', { default: false }),
  'allow-ksm': flag('Its memory may be merged with equal memory of others.', { default: true }),
};

const systemFields = {
  machine: Optional(PropertyString(machineFields, { description: 'Chipset.' })),
  bios: Optional(Enum(['seabios', 'ovmf'], { default: 'seabios', description: 'Firmware: BIOS or UEFI.' })),
  boot: Optional(PropertyString(bootFields, { description: 'What to boot from.' })),
  bootdisk: Optional(Format('pve-qm-bootdisk', { description: 'Boot disk of the older boot form.' })),
  scsihw: Optional(
    Enum(['lsi', 'lsi53c810', 'virtio-scsi-pci', 'virtio-scsi-single', 'megasas', 'pvscsi'], {
      default: 'lsi',
      description: 'Controller of the scsiN disks.',
    }),
  ),
  acpi: flag('Offer ACPI.', { default: true }),
  smbios1: Optional(
    PropertyString(smbiosFields, { maxLength: 512, description: 'What the guest reads of its hardware.' }),
  ),
  vmgenid: text(
    'Generation id (UUID) that changes when the guest is rolled back; 1 makes one, 0 switches it off.',
    {
      pattern: '(?:[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[01])',
    },
  ),
  localtime: flag('Its clock shows local time; default for Windows.'),
  startdate: text('Clock at start: now, 2026-01-31 or 2026-01-31T12:00:00.', {
    default: 'now',
    pattern: '(now|\\d{4}-\\d{1,2}-\\d{1,2}(T\\d{1,2}:\\d{1,2}:\\d{1,2})?)',
  }),
  tdf: flag('Make up for lost clock ticks.', { default: false }),
  args: text('More arguments for QEMU (root@pam only).'),
};

// biome-ignore format: a list of words
export const keyboards = [
  'de', 'de-ch', 'da', 'en-gb', 'en-us', 'es', 'fi', 'fr', 'fr-be', 'fr-ca', 'fr-ch', 'hu', 'is', 'it', 'ja', 'lt',
  'mk', 'nl', 'no', 'pl', 'pt', 'pt-br', 'sv', 'sl', 'tr',
] as const;

const deviceFields = {
  vga: Optional(PropertyString(vgaFields, { description: 'Graphics card.' })),
  tablet: flag('USB tablet, so that the pointer is where the mouse is.', { default: true }),
  keyboard: Optional(
    Enum(keyboards, { description: 'Keyboard of VNC viewers that send characters instead of keys.' }),
  ),
  agent: Optional(PropertyString(agentFields, { description: 'QEMU guest agent.' })),
  rng0: Optional(PropertyString(rngFields, { description: 'Random numbers for the guest.' })),
  watchdog: Optional(PropertyString(watchdogFields, { description: 'Watchdog.' })),
  audio0: Optional(PropertyString(audioFields, { description: 'Sound card.' })),
  ivshmem: Optional(
    PropertyString(ivshmemFields, { description: 'Memory shared with other guests and the node.' }),
  ),
  spice_enhancements: Optional(SpiceEnhancements),
  ...family(
    'serial',
    4,
    Type.String({
      pattern: '(/dev/[^,]+|socket)',
      description: "Serial port: 'socket' for consoles, or a device.",
    }),
  ),
  ...family(
    'parallel',
    3,
    Type.String({ pattern: '/dev/parport\\d+|/dev/usb/lp\\d+', description: 'Parallel port of the node.' }),
  ),
  ...family('usb', 14, PropertyString(usbFields, { description: 'USB device of the node.' })),
  ...family('hostpci', 16, PropertyString(hostpciFields, { description: 'PCI device of the node.' })),
  ...family('virtiofs', 10, PropertyString(virtiofsFields, { description: 'Directory of the node.' })),
};

const diskFields = {
  ...family('ide', 4, IdeDrive),
  ...family('sata', 6, SataDrive),
  ...family('scsi', 31, ScsiDrive),
  ...family('virtio', 16, VirtioDrive),
  efidisk0: Optional(Efidisk),
  tpmstate0: Optional(Tpmstate),
  ...family('unused', 256, UnusedDrive),
  cdrom: Optional({ ...IdeDrive, description: 'Short for ide2 with a CD-ROM.' }),
};

const networkFields = { ...family('net', 32, QemuNetDevice) };

const cloudInitFields = {
  citype: Optional(
    Enum(['configdrive2', 'nocloud', 'opennebula'], { description: 'Form of the cloud-init data.' }),
  ),
  cicustom: Optional(CloudInitFiles),
  ciuser: text('User that cloud-init sets up.'),
  cipassword: text('Its password; only its hash is kept.', { secret: true }),
  ciupgrade: flag('Upgrade packages at the first start.', { default: true }),
  sshkeys: Optional(Format('urlencoded', { description: 'Public SSH keys, a line each, URL-encoded.' })),
  nameserver: Optional(Format('address-list', { description: 'DNS servers.' })),
  searchdomain: text('DNS search domains.'),
  ...family('ipconfig', 32, QemuIpconfig),
};

/** Every key of the configuration, each optional. */
export const qemuConfigFields = {
  ...generalFields,
  ...processorFields,
  ...memoryConfigFields,
  ...systemFields,
  ...deviceFields,
  ...diskFields,
  ...networkFields,
  ...cloudInitFields,
};

/** What else a call may bring that creates a guest. */
export const qemuCreateFields = {
  archive: text('Restore this backup (a volume or a path); - reads it from standard input.', {
    maxLength: 255,
  }),
  force: flag('Replace an existing guest.', { requires: 'archive' }),
  unique: flag('Give the restored guest new MAC addresses.', { requires: 'archive' }),
  storage: Optional(StorageId('Storage for the restored disks.')),
  'live-restore': flag('Start it while its disks are still being restored.'),
  bwlimit: number('Limit of the restore in KiB/s.', { minimum: 0 }),
  pool: Optional(Format('pve-poolid', { description: 'Put it into this pool.' })),
  start: flag('Start it when it has been created.', { default: false }),
  'ha-managed': flag('Put it under high availability.', { default: false }),
  'import-working-storage': Optional(
    StorageId('Accepted for other clients: an import makes no files on its way.'),
  ),
};

/** What else a call may bring that changes a configuration. */
export const qemuUpdateFields = {
  delete: Optional(Format('pve-configid-list', { description: 'Keys to remove.' })),
  revert: Optional(Format('pve-configid-list', { description: 'Keys whose pending change is dropped.' })),
  digest: text('Refuse the change when the configuration has another digest (SHA-1).', { maxLength: 40 }),
  skiplock: flag('Ignore the lock of the guest (root@pam only).'),
  force: flag('Remove the volumes of deleted disks too.', { requires: 'delete' }),
  'import-working-storage': qemuCreateFields['import-working-storage'],
};

/** Keys that stand in configuration files but are never set by a call: the node writes them. */
export const qemuInternalFields = {
  meta: Optional(
    PropertyString(
      Type.Object({
        'creation-qemu': text('QEMU version that it was created with.', { pattern: '\\d+(\\.\\d+)+' }),
        ctime: number('When it was created, in seconds since the epoch.', { minimum: 0 }),
      }),
    ),
  ),
  parent: Optional(Format('pve-configid', { maxLength: 40, description: 'The snapshot that it stands on.' })),
  snaptime: number('When the snapshot was made, in seconds since the epoch.', { minimum: 0 }),
  snapstate: Optional(Enum(['prepare', 'delete'], { description: 'The snapshot is being made or removed.' })),
  vmstate: Optional(Format('pve-volume-id', { description: 'Volume with the saved memory.' })),
  runningmachine: Optional(
    PropertyString(machineFields, { description: 'Machine type of the saved state.' }),
  ),
  runningcpu: text('-cpu text of the saved state.'),
  'running-nets-host-mtu': text('MTU of its cards in the saved state.', {
    pattern: 'net\\d+=\\d+(,net\\d+=\\d+)*',
  }),
};

export const qemuStoredFields = { ...qemuConfigFields, ...qemuInternalFields };

/** A configuration with typed values; property strings are still text. */
export type QemuConfig = Static<TObject<typeof qemuStoredFields>>;
export type QemuConfigKey = keyof QemuConfig;

const numbered = <N extends string>(name: N, count: number) =>
  Array.from({ length: count }, (_, i) => `${name}${i}` as QemuConfigKey & `${N}${number}`);

/** Keys that hold a volume which the guest sees as a drive, in the order of their buses. */
export const qemuDriveKeys = [
  ...numbered('ide', 4),
  ...numbered('sata', 6),
  ...numbered('scsi', 31),
  ...numbered('virtio', 16),
];
/** All keys that hold a volume of the guest while it is in use. */
export const qemuVolumeKeys = [...qemuDriveKeys, 'efidisk0', 'tpmstate0'] as const;
export const qemuUnusedKeys = numbered('unused', 256);
export const qemuNetKeys = numbered('net', 32);
export const qemuSerialKeys = numbered('serial', 4);
export const qemuParallelKeys = numbered('parallel', 3);
export const qemuUsbKeys = numbered('usb', 14);
export const qemuHostpciKeys = numbered('hostpci', 16);
export const qemuNumaKeys = numbered('numa', 8);
export const qemuVirtiofsKeys = numbered('virtiofs', 10);
export const qemuIpconfigKeys = numbered('ipconfig', 32);

export type QemuDriveKey = (typeof qemuDriveKeys)[number];
export type QemuDriveBus = 'ide' | 'sata' | 'scsi' | 'virtio';

/** Bus and number of a drive key; undefined for other keys. */
export function driveAddress(
  key: string,
): { readonly bus: QemuDriveBus; readonly index: number } | undefined {
  const match = /^(ide|sata|scsi|virtio)(\d+)$/.exec(key);
  if (!match || !(qemuDriveKeys as readonly string[]).includes(key)) return undefined;
  return { bus: match[1] as QemuDriveBus, index: Number(match[2]) };
}
