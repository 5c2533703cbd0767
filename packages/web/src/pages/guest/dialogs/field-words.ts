/** What the fields of property strings are called; which fields there are, and of what kind, the API's schema says. */
import type { FieldWords } from '../../../forms/schema-field.tsx';

type Words = Readonly<Record<string, FieldWords>>;

const megabytes = { unit: 'MB/s', empty: 'hardware.noLimit' } as const;
const operations = { unit: 'IOPS', empty: 'hardware.noLimit' } as const;

export const diskWords: Words = {
  cache: {
    label: 'hardware.cache',
    help: 'disk.cacheHelp',
    empty: 'disk.cacheDefault',
    choices: { unsafe: 'hardware.cacheUnsafe' },
  },
  discard: { label: 'hardware.discard', on: 'on' },
  ssd: { label: 'hardware.ssd' },
  iothread: { label: 'hardware.iothread' },
  ro: { label: 'hardware.readOnly' },
  backup: { label: 'hardware.inBackups', preset: true },
  replicate: { label: 'disk.replicate' },
  aio: { label: 'disk.aio', help: 'disk.aioHelp' },
  detect_zeroes: { label: 'disk.detectZeroes', preset: true },
  snapshot: { label: 'disk.throwAway', help: 'disk.throwAwayHelp' },
  serial: { label: 'disk.serial', help: 'disk.serialHelp', mono: true },
  wwn: { label: 'disk.wwn', placeholder: '0x5000c500a1b2c3d4', mono: true },
  queues: { label: 'hardware.queues' },
  werror: { label: 'disk.werror', choices: { enospc: 'disk.errorEnospc', stop: 'disk.errorStop' } },
  rerror: { label: 'disk.rerror', choices: { stop: 'disk.errorStop' } },
  mbps_rd: { label: 'hardware.readLimit', ...megabytes },
  mbps_wr: { label: 'hardware.writeLimit', ...megabytes },
  iops_rd: { label: 'hardware.readLimit', ...operations },
  iops_wr: { label: 'hardware.writeLimit', ...operations },
  mbps_rd_max: { label: 'disk.readBurst', ...megabytes },
  mbps_wr_max: { label: 'disk.writeBurst', ...megabytes },
  iops_rd_max: { label: 'disk.readBurst', ...operations },
  iops_wr_max: { label: 'disk.writeBurst', ...operations },
};

export const memoryWords: Words = {
  shares: { label: 'hardware.shares', help: 'hardware.sharesHelp' },
  hugepages: { label: 'hardware.hugepages', help: 'hardware.hugepagesHelp', empty: 'hardware.hugepagesNone' },
  keephugepages: { label: 'hardware.keepHugepages' },
};

export const vgaWords: Words = {
  type: {
    label: 'hardware.display',
    choices: { std: 'wizard.vgaStd', serial0: 'wizard.vgaSerial', none: 'wizard.vgaNone' },
    names: {
      virtio: 'VirtIO-GPU',
      'virtio-gl': 'VirtIO-GPU (VirGL)',
      qxl: 'QXL (SPICE)',
      qxl2: 'QXL ×2 (SPICE)',
      qxl3: 'QXL ×3 (SPICE)',
      qxl4: 'QXL ×4 (SPICE)',
      vmware: 'VMware',
      cirrus: 'Cirrus',
    },
  },
  memory: { label: 'hardware.videoMemory', unit: 'MiB', empty: 'hardware.automatic' },
  clipboard: { label: 'display.clipboard', help: 'display.clipboardHelp', empty: 'display.clipboardDefault' },
};

export const rngWords: Words = {
  source: { label: 'hardware.source' },
  max_bytes: { label: 'rng.bytes', help: 'hardware.rngBytesHelp' },
  period: { label: 'rng.period', unit: 'ms' },
};

export const audioWords: Words = {
  device: {
    label: 'hardware.model',
    names: { 'ich9-intel-hda': 'Intel HDA (ICH9)', 'intel-hda': 'Intel HDA (ICH6)', AC97: 'AC97' },
  },
  driver: {
    label: 'audio.driver',
    help: 'audio.driverHelp',
    names: { spice: 'SPICE' },
    choices: { none: 'audio.driverNone' },
  },
};

export const watchdogWords: Words = {
  model: {
    label: 'hardware.model',
    names: { i6300esb: 'Intel 6300ESB (PCI)', ib700: 'iBASE 700 (ISA)' },
  },
  action: {
    label: 'watchdog.action',
    help: 'watchdog.actionHelp',
    choices: {
      reset: 'watchdog.reset',
      shutdown: 'watchdog.shutdown',
      poweroff: 'watchdog.poweroff',
      pause: 'watchdog.pause',
      debug: 'watchdog.debug',
      none: 'watchdog.none',
    },
  },
};

export const directoryWords: Words = {
  cache: {
    label: 'hardware.cache',
    help: 'directory.cacheHelp',
    choices: {
      auto: 'directory.cacheAuto',
      always: 'directory.cacheAlways',
      metadata: 'directory.cacheMetadata',
      never: 'directory.cacheNever',
    },
  },
  'direct-io': { label: 'directory.directIo', help: 'directory.directIoHelp' },
  'expose-xattr': { label: 'directory.xattr' },
  'expose-acl': { label: 'directory.acl', help: 'directory.aclHelp' },
};

export const sharedMemoryWords: Words = {
  size: { label: 'column.size', unit: 'MiB' },
  name: { label: 'column.name', help: 'sharedMemory.nameHelp', mono: true },
};

export const numaWords: Words = {
  cpus: { label: 'numaNode.cpus', help: 'numaNode.cpusHelp', placeholder: '0-1', mono: true },
  memory: { label: 'column.memory', unit: 'MiB', help: 'numaNode.memoryHelp' },
  hostnodes: { label: 'numaNode.hostnodes', help: 'numaNode.hostnodesHelp', placeholder: '0', mono: true },
  policy: {
    label: 'numaNode.policy',
    choices: {
      preferred: 'numaNode.preferred',
      bind: 'numaNode.bind',
      interleave: 'numaNode.interleave',
    },
  },
};

export const usbWords: Words = { usb3: { label: 'usb.usb3' } };

export const pciWords: Words = {
  pcie: { label: 'pci.pcie', help: 'pci.pcieHelp' },
  'x-vga': { label: 'pci.primary' },
  rombar: { label: 'pci.rombar' },
  driver: { label: 'pci.driver', names: { vfio: 'vfio-pci' }, choices: { keep: 'pci.driverKeep' } },
  romfile: { label: 'pci.romfile', mono: true },
  'vendor-id': { label: 'pci.vendorId', placeholder: '0x10de', mono: true },
  'device-id': { label: 'pci.deviceId', placeholder: '0x27b8', mono: true },
};

export const netWords: Words = {
  tag: { label: 'hardware.vlan', empty: 'hardware.vlanNone' },
  trunks: { label: 'net.trunks', help: 'net.trunksHelp', placeholder: '2;5-10', mono: true },
  firewall: { label: 'hardware.firewall' },
  link_down: { label: 'hardware.linkDown' },
  rate: { label: 'hardware.rate', ...megabytes },
  mtu: { label: 'net.mtu', help: 'hardware.mtuHelp' },
  queues: { label: 'hardware.queues' },
};

export const agentWords: Words = {
  enabled: { label: 'options.agent', help: 'wizard.agentHelp' },
  'freeze-fs': { label: 'agent.freezeOption' },
  fstrim_cloned_disks: { label: 'agent.trimOption' },
  type: { label: 'agent.channel', names: { virtio: 'VirtIO', isa: 'ISA' } },
};
