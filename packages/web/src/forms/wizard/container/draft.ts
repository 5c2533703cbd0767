/**
 * What the create-container wizard has been told so far, and what becomes of it: the parameters of the API call, the
 * equivalent command, and problems by field. Pure, so that it is tested without a browser. Numbers stay the texts that
 * were typed.
 */
import { commandLine } from '../command-line.ts';
import type { GuestDraft } from '../wizard-state.ts';

export const mountOptions = ['noatime', 'lazytime', 'discard', 'nodev', 'noexec', 'nosuid'] as const;

export interface VolumeDraft {
  readonly storage: string;
  /** GiB. */
  readonly size: string;
  /** '' leaves it to the file system. */
  readonly acl: '' | '1' | '0';
  readonly quota: boolean;
  readonly mountoptions: readonly (typeof mountOptions)[number][];
}

export interface MountDraft extends VolumeDraft {
  /** A new volume, or a directory of the node. */
  readonly source: 'volume' | 'directory';
  readonly directory: string;
  /** Where it stands in the container. */
  readonly path: string;
  readonly backup: boolean;
  readonly ro: boolean;
}

export interface CardDraft {
  readonly name: string;
  readonly bridge: string;
  readonly hwaddr: string;
  readonly tag: string;
  readonly firewall: boolean;
  /** MB/s. */
  readonly rate: string;
  readonly mtu: string;
  readonly ipMode: 'none' | 'dhcp' | 'static';
  readonly ip: string;
  readonly gw: string;
  readonly ip6Mode: 'none' | 'auto' | 'dhcp' | 'static';
  readonly ip6: string;
  readonly gw6: string;
}

export interface ContainerDraft extends GuestDraft {
  readonly hostname: string;
  readonly unprivileged: boolean;
  readonly nesting: boolean;
  readonly password: string;
  readonly passwordAgain: string;
  /** A key a line. */
  readonly sshKeys: string;
  /** Volume id. */
  readonly template: string;
  readonly rootfs: VolumeDraft;
  readonly mounts: readonly MountDraft[];
  /** '' for all of the node. */
  readonly cores: string;
  readonly cpulimit: string;
  readonly cpuunits: string;
  /** MiB. */
  readonly swap: string;
  readonly nics: readonly CardDraft[];
  readonly searchdomain: string;
  readonly nameserver: string;
}

export type ContainerStep = 'general' | 'template' | 'disks' | 'cpu' | 'memory' | 'network' | 'dns';

const emptyVolume: VolumeDraft = { storage: '', size: '8', acl: '', quota: false, mountoptions: [] };

export const emptyMount: MountDraft = {
  ...emptyVolume,
  source: 'volume',
  directory: '',
  path: '',
  backup: true,
  ro: false,
};

export const emptyCard: CardDraft = {
  name: 'eth0',
  bridge: '',
  hwaddr: '',
  tag: '',
  firewall: false,
  rate: '',
  mtu: '',
  ipMode: 'dhcp',
  ip: '',
  gw: '',
  ip6Mode: 'none',
  ip6: '',
  gw6: '',
};

/** Defaults with which a template and Next, Next, Create are enough. */
export const emptyContainer: ContainerDraft = {
  node: '',
  vmid: '',
  tags: '',
  pool: '',
  onboot: false,
  start: true,
  hostname: '',
  unprivileged: true,
  nesting: true,
  password: '',
  passwordAgain: '',
  sshKeys: '',
  template: '',
  rootfs: emptyVolume,
  mounts: [],
  cores: '1',
  cpulimit: '',
  cpuunits: '',
  memory: '512',
  swap: '512',
  nics: [emptyCard],
  bridgeChosen: false,
  searchdomain: '',
  nameserver: '',
};

/** A name like eth1 that no card has yet. */
export function nextCard(nics: readonly CardDraft[]): CardDraft {
  const used = new Set(nics.map((nic) => nic.name));
  let index = nics.length;
  while (used.has(`eth${index}`)) index++;
  return { ...emptyCard, bridge: nics.at(-1)?.bridge ?? '', name: `eth${index}` };
}

type Option = readonly [key: string, value: string];

const text = (options: readonly Option[]) =>
  options
    .filter(([, value]) => value !== '')
    .map(([key, value]) => (key === '' ? value : `${key}=${value}`))
    .join(',');

const on = (value: boolean) => (value ? '1' : '');

function volumeOptions({ acl, quota, mountoptions }: VolumeDraft): Option[] {
  return [
    ['acl', acl],
    ['quota', on(quota)],
    ['mountoptions', mountoptions.join(';')],
  ];
}

