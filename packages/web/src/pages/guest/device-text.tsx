/** Names, icons and values of devices as the hardware table shows them. */

import CompactDiscIcon from '@patternfly/react-icons/dist/esm/icons/compact-disc-icon';
import CubeIcon from '@patternfly/react-icons/dist/esm/icons/cube-icon';
import DesktopIcon from '@patternfly/react-icons/dist/esm/icons/desktop-icon';
import FolderIcon from '@patternfly/react-icons/dist/esm/icons/folder-icon';
import HddIcon from '@patternfly/react-icons/dist/esm/icons/hdd-icon';
import KeyIcon from '@patternfly/react-icons/dist/esm/icons/key-icon';
import MemoryIcon from '@patternfly/react-icons/dist/esm/icons/memory-icon';
import MicrochipIcon from '@patternfly/react-icons/dist/esm/icons/microchip-icon';
import NetworkIcon from '@patternfly/react-icons/dist/esm/icons/network-icon';
import RandomIcon from '@patternfly/react-icons/dist/esm/icons/random-icon';
import TerminalIcon from '@patternfly/react-icons/dist/esm/icons/terminal-icon';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { cpuFields } from '@ryokan/api/schema/qemu-options.ts';
import type { ComponentType } from 'react';
import { type PlainKey, type Translate, useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import type { DeviceGroup } from './config-model.ts';
import { CardValue, ContainerCpu, MountValue } from './container/device-values.tsx';
import { type DeviceText, driveText, type HardwareRow, netText } from './hardware-model.ts';

const names: Readonly<Record<DeviceGroup, PlainKey>> = {
  memory: 'column.memory',
  processor: 'hardware.processors',
  bios: 'hardware.bios',
  display: 'hardware.display',
  machine: 'hardware.machine',
  scsihw: 'hardware.scsihw',
  disk: 'hardware.disk',
  cdrom: 'hardware.cdrom',
  cloudinit: 'hardware.cloudinit',
  efidisk: 'hardware.efidisk',
  tpm: 'hardware.tpm',
  network: 'hardware.network',
  serial: 'hardware.serial',
  parallel: 'hardware.parallel',
  rng: 'hardware.rng',
  usb: 'hardware.usb',
  pci: 'hardware.pci',
  audio: 'hardware.audio',
  watchdog: 'hardware.watchdog',
  directory: 'hardware.directory',
  sharedmemory: 'hardware.sharedMemory',
  numanode: 'hardware.numaNode',
  unused: 'hardware.unused',
  other: 'hardware.other',
  swap: 'container.swap',
  cpu: 'hardware.processors',
  rootfs: 'container.rootfs',
  mountpoint: 'container.mountPoint',
  device: 'container.device',
  card: 'hardware.network',
};

const icons: Readonly<Partial<Record<DeviceGroup, ComponentType>>> = {
  memory: MemoryIcon,
  processor: MicrochipIcon,
  swap: MemoryIcon,
  cpu: MicrochipIcon,
  rootfs: HddIcon,
  mountpoint: HddIcon,
  card: NetworkIcon,
  display: DesktopIcon,
  disk: HddIcon,
  unused: HddIcon,
  efidisk: HddIcon,
  cdrom: CompactDiscIcon,
  cloudinit: CompactDiscIcon,
  network: NetworkIcon,
  serial: TerminalIcon,
  rng: RandomIcon,
  tpm: KeyIcon,
  directory: FolderIcon,
};

export function deviceName(row: Pick<HardwareRow, 'id' | 'group'>, t: Translate): string {
  const name = t(names[row.group]);
  return /\d$/.test(row.id) ? `${name} (${row.id})` : name;
}

export function DeviceIcon({ group }: { group: DeviceGroup }) {
  const Icon = icons[group] ?? CubeIcon;
  return (
    <span className="ry-device-icon" aria-hidden>
      <Icon />
    </span>
  );
}

/** Values by key, such as a memory row's `{memory: '4096', balloon: '2048'}`. */
export function DeviceValue(props: {
  group: DeviceGroup;
  id: string;
  values: Readonly<Record<string, string>>;
}) {
  const t = useT();
  const { group, id, values } = props;
  const value = values[id] ?? '';
  switch (group) {
    case 'memory':
      return <MemoryValue values={values} />;
    case 'processor':
      return <ProcessorValue values={values} />;
    case 'bios':
      return values.bios === 'ovmf' ? 'OVMF (UEFI)' : t('hardware.default', { value: 'SeaBIOS' });
    case 'display':
      return values.vga ?? t('hardware.default', { value: 'std' });
    case 'machine':
      return values.machine ?? t('hardware.default', { value: 'i440fx' });
    case 'scsihw':
      return values.scsihw ?? t('hardware.default', { value: 'lsi' });
    case 'cdrom': {
      const text = driveText(id, value);
      return text.main === 'none' ? t('hardware.emptyDrive') : <Device text={text} />;
    }
    case 'disk':
    case 'cloudinit':
    case 'efidisk':
    case 'tpm':
    case 'unused':
      return <Device text={driveText(id, value)} />;
    case 'network': {
      const text = netText(value);
      return <Device text={{ ...text, details: [text.bridge || t('hardware.userNet'), ...text.details] }} />;
    }
    case 'swap':
      return <MebibytesValue text={value} />;
    case 'cpu':
      return <ContainerCpu values={values} />;
    case 'rootfs':
    case 'mountpoint':
      return <MountValue id={id} text={value} />;
    case 'card':
      return <CardValue text={value} />;
    case 'serial':
      return value === 'socket' ? t('hardware.serialSocket') : value;
    default:
      return <span className="ry-id">{value}</span>;
  }
}

function Device({ text }: { text: DeviceText }) {
  return (
    <>
      <span className="ry-id">{text.main}</span>
      {text.details.length > 0 ? <span className="ry-subtle"> {text.details.join(', ')}</span> : null}
    </>
  );
}

/** What is no number has been written by hand: it is shown as it stands. */
function MebibytesValue({ text }: { text: string | undefined }) {
  const format = useFormat();
  const mib = text || '512';
  return /^\d+$/.test(mib) ? format.bytes(Number(mib) * 1024 ** 2) : mib;
}

function MemoryValue({ values }: { values: Readonly<Record<string, string>> }) {
  const t = useT();
  const format = useFormat();
  // What is no number has been written by hand: it is shown as it stands.
  const size = (mib = '512') => (/^\d+$/.test(mib) ? format.bytes(Number(mib) * 1024 ** 2) : mib);
  const total = size(values.memory);
  if (values.balloon === '0') return t('hardware.memoryFixed', { size: total });
  return values.balloon && values.balloon !== values.memory
    ? t('hardware.memoryRange', { min: size(values.balloon), max: total })
    : total;
}

function ProcessorValue({ values }: { values: Readonly<Record<string, string>> }) {
  const t = useT();
  const sockets = Number(values.sockets ?? 1);
  const cores = Number(values.cores ?? 1);
  const details = ['vcpus', 'cpulimit', 'cpuunits', 'affinity', 'numa']
    .filter((key) => values[key] !== undefined && values[key] !== '0')
    .map((key) => `${key}=${values[key]}`);
  return (
    <>
      {processorText({ sockets, cores, model: cpuModel(values.cpu) }, t)}
      {details.length > 0 ? <span className="ry-subtle"> {details.join(', ')}</span> : null}
    </>
  );
}

/** `4 (1 socket × 4 cores), x86-64-v2-AES`. */
export function processorText(cpu: { sockets: number; cores: number; model: string }, t: Translate): string {
  return t('hardware.processorText', {
    total: cpu.sockets * cpu.cores,
    sockets: t('cpu.socketCount', { count: cpu.sockets }),
    cores: t('cpu.coreCount', { count: cpu.cores }),
    model: cpu.model,
  });
}

export function cpuModel(text: string | undefined): string {
  if (!text) return 'kvm64';
  try {
    return parsePropertyString(cpuFields, text).cputype ?? 'kvm64';
  } catch {
    return text;
  }
}
