/** Property strings of QEMU guests besides disks and network cards: processor, machine, display, agent, … */
import { PropertyString } from './property-string.ts';
import { Enum, Format, type Static, Type } from './types.ts';

const Optional = Type.Optional;
const flag = (description: string, rest: Record<string, unknown> = {}) =>
  Optional(Type.Boolean({ description, ...rest }));
const hex16 = (description: string) => Optional(Type.String({ pattern: '0x[0-9a-fA-F]{4}', description }));
/** `0;2-3`: numbers and ranges. */
const ranges = '\\d+(?:-\\d+)?(?:;\\d+(?:-\\d+)?)*';

export const agentFields = Type.Object({
  enabled: Type.Boolean({
    default: false,
    defaultKey: true,
    description: 'Talk to a guest agent in the guest.',
  }),
  'freeze-fs': flag('Freeze the file systems of the guest for backups.', { default: true }),
  'freeze-fs-on-backup': Optional(Type.Unsafe<never>({ type: 'string', alias: 'freeze-fs' })),
  'guest-fsfreeze': Optional(Type.Unsafe<never>({ type: 'string', alias: 'freeze-fs' })),
  fstrim_cloned_disks: flag('Free unused blocks after a disk was cloned or moved.', { default: false }),
  type: Optional(
    Enum(['virtio', 'isa'], { default: 'virtio', description: 'Kind of channel to the agent.' }),
  ),
});
export type QemuAgent = Static<typeof agentFields>;

export const cpuFields = Type.Object({
  cputype: Optional(
    Type.String({
      defaultKey: true,
      default: 'kvm64',
      pattern: '[A-Za-z0-9][A-Za-z0-9_.-]*',
      description: 'Processor that the guest sees: host, x86-64-v2-AES, EPYC, Skylake-Server, …',
    }),
  ),
  flags: Optional(
    Type.String({
      pattern: '[+-][a-zA-Z0-9_.-]+(?:;[+-][a-zA-Z0-9_.-]+)*',
      description: 'Processor features to add or take away: +aes;-pcid.',
    }),
  ),
  hidden: flag('Do not tell the guest that it is a virtual machine.', { default: false }),
  'hv-vendor-id': Optional(
    Type.String({ pattern: '[a-zA-Z0-9]{1,12}', description: 'Hypervisor vendor that Windows guests see.' }),
  ),
  'phys-bits': Optional(
    Format('pve-phys-bits', { description: "Physical address bits, or 'host' for the node's." }),
  ),
  'guest-phys-bits': Optional(
    Type.Integer({
      minimum: 32,
      maximum: 64,
      description: 'Physical address bits that the guest is told to use.',
    }),
  ),
  level: Optional(
    Type.Integer({ minimum: 0, maximum: 4294967295, description: 'Highest CPUID leaf that the guest sees.' }),
  ),
  'reported-model': Optional(
    Type.String({
      pattern: '[A-Za-z0-9][A-Za-z0-9_.-]*',
      description: 'Model that a custom processor type reports.',
    }),
  ),
});
export type QemuCpu = Static<typeof cpuFields>;

const machinePattern =
  '(pc|pc(-i440fx)?-\\d+(\\.\\d+)+(\\+pve\\d+)?(\\.pxe)?|q35|pc-q35-\\d+(\\.\\d+)+(\\+pve\\d+)?(\\.pxe)?' +
  '|virt(?:-\\d+(\\.\\d+)+)?(\\+pve\\d+)?)';

export const machineFields = Type.Object({
  type: Optional(
    Type.String({
      defaultKey: true,
      maxLength: 40,
      pattern: machinePattern,
      description: 'Chipset: pc (i440fx) or q35, with a version if it must stay the same.',
    }),
  ),
  viommu: Optional(Enum(['intel', 'virtio'], { description: 'A virtual IOMMU for the guest.' })),
  'aw-bits': Optional(Type.Number({ minimum: 32, maximum: 64, description: 'Address width of the IOMMU.' })),
  'enable-s3': flag('Offer suspend to memory (ACPI S3).'),
  'enable-s4': flag('Offer hibernation (ACPI S4).'),
});
export type QemuMachine = Static<typeof machineFields>;

export const memoryFields = Type.Object({
  current: Type.Integer({ defaultKey: true, default: 512, minimum: 16, description: 'Memory in MiB.' }),
});

