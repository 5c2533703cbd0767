/** One node: state, time, names, network, shell. */
import { defineMethod } from '../method.ts';
import { ConsoleAccess } from '../schema/resource.ts';
import { Bit, Bytes, Enum, Format, Node, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;
const nodeOnly = Type.Object({ node: Node() });
const audit = { perm: '/nodes/{node}', privs: ['Sys.Audit'] } as const;
const modify = { perm: '/nodes/{node}', privs: ['Sys.Modify'] } as const;

export const nodesList = defineMethod({
  id: 'nodes.list',
  verb: 'GET',
  path: '/nodes',
  description: 'Nodes of the cluster.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({
      node: Type.String(),
      id: Type.String(),
      type: Type.String(),
      status: Enum(['unknown', 'online', 'offline']),
      cpu: Optional(Type.Number()),
      maxcpu: Optional(Type.Integer()),
      mem: Optional(Bytes()),
      maxmem: Optional(Bytes()),
      disk: Optional(Bytes()),
      maxdisk: Optional(Bytes()),
      uptime: Optional(Type.Integer()),
      level: Optional(Type.String()),
      ssl_fingerprint: Optional(Type.String()),
    }),
  ),
  permission: { user: 'all' },
});

export const nodeIndex = defineMethod({
  id: 'nodes.index',
  verb: 'GET',
  path: '/nodes/{node}',
  description: 'Directory of a node.',
  params: nodeOnly,
  returns: Type.Array(Type.Object({ name: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const nodeVersion = defineMethod({
  id: 'nodes.version',
  verb: 'GET',
  path: '/nodes/{node}/version',
  description: "The node's version.",
  params: nodeOnly,
  returns: Type.Object({ version: Type.String(), release: Type.String(), repoid: Type.String() }),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const nodeStatus = defineMethod({
  id: 'nodes.status',
  verb: 'GET',
  path: '/nodes/{node}/status',
  description: 'Load, memory, versions and hardware of the node.',
  params: nodeOnly,
  returns: Type.Object({
    cpu: Type.Number({ description: 'Use of all CPUs, 0..1.' }),
    wait: Type.Number(),
    idle: Type.Integer(),
    uptime: Type.Integer(),
    loadavg: Type.Array(Type.String()),
    memory: Type.Object({ total: Bytes(), used: Bytes(), free: Bytes(), available: Bytes() }),
    swap: Type.Object({ total: Bytes(), used: Bytes(), free: Bytes() }),
    rootfs: Type.Object({ total: Bytes(), used: Bytes(), free: Bytes(), avail: Bytes() }),
    cpuinfo: Type.Object({
      model: Type.String(),
      cpus: Type.Integer(),
      cores: Type.Integer(),
      sockets: Type.Integer(),
      mhz: Optional(Type.String()),
      hvm: Optional(Type.String()),
      flags: Optional(Type.String()),
      user_hz: Optional(Type.Integer()),
    }),
    kversion: Type.String(),
    'current-kernel': Type.Object({
      sysname: Type.String(),
      release: Type.String(),
      version: Type.String(),
      machine: Type.String(),
    }),
    'boot-info': Type.Object({ mode: Enum(['efi', 'legacy-bios']), secureboot: Optional(Bit()) }),
    pveversion: Type.String(),
    qemuversion: Optional(Type.String()),
    accelerator: Type.Object(
      { name: Enum(['kvm', 'tcg']), reason: Type.String() },
      { description: 'What runs the guests, found by a self-test at start (ours).' },
    ),
  }),
  permission: audit,
  proxyTo: 'node',
});

export const nodeAcceleratorSet = defineMethod({
  id: 'nodes.accelerator.set',
  verb: 'PUT',
  path: '/nodes/{node}/accelerator',
  description:
    'Chooses what runs the guests of this node: auto tests KVM and falls back to emulation, kvm and tcg overrule the test.',
  params: Type.Object({ node: Node(), accelerator: Enum(['auto', 'kvm', 'tcg']) }),
  returns: Type.Object({ accelerator: Enum(['kvm', 'tcg']), reason: Type.String(), tookMs: Type.Integer() }),
  permission: modify,
  proxyTo: 'node',
  extension: true,
  cli: { command: 'ryokan accelerator', args: ['accelerator'] },
});

export const nodeTime = defineMethod({
  id: 'nodes.time',
  verb: 'GET',
  path: '/nodes/{node}/time',
  description: "The node's clock and time zone.",
  params: nodeOnly,
  returns: Type.Object({ time: Type.Integer(), localtime: Type.Integer(), timezone: Type.String() }),
  permission: audit,
  proxyTo: 'node',
});

export const nodeDns = defineMethod({
  id: 'nodes.dns',
  verb: 'GET',
  path: '/nodes/{node}/dns',
  description: "The node's name servers.",
  params: nodeOnly,
  returns: Type.Object({
    search: Optional(Type.String()),
    dns1: Optional(Type.String()),
    dns2: Optional(Type.String()),
    dns3: Optional(Type.String()),
  }),
  permission: audit,
  proxyTo: 'node',
});

export const nodeHosts = defineMethod({
  id: 'nodes.hosts',
  verb: 'GET',
  path: '/nodes/{node}/hosts',
  description: 'The content of /etc/hosts.',
  params: nodeOnly,
  returns: Type.Object({ data: Type.String(), digest: Type.String() }),
  permission: { perm: '/', privs: ['Sys.Audit'] },
  proxyTo: 'node',
});

export const nodeNetwork = defineMethod({
  id: 'nodes.network.list',
  verb: 'GET',
  path: '/nodes/{node}/network',
  description: "The node's network interfaces.",
  params: Type.Object({
    node: Node(),
    type: Optional(
      Enum([
        'bridge',
        'bond',
        'eth',
        'alias',
        'vlan',
        'fabric',
        'OVSBridge',
        'OVSBond',
        'OVSPort',
        'OVSIntPort',
        'vnet',
        'any_bridge',
        'any_local_bridge',
        'include_sdn',
      ]),
    ),
  }),
  returns: Type.Array(
    Type.Object({
      iface: Type.String(),
      type: Type.String(),
      active: Optional(Bit()),
      exists: Optional(Bit()),
      autostart: Optional(Bit()),
      method: Optional(Type.String()),
      method6: Optional(Type.String()),
      address: Optional(Type.String()),
      netmask: Optional(Type.String()),
      cidr: Optional(Type.String()),
      cidr6: Optional(Type.String()),
      address6: Optional(Type.String()),
      gateway: Optional(Type.String()),
      bridge_ports: Optional(Type.String()),
      comments: Optional(Type.String()),
      mtu: Optional(Type.Integer()),
      hwaddr: Optional(Type.String()),
      speed: Optional(Type.Integer()),
    }),
  ),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const nodeNatBridge = defineMethod({
  id: 'nodes.network.nat-bridge',
  verb: 'POST',
  path: '/nodes/{node}/network/nat-bridge',
  description:
    "Makes an isolated bridge with its own private addresses, DHCP and NAT. The host's own network is not touched.",
  params: Type.Object({
    node: Node(),
    iface: Optional(Format('pve-bridge-id', { default: 'vmbr0' })),
    cidr: Optional(
      Format('CIDRv4', {
        description: 'Address of the bridge, such as 10.10.10.1/24; a free one when absent.',
      }),
    ),
  }),
  returns: Type.String(),
  permission: modify,
  proxyTo: 'node',
  task: { type: 'natbridge', id: 'iface' },
  extension: true,
  cli: { command: 'ryokan nat-bridge create' },
});

export const nodeNatBridgeRemove = defineMethod({
  id: 'nodes.network.nat-bridge.remove',
  verb: 'DELETE',
  path: '/nodes/{node}/network/nat-bridge',
  description: 'Removes the NAT bridge with its DHCP server and firewall rules.',
  params: Type.Object({ node: Node(), iface: Optional(Format('pve-bridge-id', { default: 'vmbr0' })) }),
  returns: Type.String(),
  permission: modify,
  proxyTo: 'node',
  task: { type: 'natbridgerm', id: 'iface' },
  extension: true,
  cli: { command: 'ryokan nat-bridge remove' },
});

export const nodeNatBridgeLeases = defineMethod({
  id: 'nodes.network.nat-bridge.leases',
  verb: 'GET',
  path: '/nodes/{node}/network/nat-bridge',
  description: 'The NAT bridge and the addresses it has lent to guests.',
  params: nodeOnly,
  returns: Type.Object({
    iface: Optional(Type.String()),
    cidr: Optional(Type.String()),
    active: Bit(),
    leases: Type.Array(
      Type.Object({
        ip: Type.String(),
        mac: Type.String(),
        hostname: Optional(Type.String()),
        expires: Type.Integer(),
      }),
    ),
  }),
  permission: audit,
  proxyTo: 'node',
  extension: true,
  cli: { command: 'ryokan nat-bridge status' },
});

export const nodeWarnings = defineMethod({
  id: 'nodes.warnings',
  verb: 'GET',
  path: '/nodes/{node}/warnings',
  description: 'What a person should know or mend on this node.',
  params: nodeOnly,
  returns: Type.Array(
    Type.Object({
      id: Type.String(),
      severity: Enum(['info', 'warning', 'danger']),
      text: Type.String(),
      action: Optional(Type.String({ description: 'Id of the method that mends it.' })),
    }),
  ),
  permission: audit,
  proxyTo: 'node',
  extension: true,
});

const shellParams = {
  node: Node(),
  cmd: Optional(Enum(['login', 'upgrade', 'ceph_install'], { default: 'login' })),
  'cmd-opts': Optional(Type.String({ requires: 'cmd' })),
};

export const nodeTermproxy = defineMethod({
  id: 'nodes.termproxy',
  verb: 'POST',
  path: '/nodes/{node}/termproxy',
  description: 'Opens a shell on the node for a terminal in the browser.',
  params: Type.Object(shellParams),
  returns: ConsoleAccess,
  permission: { perm: '/nodes/{node}', privs: ['Sys.Console'] },
  proxyTo: 'node',
});

export const nodeVncwebsocket = defineMethod({
  id: 'nodes.vncwebsocket',
  verb: 'GET',
  path: '/nodes/{node}/vncwebsocket',
  description: 'The WebSocket of a node console.',
  params: Type.Object({
    node: Node(),
    port: Type.Integer({ minimum: 5900, maximum: 5999 }),
    vncticket: Type.String({ secret: true, maxLength: 512 }),
  }),
  returns: Null(),
  permission: { perm: '/nodes/{node}', privs: ['Sys.Console'] },
  proxyTo: 'node',
  transport: 'websocket',
});

const bulkParams = {
  node: Node(),
  vms: Optional(Format('pve-vmid-list', { description: 'Only these guests.' })),
  'max-workers': Optional(Type.Integer({ minimum: 1, maximum: 64 })),
};

export const nodeStartall = defineMethod({
  id: 'nodes.startall',
  verb: 'POST',
  path: '/nodes/{node}/startall',
  description: 'Starts the guests marked onboot, in their startup order.',
  params: Type.Object({
    ...bulkParams,
    force: Optional(Type.Boolean({ default: false, description: 'Also guests without onboot.' })),
  }),
  returns: Type.String(),
  permission: { user: 'all' },
  proxyTo: 'node',
  task: { type: 'startall' },
  cli: { command: 'pvenode startall' },
});

export const nodeStopall = defineMethod({
  id: 'nodes.stopall',
  verb: 'POST',
  path: '/nodes/{node}/stopall',
  description: 'Shuts the guests down, in the reverse of their startup order.',
  params: Type.Object({
    ...bulkParams,
    'force-stop': Optional(
      Type.Boolean({ default: true, description: 'Stop those that do not end in time.' }),
    ),
    timeout: Optional(
      Type.Integer({ minimum: 0, maximum: 7200, default: 180, description: 'Seconds for each guest.' }),
    ),
  }),
  returns: Type.String(),
  permission: { user: 'all' },
  proxyTo: 'node',
  task: { type: 'stopall' },
  cli: { command: 'pvenode stopall' },
});