const newVolume = ({ storage, size }: VolumeDraft) => `${storage}:${size.trim()}`;

const rootText = (root: VolumeDraft): string => text([['', newVolume(root)], ...volumeOptions(root)]);

export function mountText(mount: MountDraft): string {
  const bind = mount.source === 'directory';
  return text([
    ['', bind ? mount.directory.trim() : newVolume(mount)],
    ['mp', mount.path.trim()],
    ['backup', on(mount.backup && !bind)],
    ['ro', on(mount.ro)],
    // The node says how its own directories are mounted.
    ...(bind ? [] : volumeOptions(mount)),
  ]);
}

export function cardText(nic: CardDraft): string {
  return text([
    ['name', nic.name.trim()],
    ['bridge', nic.bridge],
    ['hwaddr', nic.hwaddr.trim().toUpperCase()],
    ['ip', nic.ipMode === 'static' ? nic.ip.trim() : nic.ipMode === 'none' ? '' : nic.ipMode],
    ['gw', nic.ipMode === 'static' ? nic.gw.trim() : ''],
    ['ip6', nic.ip6Mode === 'static' ? nic.ip6.trim() : nic.ip6Mode === 'none' ? '' : nic.ip6Mode],
    ['gw6', nic.ip6Mode === 'static' ? nic.gw6.trim() : ''],
    ['firewall', on(nic.firewall)],
    ['tag', nic.tag.trim()],
    ['rate', nic.rate.trim()],
    ['mtu', nic.mtu.trim()],
  ]);
}

/** Lines with a key; comments and empty ones of a file are none. */
export function keyLines(keys: string): string[] {
  return keys
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

export const hasLogin = ({ password, sshKeys }: ContainerDraft): boolean =>
  password !== '' || keyLines(sshKeys).length > 0;

/** OCI images are kept as plain tar archives; often there is no system in them that anybody logs in to. */
export const isApplication = (template: string): boolean => template.endsWith('.tar');

/** The parameters of `POST /nodes/{node}/lxc`, in the order in which a person would name them. */
export function createParams(draft: ContainerDraft): Record<string, string> {
  // Quotas need a root that is the node's.
  const own = <V extends VolumeDraft>(volume: V): V => ({
    ...volume,
    quota: volume.quota && !draft.unprivileged,
  });
  const options: Option[] = [
    ['node', draft.node],
    ['vmid', draft.vmid.trim()],
    ['ostemplate', draft.template],
    ['hostname', draft.hostname.trim()],
    ['tags', draft.tags.trim()],
    ['unprivileged', draft.unprivileged ? '1' : '0'],
    ['features', draft.nesting ? 'nesting=1' : ''],
    ['password', draft.password],
    ['ssh-public-keys', keyLines(draft.sshKeys).join('\n')],
    ['rootfs', rootText(own(draft.rootfs))],
    ...draft.mounts.map((mount, index): Option => [`mp${index}`, mountText(own(mount))]),
    ['cores', draft.cores.trim()],
    ['cpulimit', draft.cpulimit.trim()],
    ['cpuunits', draft.cpuunits.trim()],
    ['memory', draft.memory.trim()],
    ['swap', draft.swap.trim()],
    ...draft.nics.map((nic, index): Option => [`net${index}`, cardText(nic)]),
    ['searchdomain', draft.searchdomain.trim()],
    ['nameserver', draft.nameserver.trim()],
    ['pool', draft.pool],
    ['onboot', on(draft.onboot)],
    ['start', on(draft.start)],
  ];
  return Object.fromEntries(options.filter(([, value]) => value !== ''));
}

/** The same on the command line, without the password. */
export function commandOf(draft: ContainerDraft): string {
  const { password: _, ...params } = createParams(draft);
  return commandLine('pct', params);
}

const stepOfKey: readonly (readonly [RegExp, ContainerStep])[] = [
  [/^ostemplate$/, 'template'],
  [/^(rootfs|storage|mp\d+)(\.|$)/, 'disks'],
  [/^(cores|cpulimit|cpuunits)$/, 'cpu'],
  [/^(memory|swap)$/, 'memory'],
  [/^net\d+(\.|$)/, 'network'],
  [/^(nameserver|searchdomain)$/, 'dns'],
];

export function stepOf(key: string): ContainerStep {
  return stepOfKey.find(([pattern]) => pattern.test(key))?.[1] ?? 'general';
}
