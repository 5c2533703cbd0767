/** The property string of a network card: `virtio=BC:24:11:12:34:56,bridge=vmbr0,firewall=1`. */
import { PropertyString } from './property-string.ts';
import { Enum, Format, type Static, Type } from './types.ts';

const Optional = Type.Optional;

export const netModels = [
  'virtio',
  'e1000',
  'e1000-82540em',
  'e1000-82544gc',
  'e1000-82545em',
  'e1000e',
  'i82551',
  'i82557b',
  'i82559er',
  'ne2k_isa',
  'ne2k_pci',
  'pcnet',
  'rtl8139',
  'vmxnet3',
] as const;
export type NetModel = (typeof netModels)[number];

/** `virtio=MAC` is short for `model=virtio,macaddr=MAC`. */
const modelKeys = Object.fromEntries(
  netModels.map((model) => [
    model,
    Optional(Type.Unsafe<never>({ type: 'string', alias: 'macaddr', keyAlias: 'model' })),
  ]),
) as unknown as Record<never, never>;

export const qemuNetFields = Type.Object({
  model: Enum(netModels, {
    defaultKey: true,
    description: 'Card that the guest sees; virtio is by far the fastest.',
  }),
  macaddr: Optional(Format('mac-addr', { description: 'MAC address; a free one is chosen when absent.' })),
  bridge: Optional(
    Format('pve-bridge-id', {
      description: "Bridge to connect to. Without one: NAT by QEMU's own user network.",
    }),
  ),
  firewall: Optional(Type.Boolean({ description: "The guest's firewall rules hold for this card." })),
  link_down: Optional(Type.Boolean({ description: 'The cable is unplugged.' })),
  mtu: Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65520,
      description: 'MTU, virtio only; 1 takes that of the bridge.',
    }),
  ),
  queues: Optional(Type.Integer({ minimum: 0, maximum: 64, description: 'Packet queues, virtio only.' })),
  rate: Optional(Type.Number({ minimum: 0, description: 'Limit in MB/s.' })),
  tag: Optional(Type.Integer({ minimum: 1, maximum: 4094, description: 'VLAN tag of its packets.' })),
  trunks: Optional(
    Type.String({
      pattern: '\\d+(?:-\\d+)?(?:;\\d+(?:-\\d+)?)*',
      description: 'VLANs to pass through: 2;5-10.',
    }),
  ),
  'host-tunnel': Optional(Type.Boolean({ description: "Use the node's tunnel offload, virtio only." })),
  ...modelKeys,
});

export type QemuNet = Static<typeof qemuNetFields>;

export const QemuNetDevice = PropertyString(qemuNetFields, { description: 'Network card.' });

export const ipconfigFields = Type.Object({
  ip: Optional(Format('pve-ipv4-config', { default: 'dhcp', description: 'ADDRESS/BITS, dhcp or manual.' })),
  gw: Optional(Format('ipv4', { requires: 'ip', description: 'IPv4 gateway.' })),
  ip6: Optional(
    Format('pve-ipv6-config', { default: 'dhcp', description: 'ADDRESS/BITS, auto, dhcp or manual.' }),
  ),
  gw6: Optional(Format('ipv6', { requires: 'ip6', description: 'IPv6 gateway.' })),
});

export const QemuIpconfig = PropertyString(ipconfigFields, {
  description: 'Addresses that cloud-init gives to the card of the same number.',
});
