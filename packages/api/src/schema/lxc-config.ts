/**
 * The configuration of a container: every key that `lxc/<vmid>.conf` can hold, and what may come with it when a
 * container is created or changed. Raw lines `lxc.<key>: <value>` of a document stand under the key `lxc`, a line each.
 */
import './lxc-formats.ts';
import { PropertyString } from './property-string.ts';
import { Enum, Format, family, type Static, StorageId, type TObject, Type } from './types.ts';

const Optional = Type.Optional;
const flag = (description: string, rest: Record<string, unknown> = {}) =>
  Optional(Type.Boolean({ description, ...rest }));
const text = (description: string, rest: Record<string, unknown> = {}) =>
  Optional(Type.String({ description, ...rest }));
const number = (description: string, rest: Record<string, unknown> = {}) =>
  Optional(Type.Integer({ description, ...rest }));

const mountOption = '(?:discard|lazytime|noatime|nodev|noexec|nosuid)';
const idRange = '[ug]:[0-9]+:[0-9]+:[1-9][0-9]*';

const rootfsProperties = {
  volume: Format('pve-lxc-mp-string', {
    defaultKey: true,
    description: 'Volume, directory or device of the node, or STORAGE:SIZE_IN_GiB for a new volume.',
  }),
  size: Optional(Format('disk-size', { description: 'Size of the volume, for information.' })),
  acl: flag('Access control lists on or off; absent: as the file system has it.'),
  ro: flag('Read-only.'),
  quota: flag('User quotas inside; not with directories of the node.'),
  mountoptions: text('More mount options: noatime;nosuid.', {
    pattern: `${mountOption}(?:;${mountOption})*`,
  }),
  replicate: flag('Part of replication.', { default: true }),
  shared: flag('Every node finds the same there.', { default: false }),
  idmap: text('Owners of its files: passthrough, or u:0:100000:65536;g:0:100000:65536.', {
    pattern: `(?:passthrough|${idRange}(?:;${idRange})*)`,
  }),
};

export const rootfsFields = Type.Object(rootfsProperties);

export const mountPointFields = Type.Object({
  ...rootfsProperties,
  mp: Format('pve-lxc-mp-string', { description: 'Where it stands in the container.' }),
  backup: flag('Part of backups; of no meaning for directories of the node.'),
  keepattrs: flag('A new volume takes owner and mode of the directory that it is mounted on.', {
    default: false,
  }),
});

export type MountPoint = Static<typeof mountPointFields>;

export const lxcNetFields = Type.Object({
  name: Type.String({
    pattern: '[-_.\\w\\d]+',
    maxLength: 15,
    description: 'Name inside the container, such as eth0.',
  }),
  bridge: Optional(Format('pve-bridge-id', { description: 'Bridge to connect to.' })),
  hwaddr: Optional(Format('mac-addr', { description: 'MAC address; a free one is chosen when absent.' })),
  ip: Optional(Format('pve-ipv4-config', { description: 'ADDRESS/BITS, dhcp or manual.' })),
  gw: Optional(Format('ipv4', { description: 'IPv4 gateway.' })),
  ip6: Optional(Format('pve-ipv6-config', { description: 'ADDRESS/BITS, auto, dhcp or manual.' })),
  gw6: Optional(Format('ipv6', { description: 'IPv6 gateway.' })),
  firewall: flag("The container's firewall rules hold for this card."),
  link_down: flag('The cable is unplugged.'),
  mtu: number('MTU; that of the bridge when absent.', { minimum: 64, maximum: 65535 }),
  rate: Optional(Type.Number({ minimum: 0, description: 'Limit in MB/s.' })),
  tag: number('VLAN tag of its packets.', { minimum: 1, maximum: 4094 }),
  trunks: text('VLANs to pass through: 2;5.', { pattern: '\\d+(?:;\\d+)*' }),
  'host-managed': flag('The node gives it its addresses, not the container itself.'),
  type: Optional(Enum(['veth'], { description: 'Kind of card.' })),
});

export type LxcNet = Static<typeof lxcNetFields>;

