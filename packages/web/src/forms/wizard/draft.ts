/**
 * What the create-VM wizard has been told so far, and what becomes of it: the parameters of the API call, the equivalent
 * command, and problems by field. Pure, so that it is tested without a browser. Numbers stay the texts that were typed.
 */
import { qemuCreate } from '@ryokan/api/methods/qemu.ts';
import { validate } from '@ryokan/api/validate.ts';
import { missing } from '../problems.ts';
import { commandLine } from './command-line.ts';
import type { GuestDraft } from './wizard-state.ts';

export type OsType = 'l26' | 'win11' | 'win10' | 'win8' | 'other';

export interface DiskDraft {
  readonly bus: 'scsi' | 'virtio' | 'sata' | 'ide';
  readonly storage: string;
  /** GiB. */
  readonly size: string;
  /** '' lets the storage choose. */
  readonly format: '' | 'raw' | 'qcow2';
  readonly discard: boolean;
  readonly ssd: boolean;
  readonly iothread: boolean;
}

export interface NicDraft {
  readonly model: 'virtio' | 'e1000e' | 'e1000' | 'rtl8139' | 'vmxnet3';
  /** '' is user networking: NAT inside QEMU. */
  readonly bridge: string;
  readonly tag: string;
  readonly mac: string;
  readonly firewall: boolean;
}

export interface Draft extends GuestDraft {
  readonly name: string;
  readonly media: 'iso' | 'none';
  readonly iso: string;
  readonly ostype: OsType;
  /** False until the person chose: the name of the image decides then. */
  readonly ostypeChosen: boolean;
  readonly machine: 'q35' | 'pc';
  readonly bios: 'seabios' | 'ovmf';
  readonly efiStorage: string;
  readonly efiKeys: boolean;
  readonly scsihw: 'virtio-scsi-single' | 'virtio-scsi-pci' | 'lsi' | 'megasas' | 'pvscsi';
  readonly agent: boolean;
  readonly vga: 'std' | 'virtio' | 'qxl' | 'serial0' | 'none';
  readonly serial: boolean;
  readonly disks: readonly DiskDraft[];
  readonly sockets: string;
  readonly cores: string;
  readonly cpu: string;
  /** MiB; '' keeps all memory. */
  readonly balloon: string;
  readonly ballooning: boolean;
  readonly nics: readonly NicDraft[];
}

export type StepKey = 'general' | 'os' | 'system' | 'disks' | 'cpu' | 'memory' | 'network';

export const defaultDisk: DiskDraft = {
  bus: 'scsi',
  storage: '',
  size: '32',
  format: '',
  discard: true,
  ssd: true,
  iothread: true,
};

export const defaultNic: NicDraft = { model: 'virtio', bridge: '', tag: '', mac: '', firewall: false };

/** Defaults with which Next, Next, Create works for a current Linux. */
export const emptyDraft: Draft = {
  node: '',
  vmid: '',
  name: '',
  start: true,
  onboot: false,
  tags: '',
  pool: '',
  media: 'iso',
  iso: '',
  ostype: 'l26',
  ostypeChosen: false,
  machine: 'q35',
  bios: 'seabios',
  efiStorage: '',
  efiKeys: false,
  scsihw: 'virtio-scsi-single',
  agent: false,
  vga: 'std',
  serial: false,
  disks: [defaultDisk],
  sockets: '1',
  cores: '2',
  cpu: 'x86-64-v2-AES',
  memory: '2048',
  balloon: '',
  ballooning: true,
  nics: [defaultNic],
  bridgeChosen: false,
};

/**
 * Windows has no drivers for virtio on its medium: SATA and e1000e install without any, and Windows 11 wants UEFI and
 * more memory. A choice by the person is kept when it is not the other family's default.
 */
export function withOsType(draft: Draft, ostype: OsType): Draft {
  const windows = ostype.startsWith('win');
  const [fromBus, toBus] = windows ? (['scsi', 'sata'] as const) : (['sata', 'scsi'] as const);
  const [fromNic, toNic] = windows ? (['virtio', 'e1000e'] as const) : (['e1000e', 'virtio'] as const);
  const modern = ostype === 'win11';
  return {
    ...draft,
    ostype,
    disks: draft.disks.map((disk) =>
      disk.bus === fromBus ? { ...disk, bus: toBus, iothread: !windows } : disk,
    ),
    nics: draft.nics.map((nic) => (nic.model === fromNic ? { ...nic, model: toNic } : nic)),
    bios: modern ? 'ovmf' : draft.ostype === 'win11' ? 'seabios' : draft.bios,
    memory: modern && draft.memory === '2048' ? '4096' : draft.memory,
  };
}

/** Another image: its name tells Windows from the rest, as long as nobody chose the system by hand. */
export function withIso(draft: Draft, iso: string): Draft {
  const next = { ...draft, iso };
  return draft.ostypeChosen ? next : withOsType(next, guessOsType(iso));
}

function guessOsType(iso: string): OsType {
  const name = iso.toLowerCase();
  // The medium with drivers for Windows is not Windows.
  if (name.includes('virtio') || !/(?<![a-z])win|server.?20(12|16|19|22|25)/.test(name)) return 'l26';
  if (/win(dows)?[-_. ]?11|20(22|25)/.test(name)) return 'win11';
  if (/win(dows)?[-_. ]?10|20(16|19)/.test(name)) return 'win10';
  return /win(dows)?[-_. ]?8|2012/.test(name) ? 'win8' : 'l26';
}

