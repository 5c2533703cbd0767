/** Containers: life cycle, configuration. */
import { defineMethod } from '../method.ts';
import { lxcConfigFields, lxcCreateFields, lxcUpdateFields, lxcVolumeKeys } from '../schema/lxc-config.ts';
import { Bit, Bytes, Digest, Enum, Format, Node, Null, Subdirs, Type, Vmid } from '../schema/types.ts';
import { PendingRows, pendingColumns } from './pending-rows.ts';

const Optional = Type.Optional;
const guest = { node: Node(), vmid: Vmid() };
const guestOnly = Type.Object(guest);
const base = '/nodes/{node}/lxc/{vmid}';
const audit = { perm: '/vms/{vmid}', privs: ['VM.Audit'] } as const;
const power = { perm: '/vms/{vmid}', privs: ['VM.PowerMgmt'] } as const;
const skiplock = Optional(Type.Boolean({ description: 'Ignore the lock of the container (root@pam only).' }));

const status = {
  vmid: Type.Integer(),
  type: Enum(['lxc']),
  name: Optional(Type.String()),
  status: Enum(['stopped', 'running']),
  lock: Optional(Type.String()),
  tags: Optional(Type.String()),
  template: Optional(Bit()),
  frozen: Optional(Bit('Present when it was suspended: its processes stand still.')),
  pid: Optional(Type.Integer({ description: 'Process id of its init on the node.' })),
  uptime: Optional(Type.Integer()),
  cpu: Optional(Type.Number()),
  cpus: Optional(Type.Number()),
  mem: Optional(Bytes()),
  maxmem: Optional(Bytes()),
  swap: Optional(Bytes()),
  maxswap: Optional(Bytes()),
  disk: Optional(Bytes()),
  maxdisk: Optional(Bytes()),
  diskread: Optional(Bytes()),
  diskwrite: Optional(Bytes()),
  netin: Optional(Bytes()),
  netout: Optional(Bytes()),
  error: Optional(Type.String({ description: 'Why the configuration cannot be read.' })),
  warning: Optional(Type.String({ description: 'How it ended unexpectedly; what to do.' })),
};

export const lxcList = defineMethod({
  id: 'lxc.list',
  verb: 'GET',
  path: '/nodes/{node}/lxc',
  description: 'Containers of the node.',
  params: Type.Object({ node: Node() }),
  returns: Type.Array(Type.Object(status)),
  permission: { user: 'all' },
  proxyTo: 'node',
  cli: { command: 'pct list', columns: ['vmid', 'status', 'lock', 'name'] },
});

export const lxcCreate = defineMethod({
  id: 'lxc.create',
  verb: 'POST',
  path: '/nodes/{node}/lxc',
  description: 'Creates a container from a template.',
  params: Type.Object({ ...guest, ...lxcCreateFields, ...lxcConfigFields }),
  returns: Type.String(),
  // What a caller needs depends on the pool and on each option given; the handler checks it.
  permission: { user: 'all' },
  proxyTo: 'node',
  task: { type: 'vzcreate', id: 'vmid' },
  assigns: 'vmid',
  cli: { command: 'pct create', args: ['vmid', 'ostemplate'] },
});