export const featureFields = Type.Object({
  nesting: flag('Containers inside: /proc and /sys as a nested runtime needs them.', { default: false }),
  keyctl: flag('The system call keyctl, as Docker needs it; unprivileged containers only.', {
    default: false,
  }),
  fuse: flag('File systems in user space.', { default: false }),
  mknod: flag('Make device nodes; unprivileged containers only.', { default: false }),
  force_rw_sys: flag('/sys writable in unprivileged containers.', { default: false }),
  mount: text('File systems that may be mounted inside: nfs;cifs.', { pattern: '[a-zA-Z0-9_; ]+' }),
});

export const deviceFields = Type.Object({
  path: Optional(Format('pve-lxc-dev-string', { defaultKey: true, description: 'Device of the node.' })),
  mode: text('Access mode, such as 0660.', { pattern: '0[0-7]{3}' }),
  uid: number('Owner inside the container.', { minimum: 0 }),
  gid: number('Group inside the container.', { minimum: 0 }),
  'deny-write': flag('The container may only read it.', { default: false }),
});

const unusedFields = Type.Object({
  volume: Format('pve-volume-id', { defaultKey: true, description: 'Volume that nothing uses.' }),
});

export const lxcLocks = [
  'backup',
  'create',
  'destroyed',
  'disk',
  'fstrim',
  'migrate',
  'mounted',
  'rollback',
  'snapshot',
  'snapshot-delete',
] as const;

const generalFields = {
  hostname: Optional(Format('dns-name', { maxLength: 255, description: 'Host name of the container.' })),
  description: text('Notes, in Markdown.', { maxLength: 8192 }),
  tags: Optional(Format('pve-tag-list', { description: 'Tags to find and group guests by.' })),
  ostype: Optional(
    Enum(
      // biome-ignore format: a list of words
      ['debian', 'devuan', 'ubuntu', 'centos', 'fedora', 'opensuse', 'archlinux', 'alpine', 'gentoo', 'nixos', 'unmanaged'],
      { description: 'Distribution; says how it is set up inside. unmanaged: not at all.' },
    ),
  ),
  arch: Optional(
    Enum(['amd64', 'i386', 'arm64', 'armhf', 'riscv32', 'riscv64'], {
      default: 'amd64',
      description: 'Processor architecture of its programs.',
    }),
  ),
  onboot: flag('Start with the node.', { default: false }),
  startup: Optional(Format('pve-startup-order', { description: 'order=N,up=SECONDS,down=SECONDS' })),
  protection: flag('Refuse to remove the container and its disks.', { default: false }),
  template: flag('It is a template: clones are made of it, it does not start.', { default: false }),
  unprivileged: flag('Root inside is an ordinary user of the node. Cannot be changed later.', {
    default: false,
  }),
  lock: Optional(Enum(lxcLocks, { description: 'An operation that keeps others away.' })),
  hookscript: Optional(
    Format('pve-volume-id', { description: 'Snippet that runs at steps of its life (root only).' }),
  ),
  debug: flag('Write more into its log.', { default: false }),
  features: Optional(PropertyString(featureFields, { description: 'What it may do beyond the ordinary.' })),
};

const consoleFields = {
  console: flag('It has a console device, /dev/console.', { default: true }),
  tty: number('Terminals that it has.', { minimum: 0, maximum: 6, default: 2 }),
  cmode: Optional(
    Enum(['shell', 'console', 'tty'], {
      default: 'tty',
      description: 'What a console opens: a login at a terminal, /dev/console, or a shell without login.',
    }),
  ),
};

const resourceFields = {
  cores: number('CPUs that it sees and uses; all of the node when absent.', { minimum: 1, maximum: 8192 }),
  cpulimit: Optional(
    Type.Number({
      minimum: 0,
      maximum: 8192,
      default: 0,
      description: 'How many CPUs it may use; 0: no limit.',
    }),
  ),
  cpuunits: number('Its share of CPU time when guests compete.', { minimum: 0, maximum: 500000 }),
  memory: number('Memory in MiB.', { minimum: 16, default: 512 }),
  swap: number('Swap in MiB.', { minimum: 0, default: 512 }),
};

