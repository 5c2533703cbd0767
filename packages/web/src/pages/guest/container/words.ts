/** What the fields of a container's property strings are called. */
import type { FieldWords } from '../../../forms/schema-field.tsx';

type Words = Readonly<Record<string, FieldWords>>;

export const deviceWords: Words = {
  path: { label: 'container.devicePath', placeholder: '/dev/ttyUSB0', mono: true },
  mode: { label: 'container.deviceMode', placeholder: '0660', mono: true },
  uid: { label: 'container.deviceUid', placeholder: '0' },
  gid: { label: 'container.deviceGid', placeholder: '0' },
  'deny-write': { label: 'hardware.readOnly' },
};

export const mountWords: Words = {
  ro: { label: 'hardware.readOnly' },
  backup: { label: 'hardware.inBackups' },
  quota: { label: 'container.quota', help: 'container.quotaHelp' },
  replicate: { label: 'disk.replicate', preset: true },
  shared: { label: 'container.shared', help: 'container.sharedHelp' },
  keepattrs: { label: 'container.keepAttributes', help: 'container.keepAttributesHelp' },
  idmap: { label: 'container.idmap', help: 'container.idmapHelp', placeholder: 'passthrough', mono: true },
};

export const cardWords: Words = {
  tag: { label: 'hardware.vlan', empty: 'hardware.vlanNone' },
  trunks: { label: 'net.trunks', help: 'net.trunksHelp', placeholder: '2;5', mono: true },
  rate: { label: 'hardware.rate', unit: 'MB/s', empty: 'hardware.noLimit' },
  mtu: { label: 'net.mtu', empty: 'container.mtuOfBridge' },
  firewall: { label: 'hardware.firewall' },
  link_down: { label: 'hardware.linkDown' },
  'host-managed': { label: 'container.hostManaged', help: 'container.hostManagedHelp' },
};

export const featureWords: Words = {
  nesting: { label: 'container.nesting', help: 'container.nestingHelp' },
  keyctl: { label: 'container.keyctl', help: 'container.keyctlHelp' },
  fuse: { label: 'container.fuse', help: 'container.fuseHelp' },
  mknod: { label: 'container.mknod', help: 'container.mknodHelp' },
  force_rw_sys: { label: 'container.writableSys', help: 'container.writableSysHelp' },
  mount: {
    label: 'container.mountTypes',
    help: 'container.mountTypesHelp',
    placeholder: 'nfs;cifs',
    mono: true,
  },
};