export const lxcIndex = defineMethod({
  id: 'lxc.index',
  verb: 'GET',
  path: base,
  description: 'Directory of a container.',
  params: guestOnly,
  returns: Subdirs(),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const lxcDestroy = defineMethod({
  id: 'lxc.destroy',
  verb: 'DELETE',
  path: base,
  description: 'Removes a container with all its volumes.',
  params: Type.Object({
    ...guest,
    force: Optional(Type.Boolean({ default: false, description: 'Stop it first when it runs.' })),
    purge: Optional(
      Type.Boolean({
        default: false,
        description: 'Also remove it from backup jobs, replication, HA and ACLs.',
      }),
    ),
    'destroy-unreferenced-disks': Optional(
      Type.Boolean({ description: 'Also remove its volumes that the configuration does not name.' }),
    ),
  }),
  returns: Type.String(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Allocate'] },
  proxyTo: 'node',
  task: { type: 'vzdestroy', id: 'vmid' },
  cli: { command: 'pct destroy', args: ['vmid'] },
});

export const lxcConfigGet = defineMethod({
  id: 'lxc.config.get',
  verb: 'GET',
  path: `${base}/config`,
  description: 'The configuration, pending changes applied unless `current` is set.',
  params: Type.Object({
    ...guest,
    current: Optional(Type.Boolean({ default: false, description: 'Without pending changes.' })),
    snapshot: Optional(Format('pve-configid', { maxLength: 40, description: 'As it was in this snapshot.' })),
  }),
  returns: Type.Object({ digest: Type.String() }, { additionalProperties: true }),
  permission: audit,
  proxyTo: 'node',
  cli: { command: 'pct config', args: ['vmid'] },
});

export const lxcConfigSet = defineMethod({
  id: 'lxc.config.set',
  verb: 'PUT',
  path: `${base}/config`,
  description: 'Changes the configuration and answers when it is done.',
  params: Type.Object({ ...guest, ...lxcUpdateFields, ...lxcConfigFields }),
  returns: Null(),
  permission: {
    perm: '/vms/{vmid}',
    any: true,
    privs: ['VM.Config.Disk', 'VM.Config.CPU', 'VM.Config.Memory', 'VM.Config.Network', 'VM.Config.Options'],
  },
  proxyTo: 'node',
  cli: { command: 'pct set', args: ['vmid'] },
});

export const lxcPending = defineMethod({
  id: 'lxc.pending',
  verb: 'GET',
  path: `${base}/pending`,
  description: 'Each option with its value now and the value it will have after the next start.',
  params: guestOnly,
  returns: PendingRows,
  permission: audit,
  proxyTo: 'node',
  cli: { command: 'pct pending', args: ['vmid'], columns: pendingColumns },
});

export const lxcResize = defineMethod({
  id: 'lxc.resize',
  verb: 'PUT',
  path: `${base}/resize`,
  description: 'Grows a volume with its file system, also while the container runs.',
  params: Type.Object({
    ...guest,
    disk: Enum(lxcVolumeKeys, { description: 'rootfs or mp0, mp1, …' }),
    size: Type.String({ pattern: '\\+?\\d+(\\.\\d+)?[KMGT]?', description: 'New size, or +how much more.' }),
    digest: Optional(Digest()),
  }),
  returns: Type.String(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Config.Disk'] },
  proxyTo: 'node',
  task: { type: 'resize', id: 'vmid' },
  cli: { command: 'pct resize', args: ['vmid', 'disk', 'size'] },
});

export const lxcFeature = defineMethod({
  id: 'lxc.feature',
  verb: 'GET',
  path: `${base}/feature`,
  description: 'Whether the storages of all its volumes can do what a feature needs.',
  params: Type.Object({
    ...guest,
    feature: Enum(['snapshot', 'clone', 'copy']),
    snapname: Optional(Format('pve-configid', { maxLength: 40, description: 'Of this snapshot.' })),
  }),
  returns: Type.Object({
    hasFeature: Bit(),
    reason: Optional(Type.String({ description: 'Why not, and what would help.' })),
  }),
  permission: audit,
  proxyTo: 'node',
});

export const lxcStatusIndex = defineMethod({
  id: 'lxc.status.index',
  verb: 'GET',
  path: `${base}/status`,
  description: 'Directory of status operations.',
  params: guestOnly,
  returns: Subdirs(),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const lxcStatusCurrent = defineMethod({
  id: 'lxc.status.current',
  verb: 'GET',
  path: `${base}/status/current`,
  description: 'State and measurements of the container now.',
  params: guestOnly,
  returns: Type.Object({ ...status, ha: Type.Object({ managed: Bit() }) }),
  permission: audit,
  proxyTo: 'node',
  cli: { command: 'pct status', args: ['vmid'] },
});

const action = <const T extends string>(name: string, type: T, description: string) =>
  ({
    id: `lxc.${name}`,
    verb: 'POST',
    path: `${base}/status/${name}`,
    description,
    returns: Type.String(),
    permission: power,
    proxyTo: 'node',
    task: { type, id: 'vmid' },
    cli: { command: `pct ${name}`, args: ['vmid'] },
  }) as const;

export const lxcStart = defineMethod({
  ...action('start', 'vzstart', 'Starts the container.'),
  params: Type.Object({
    ...guest,
    skiplock,
    debug: Optional(Type.Boolean({ default: false, description: 'Write more into its log.' })),
  }),
});

export const lxcStop = defineMethod({
  ...action('stop', 'vzstop', 'Stops the container at once: all its processes are killed.'),
  params: Type.Object({
    ...guest,
    skiplock,
    'overrule-shutdown': Optional(
      Type.Boolean({ default: false, description: 'End running shutdown tasks of this container first.' }),
    ),
  }),
});

export const lxcShutdown = defineMethod({
  ...action('shutdown', 'vzshutdown', 'Asks the init of the container to shut down.'),
  params: Type.Object({
    ...guest,
    timeout: Optional(Type.Integer({ minimum: 0, default: 60, description: 'Seconds to wait.' })),
    forceStop: Optional(
      Type.Boolean({ default: false, description: 'Stop it when it has not ended in time.' }),
    ),
  }),
});

export const lxcReboot = defineMethod({
  ...action('reboot', 'vzreboot', 'Shuts the container down and starts it again with pending changes.'),
  params: Type.Object({
    ...guest,
    timeout: Optional(Type.Integer({ minimum: 0, description: 'Seconds to wait.' })),
  }),
});

export const lxcSuspend = defineMethod({
  ...action('suspend', 'vzsuspend', 'Holds all processes of the container; its memory stays as it is.'),
  params: guestOnly,
});

export const lxcResume = defineMethod({
  ...action('resume', 'vzresume', 'Lets a suspended container go on.'),
  params: guestOnly,
});

export const lxcInterfaces = defineMethod({
  id: 'lxc.interfaces',
  verb: 'GET',
  path: `${base}/interfaces`,
  description: 'Network cards of the running container with their addresses.',
  params: guestOnly,
  returns: Type.Array(
    Type.Object({
      name: Type.String(),
      hwaddr: Type.String(),
      'hardware-address': Type.String(),
      inet: Optional(Type.String({ description: 'First IPv4 address with its prefix.' })),
      inet6: Optional(Type.String({ description: 'First IPv6 address with its prefix.' })),
      'ip-addresses': Type.Array(
        Type.Object({
          'ip-address': Type.String(),
          'ip-address-type': Enum(['inet', 'inet6']),
          prefix: Type.Integer(),
        }),
      ),
    }),
  ),
  permission: audit,
  proxyTo: 'node',
});