export const vgaFields = Type.Object({
  type: Optional(
    Enum(
      [
        'cirrus',
        'none',
        'qxl',
        'qxl2',
        'qxl3',
        'qxl4',
        'serial0',
        'serial1',
        'serial2',
        'serial3',
        'std',
        'virtio',
        'virtio-gl',
        'vmware',
      ],
      {
        defaultKey: true,
        default: 'std',
        description: 'Graphics card; serialN shows that port as the console.',
      },
    ),
  ),
  memory: Optional(Type.Integer({ minimum: 4, maximum: 512, description: 'Video memory in MiB.' })),
  clipboard: Optional(
    Enum(['vnc'], { description: 'Share the clipboard over VNC; needs an agent in the guest.' }),
  ),
});
export type QemuVga = Static<typeof vgaFields>;

export const bootFields = Type.Object({
  order: Optional(
    Format('pve-qm-bootdev-list', { description: 'Devices to boot from, in this order: scsi0;ide2;net0.' }),
  ),
  legacy: Optional(
    Type.String({
      defaultKey: true,
      pattern: '[acdn]{1,4}',
      default: 'cdn',
      description: 'Older form: kinds of devices (c disk, d CD-ROM, n network).',
    }),
  ),
});

export const numaFields = Type.Object({
  cpus: Type.String({ pattern: ranges, description: 'CPUs of this node of the guest: 0-3;8.' }),
  memory: Optional(Type.Number({ minimum: 0, description: 'Its memory in MiB.' })),
  hostnodes: Optional(
    Type.String({ pattern: ranges, description: "The node's NUMA nodes that memory comes from." }),
  ),
  policy: Optional(
    Enum(['preferred', 'bind', 'interleave'], { description: 'How strictly hostnodes holds.' }),
  ),
});

const pciAddress = '(?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(?:\\.[a-f0-9])?';
export const hostpciFields = Type.Object({
  host: Optional(
    Type.String({
      defaultKey: true,
      pattern: `${pciAddress}(?:;${pciAddress})*`,
      description: 'PCI address of the device: 01:00.0, or 01:00 for all its functions.',
    }),
  ),
  mapping: Optional(Format('pve-configid', { description: 'Name of a cluster-wide PCI mapping instead.' })),
  driver: Optional(
    Enum(['vfio', 'keep'], {
      default: 'vfio',
      description: 'Bind it to vfio-pci, or leave its driver as it is.',
    }),
  ),
  pcie: flag('Present it as a PCI Express device (q35 only).', { default: false }),
  'x-vga': flag('It is the primary graphics card of the guest.', { default: false }),
  'legacy-igd': flag('Legacy mode of Intel graphics.', { default: false }),
  rombar: flag("Show the device's firmware to the guest.", { default: true }),
  romfile: Optional(
    Type.String({
      pattern: '[^,;]+',
      description: 'Firmware to show instead: name of a file in /usr/share/kvm.',
    }),
  ),
  mdev: Optional(Type.String({ pattern: '[^/\\.:]+', description: 'Mediated device type.' })),
  'vendor-id': hex16('Vendor id that the guest sees.'),
  'device-id': hex16('Device id that the guest sees.'),
  'sub-vendor-id': hex16('Subsystem vendor id that the guest sees.'),
  'sub-device-id': hex16('Subsystem id that the guest sees.'),
});
export type QemuHostpci = Static<typeof hostpciFields>;

export const usbFields = Type.Object({
  host: Optional(
    Type.String({
      defaultKey: true,
      pattern: '(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4}|\\d+-\\d+(?:\\.\\d+)*|[Ss][Pp][Ii][Cc][Ee]',
      description: 'Device of the node as VENDOR:PRODUCT or BUS-PORT, or spice for one of the viewer.',
    }),
  ),
  mapping: Optional(Format('pve-configid', { description: 'Name of a cluster-wide USB mapping instead.' })),
  usb3: flag('It is a USB 3 device; kept for older guests.', { default: false }),
});
export type QemuUsb = Static<typeof usbFields>;

export const audioFields = Type.Object({
  device: Enum(['ich9-intel-hda', 'intel-hda', 'AC97'], { description: 'Sound card that the guest sees.' }),
  driver: Optional(
    Enum(['spice', 'none'], {
      default: 'spice',
      description: 'Where the sound goes: to a SPICE viewer, or nowhere.',
    }),
  ),
});