const systemFields = {
  nameserver: Optional(
    Format('lxc-ip-with-ll-iface-list', { description: "DNS servers; the node's when absent." }),
  ),
  searchdomain: Optional(
    Format('dns-name-list', { description: "DNS search domains; the node's when absent." }),
  ),
  timezone: Optional(
    Format('pve-ct-timezone', { description: "Time zone such as Asia/Tokyo; host: the node's." }),
  ),
  entrypoint: text('Program that runs as init.', {
    default: '/sbin/init',
    pattern: '[^\\x00-\\x08\\x0a-\\x1F\\x7F]+',
  }),
  env: text('Environment of init: NAME=value, separated by a zero character.', {
    pattern: '\\w+=[^\\x00-\\x08\\x0a-\\x1F\\x7F]*(?:\\0\\w+=[^\\x00-\\x08\\x0a-\\x1F\\x7F]*)*',
  }),
};

export const lxcMountPoints = 256;
export const lxcNets = 32;
export const lxcDevices = 256;

/** Every key of the configuration that a call can set, each optional. */
export const lxcConfigFields = {
  ...generalFields,
  ...consoleFields,
  ...resourceFields,
  ...systemFields,
  rootfs: Optional(PropertyString(rootfsFields, { description: 'File system of the container.' })),
  ...family(
    'mp',
    lxcMountPoints,
    PropertyString(mountPointFields, { description: 'Volume or directory inside.' }),
  ),
  ...family('net', lxcNets, PropertyString(lxcNetFields, { description: 'Network card.' })),
  ...family('dev', lxcDevices, PropertyString(deviceFields, { description: 'Device of the node.' })),
  ...family('unused', 256, PropertyString(unusedFields, { description: 'Volume that nothing uses.' })),
};

/** What else a call may bring that creates a container. */
export const lxcCreateFields = {
  ostemplate: Type.String({ maxLength: 255, description: 'Template: local:vztmpl/debian-12.tar.zst.' }),
  storage: Optional(StorageId('Storage for the root file system when rootfs does not say.')),
  password: text("Root's password inside.", { minLength: 5, secret: true }),
  'ssh-public-keys': text('Public SSH keys for root inside, one a line.'),
  pool: Optional(Format('pve-poolid', { description: 'Put it into this pool.' })),
  start: flag('Start it when it has been created.', { default: false }),
  force: flag('Replace an existing container.'),
  restore: flag('The template is a backup.'),
  unique: flag('Give the restored container new MAC addresses.', { requires: 'restore' }),
  bwlimit: Optional(Type.Number({ minimum: 0, description: 'Limit in KiB/s.' })),
  'ignore-unpack-errors': flag('Go on when the template cannot be unpacked in full.'),
  'ha-managed': flag('Put it under high availability.', { default: false }),
};

/** What else a call may bring that changes a configuration. */
export const lxcUpdateFields = {
  delete: Optional(Format('pve-configid-list', { description: 'Keys to remove.' })),
  revert: Optional(Format('pve-configid-list', { description: 'Keys whose pending change is dropped.' })),
  digest: text('Refuse the change when the configuration has another digest (SHA-1).', { maxLength: 40 }),
};

/** Keys that stand in configuration files but are never set by a call. */
export const lxcStoredFields = {
  ...lxcConfigFields,
  lxc: text('Raw lines of LXC, `lxc.<key>: <value>` each.'),
  parent: Optional(Format('pve-configid', { maxLength: 40, description: 'The snapshot that it stands on.' })),
  snaptime: number('When the snapshot was made, in seconds since the epoch.', { minimum: 0 }),
  snapstate: Optional(Enum(['prepare', 'delete'], { description: 'The snapshot is being made or removed.' })),
};

/** A configuration with typed values; property strings are still text. */
export type LxcConfig = Static<TObject<typeof lxcStoredFields>>;
export type LxcConfigKey = keyof LxcConfig;

const numbered = <N extends string>(name: N, count: number) =>
  Array.from({ length: count }, (_, i) => `${name}${i}` as LxcConfigKey & `${N}${number}`);

export const lxcMountKeys = numbered('mp', lxcMountPoints);
/** All keys that hold a volume of the container while it is in use, the root file system first. */
export const lxcVolumeKeys = ['rootfs', ...lxcMountKeys] as const;
export const lxcUnusedKeys = numbered('unused', 256);
export const lxcNetKeys = numbered('net', lxcNets);
export const lxcDeviceKeys = numbered('dev', lxcDevices);