function diskText(disk: DiskDraft): string {
  const options = [`${disk.storage}:${disk.size.trim()}`];
  if (disk.format) options.push(`format=${disk.format}`);
  if (disk.discard) options.push('discard=on');
  if (disk.iothread && (disk.bus === 'scsi' || disk.bus === 'virtio')) options.push('iothread=1');
  if (disk.ssd && disk.bus !== 'virtio') options.push('ssd=1');
  return options.join(',');
}

function nicText(nic: NicDraft): string {
  const options = [nic.mac.trim() ? `${nic.model}=${nic.mac.trim().toUpperCase()}` : nic.model];
  if (nic.bridge) options.push(`bridge=${nic.bridge}`);
  if (nic.firewall) options.push('firewall=1');
  if (nic.tag.trim()) options.push(`tag=${nic.tag.trim()}`);
  return options.join(',');
}

/** Disk keys in the order of the list; the CD-ROM has ide2, so IDE disks leave it out. */
export function diskKeys(disks: readonly DiskDraft[], withCdrom: boolean): string[] {
  const used: Record<string, number> = {};
  return disks.map((disk) => {
    let index = used[disk.bus] ?? 0;
    if (disk.bus === 'ide' && withCdrom && index === 2) index++;
    used[disk.bus] = index + 1;
    return `${disk.bus}${index}`;
  });
}

const hasCdrom = (draft: Draft) => draft.media === 'iso' && draft.iso !== '';

/** The parameters of `POST /nodes/{node}/qemu`, in the order in which a person would name them. */
export function createParams(draft: Draft): Record<string, string> {
  const params: Record<string, string> = { node: draft.node, vmid: draft.vmid.trim() };
  const set = (key: string, value: string) => {
    if (value !== '') params[key] = value;
  };
  const keys = diskKeys(draft.disks, hasCdrom(draft));
  set('name', draft.name.trim());
  set('tags', draft.tags.trim());
  set('ostype', draft.ostype);
  set('machine', draft.machine);
  if (draft.bios === 'ovmf') {
    set('bios', 'ovmf');
    set('efidisk0', `${draft.efiStorage}:1,efitype=4m,pre-enrolled-keys=${draft.efiKeys ? 1 : 0}`);
  }
  set('sockets', draft.sockets.trim());
  set('cores', draft.cores.trim());
  set('cpu', draft.cpu);
  set('memory', draft.memory.trim());
  set('balloon', draft.ballooning ? draft.balloon.trim() : '0');
  set('scsihw', draft.scsihw);
  draft.disks.forEach((disk, index) => {
    set(keys[index] as string, diskText(disk));
  });
  if (hasCdrom(draft)) set('ide2', `${draft.iso},media=cdrom`);
  draft.nics.forEach((nic, index) => {
    set(`net${index}`, nicText(nic));
  });
  if (draft.vga !== 'std') set('vga', draft.vga);
  if (draft.serial || draft.vga === 'serial0') set('serial0', 'socket');
  if (draft.agent) set('agent', '1');
  const order = [
    ...keys.slice(0, 1),
    ...(hasCdrom(draft) ? ['ide2'] : []),
    ...(draft.nics.length > 0 ? ['net0'] : []),
  ];
  if (order.length > 0) set('boot', `order=${order.join(';')}`);
  set('pool', draft.pool);
  if (draft.onboot) set('onboot', '1');
  if (draft.start) set('start', '1');
  return params;
}

/** The same on the command line. */
export const commandOf = (draft: Draft): string => commandLine('qm', createParams(draft));

const stepOfKey: readonly (readonly [RegExp, StepKey])[] = [
  [/^(node|vmid|name|tags|pool|onboot|start)$/, 'general'],
  [/^(ide2|ostype)$/, 'os'],
  [/^(machine|bios|efidisk0|scsihw|agent|vga|serial0)$/, 'system'],
  [/^(scsi|virtio|sata|ide)\d+$/, 'disks'],
  [/^(cpu|sockets|cores)$/, 'cpu'],
  [/^(memory|balloon)$/, 'memory'],
  [/^net\d+$/, 'network'],
];

/** The step on which a parameter stands; what the API refuses is shown there. */
export function stepOf(key: string): StepKey {
  return stepOfKey.find(([pattern]) => pattern.test(key))?.[1] ?? 'general';
}

/** Problems by parameter: those of the API's own schema, and choices still to be made. */
export function problemsOf(draft: Draft): Readonly<Record<string, string>> {
  const problems: Record<string, string> = {};
  const keys = diskKeys(draft.disks, hasCdrom(draft));
  draft.disks.forEach((disk, index) => {
    const problem = diskProblem(disk);
    if (problem) problems[keys[index] as string] = problem;
  });
  if (draft.media === 'iso' && draft.iso === '') problems.ide2 = missing;
  if (draft.bios === 'ovmf' && draft.efiStorage === '') problems.efidisk0 = missing;
  const checked = validate(qemuCreate.params, createParams(draft));
  return { ...(checked.errors ?? {}), ...problems };
}

function diskProblem(disk: DiskDraft): string | undefined {
  const size = disk.size.trim();
  if (disk.storage === '') return missing;
  if (!/^\d+(\.\d+)?$/.test(size)) return `type check ('number') failed - got '${size}'`;
  return Number(size) > 0 ? undefined : 'value must have a minimum value of 1';
}