export const rngFields = Type.Object({
  source: Enum(['/dev/urandom', '/dev/random', '/dev/hwrng'], {
    defaultKey: true,
    description: 'Where the random numbers come from.',
  }),
  max_bytes: Optional(
    Type.Integer({ minimum: 0, default: 1024, description: 'Bytes in a period; 0 for as much as wanted.' }),
  ),
  period: Optional(Type.Integer({ minimum: 1, default: 1000, description: 'Length of a period in ms.' })),
});

export const watchdogFields = Type.Object({
  model: Optional(
    Enum(['i6300esb', 'ib700'], { defaultKey: true, default: 'i6300esb', description: 'Its model.' }),
  ),
  action: Optional(
    Enum(['reset', 'shutdown', 'poweroff', 'pause', 'debug', 'none'], {
      description: 'What happens when the guest stops feeding it.',
    }),
  ),
});

const dmi = (description: string) =>
  Optional(
    Type.String({ pattern: '[A-Za-z0-9+/]+={0,2}', description: `${description} Base64 if base64=1.` }),
  );
export const smbiosFields = Type.Object({
  uuid: Optional(
    Type.String({
      pattern: '[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}',
      description: 'UUID of the guest.',
    }),
  ),
  manufacturer: dmi('Manufacturer.'),
  product: dmi('Product.'),
  version: dmi('Version.'),
  serial: dmi('Serial number.'),
  sku: dmi('SKU.'),
  family: dmi('Family.'),
  base64: flag('The texts are base64-encoded.'),
});
export type QemuSmbios = Static<typeof smbiosFields>;

export const ivshmemFields = Type.Object({
  size: Type.Integer({ minimum: 1, description: 'Size in MiB.' }),
  name: Optional(
    Type.String({ pattern: '[a-zA-Z0-9-]+', description: 'Name of the shared memory; default the VMID.' }),
  ),
});

export const virtiofsFields = Type.Object({
  dirid: Format('pve-configid', {
    defaultKey: true,
    description: 'Directory mapping; also the tag in the guest.',
  }),
  cache: Optional(
    Enum(['auto', 'always', 'metadata', 'never'], { default: 'auto', description: 'What the guest caches.' }),
  ),
  'direct-io': flag('Honour O_DIRECT of the guest.', { default: false }),
  'expose-acl': flag('Pass POSIX ACLs through (and with them extended attributes).', { default: false }),
  'expose-xattr': flag('Pass extended attributes through.', { default: false }),
});

export type QemuVirtiofs = Static<typeof virtiofsFields>;

const snippet = (what: string) =>
  Optional(Format('pve-volume-id', { description: `Snippet volume for ${what}.` }));

export const cloudInitFileFields = Type.Object({
  meta: snippet('meta data'),
  network: snippet('network data'),
  user: snippet('user data'),
  vendor: snippet('vendor data'),
});

export const CloudInitFiles = PropertyString(cloudInitFileFields, {
  description: 'Own files instead of the generated cloud-init data.',
});

export const spiceFields = Type.Object({
  foldersharing: flag('Share a folder of the viewer; needs spice-webdavd in the guest.', { default: false }),
  videostreaming: Optional(
    Enum(['off', 'all', 'filter'], { default: 'off', description: 'Compress video areas.' }),
  ),
});

export const SpiceEnhancements = PropertyString(spiceFields, {
  description: 'Options of the SPICE display.',
});

export const AmdSev = PropertyString(
  Type.Object({
    type: Enum(['std', 'es', 'snp'], { defaultKey: true, maxLength: 3, description: 'Kind of encryption.' }),
    'no-debug': flag('The node may not debug the guest.', { default: false }),
    'no-key-sharing': flag('Its key is not shared with other guests.', { default: false }),
    'allow-smt': flag('It may run on hyper-threads (SNP).', { default: true }),
    'kernel-hashes': flag('Measure kernel, initrd and command line.', { default: false }),
  }),
  { description: 'Memory encryption by AMD SEV.' },
);

export const IntelTdx = PropertyString(
  Type.Object({
    type: Enum(['tdx'], { defaultKey: true, description: 'Kind of protection.' }),
    attestation: Optional(Type.Boolean({ default: true, description: 'Offer attestation to the guest.' })),
    'vsock-cid': Optional(Type.Integer({ minimum: 2, default: 2, description: 'CID of the quote service.' })),
    'vsock-port': Optional(
      Type.Integer({ minimum: 0, default: 4050, description: 'Port of the quote service.' }),
    ),
  }),
  { description: 'Protection by Intel TDX.' },
);
