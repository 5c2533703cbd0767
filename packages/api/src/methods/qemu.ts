/** QEMU guests: life cycle, configuration, consoles. */
import { defineMethod } from '../method.ts';
import { qemuConfigFields, qemuCreateFields, qemuUpdateFields } from '../schema/qemu-config.ts';
import { ConsoleAccess } from '../schema/resource.ts';
import {
  Bit,
  Bytes,
  Digest,
  Enum,
  Format,
  Node,
  Null,
  StorageId,
  Subdirs,
  Type,
  Vmid,
} from '../schema/types.ts';
import { PendingRows, pendingColumns } from './pending-rows.ts';

const Optional = Type.Optional;
const guest = { node: Node(), vmid: Vmid() };
const guestOnly = Type.Object(guest);
const base = '/nodes/{node}/qemu/{vmid}';
const audit = { perm: '/vms/{vmid}', privs: ['VM.Audit'] } as const;
const power = { perm: '/vms/{vmid}', privs: ['VM.PowerMgmt'] } as const;
const console_ = { perm: '/vms/{vmid}', privs: ['VM.Console'] } as const;
const skiplock = Optional(Type.Boolean({ description: 'Ignore the lock of the guest (root@pam only).' }));
const timeout = Optional(Type.Integer({ minimum: 0, description: 'Seconds to wait.' }));

const status = {
  vmid: Type.Integer(),
  name: Optional(Type.String()),
  status: Enum(['stopped', 'running']),
  qmpstatus: Optional(Type.String()),
  lock: Optional(Type.String()),
  tags: Optional(Type.String()),
  template: Optional(Bit()),
  pid: Optional(Type.Integer()),
  uptime: Optional(Type.Integer()),
  cpu: Optional(Type.Number()),
  cpus: Optional(Type.Number()),
  mem: Optional(Bytes()),
  maxmem: Optional(Bytes()),
  memhost: Optional(Bytes()),
  freemem: Optional(Bytes()),
  balloon: Optional(Bytes()),
  balloon_min: Optional(Bytes()),
  shares: Optional(Type.Integer()),
  ballooninfo: Optional(Type.Record(Type.String(), Type.Number())),
  disk: Optional(Bytes()),
  maxdisk: Optional(Bytes()),
  diskread: Optional(Bytes()),
  diskwrite: Optional(Bytes()),
  netin: Optional(Bytes()),
  netout: Optional(Bytes()),
  'running-machine': Optional(Type.String()),
  'running-qemu': Optional(Type.String()),
  serial: Optional(Bit()),
  error: Optional(Type.String({ description: 'Why the configuration cannot be read.' })),
  warning: Optional(
    Type.String({
      description: 'What keeps the guest from working, or how it ended unexpectedly; what to do.',
    }),
  ),
};

export const qemuList = defineMethod({
  id: 'qemu.list',
  verb: 'GET',
  path: '/nodes/{node}/qemu',
  description: 'Virtual machines of the node.',
  params: Type.Object({
    node: Node(),
    full: Optional(Type.Boolean({ description: 'Measure running guests now.' })),
  }),
  returns: Type.Array(Type.Object(status)),
  permission: { user: 'all' },
  proxyTo: 'node',
  cli: { command: 'qm list', columns: ['vmid', 'name', 'status', 'maxmem', 'maxdisk', 'pid'] },
});

export const qemuCreate = defineMethod({
  id: 'qemu.create',
  verb: 'POST',
  path: '/nodes/{node}/qemu',
  description: 'Creates a virtual machine.',
  params: Type.Object({ ...guest, ...qemuCreateFields, ...qemuConfigFields }),
  returns: Type.String(),
  // What a caller needs depends on the pool and on each option given; the handler checks it.
  permission: { user: 'all' },
  proxyTo: 'node',
  task: { type: 'qmcreate', id: 'vmid' },
  assigns: 'vmid',
  cli: { command: 'qm create', args: ['vmid'] },
});

export const qemuIndex = defineMethod({
  id: 'qemu.index',
  verb: 'GET',
  path: base,
  description: 'Directory of a virtual machine.',
  params: guestOnly,
  returns: Subdirs(),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const qemuDestroy = defineMethod({
  id: 'qemu.destroy',
  verb: 'DELETE',
  path: base,
  description: 'Removes a stopped virtual machine with all its disks.',
  params: Type.Object({
    ...guest,
    purge: Optional(
      Type.Boolean({ description: 'Also remove it from backup jobs, replication, HA and ACLs.' }),
    ),
    'destroy-unreferenced-disks': Optional(
      Type.Boolean({
        default: false,
        description: 'Also remove its disks that the configuration does not name.',
      }),
    ),
    skiplock,
  }),
  returns: Type.String(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Allocate'] },
  proxyTo: 'node',
  task: { type: 'qmdestroy', id: 'vmid' },
  cli: { command: 'qm destroy', args: ['vmid'] },
});

const configAnyOf = {
  perm: '/vms/{vmid}',
  any: true,
  privs: [
    'VM.Config.Disk',
    'VM.Config.CDROM',
    'VM.Config.CPU',
    'VM.Config.Memory',
    'VM.Config.Network',
    'VM.Config.HWType',
    'VM.Config.Options',
    'VM.Config.Cloudinit',
  ],
} as const;

export const qemuConfigGet = defineMethod({
  id: 'qemu.config.get',
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
  cli: { command: 'qm config', args: ['vmid'] },
});

export const qemuConfigSetAsync = defineMethod({
  id: 'qemu.config.set-async',
  verb: 'POST',
  path: `${base}/config`,
  description: 'Changes the configuration as a task (disks may have to be made).',
  params: Type.Object({
    ...guest,
    ...qemuUpdateFields,
    background_delay: Optional(
      Type.Integer({
        minimum: 1,
        maximum: 30,
        description: 'Seconds to wait for the task to end before answering.',
      }),
    ),
    ...qemuConfigFields,
  }),
  returns: Optional(Type.String()),
  permission: configAnyOf,
  proxyTo: 'node',
  task: { type: 'qmconfig', id: 'vmid' },
});

export const qemuConfigSet = defineMethod({
  id: 'qemu.config.set',
  verb: 'PUT',
  path: `${base}/config`,
  description: 'Changes the configuration and answers when it is done.',
  params: Type.Object({ ...guest, ...qemuUpdateFields, ...qemuConfigFields }),
  returns: Null(),
  permission: configAnyOf,
  proxyTo: 'node',
  cli: { command: 'qm set', args: ['vmid'] },
});

export const qemuPending = defineMethod({
  id: 'qemu.pending',
  verb: 'GET',
  path: `${base}/pending`,
  description: 'Each option with its value now and the value it will have after the next start.',
  params: guestOnly,
  returns: PendingRows,
  permission: audit,
  proxyTo: 'node',
  cli: { command: 'qm pending', args: ['vmid'], columns: pendingColumns },
});

export const qemuUnlink = defineMethod({
  id: 'qemu.unlink',
  verb: 'PUT',
  path: `${base}/unlink`,
  description: 'Detaches disks; with `force` their volumes are removed.',
  params: Type.Object({
    ...guest,
    idlist: Format('pve-configid-list', { description: 'Disks: scsi1,unused0.' }),
    force: Optional(Type.Boolean()),
  }),
  returns: Null(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Config.Disk'] },
  proxyTo: 'node',
  cli: { command: 'qm disk unlink', args: ['vmid'], aliases: ['qm unlink'] },
});

export const qemuResize = defineMethod({
  id: 'qemu.resize',
  verb: 'PUT',
  path: `${base}/resize`,
  description: 'Grows a disk, also while the guest runs.',
  params: Type.Object({
    ...guest,
    disk: Type.String({
      pattern: '(ide[0-3]|sata[0-5]|scsi([12]?\\d|30)|virtio(\\d|1[0-5])|efidisk0|tpmstate0)',
    }),
    size: Type.String({ pattern: '\\+?\\d+(\\.\\d+)?[KMGT]?', description: 'New size, or +how much more.' }),
    digest: Optional(Digest()),
    skiplock,
  }),
  returns: Type.String(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Config.Disk'] },
  proxyTo: 'node',
  task: { type: 'resize', id: 'vmid' },
  cli: { command: 'qm disk resize', args: ['vmid', 'disk', 'size'], aliases: ['qm resize'] },
});

export const qemuStatusIndex = defineMethod({
  id: 'qemu.status.index',
  verb: 'GET',
  path: `${base}/status`,
  description: 'Directory of status operations.',
  params: guestOnly,
  returns: Subdirs(),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const qemuStatusCurrent = defineMethod({
  id: 'qemu.status.current',
  verb: 'GET',
  path: `${base}/status/current`,
  description: 'State and measurements of the virtual machine now.',
  params: guestOnly,
  returns: Type.Object({
    ...status,
    ha: Type.Object({ managed: Bit() }),
    agent: Optional(Bit()),
    spice: Optional(Bit()),
    clipboard: Optional(Type.String()),
  }),
  permission: audit,
  proxyTo: 'node',
  cli: { command: 'qm status', args: ['vmid'] },
});

const action = <const T extends string>(name: string, type: T, description: string) =>
  ({
    id: `qemu.${name}`,
    verb: 'POST',
    path: `${base}/status/${name}`,
    description,
    returns: Type.String(),
    permission: power,
    proxyTo: 'node',
    task: { type, id: 'vmid' },
    cli: { command: `qm ${name}`, args: ['vmid'] },
  }) as const;

export const qemuStart = defineMethod({
  ...action('start', 'qmstart', 'Starts the virtual machine.'),
  params: Type.Object({
    ...guest,
    skiplock,
    timeout,
    machine: Optional(Type.String({ maxLength: 40, description: 'Start with this machine type.' })),
    'force-cpu': Optional(Type.String({ description: 'Start with this -cpu text (root@pam only).' })),
    stateuri: Optional(Type.String({ maxLength: 128 })),
    migratedfrom: Optional(Format('pve-node')),
    migration_network: Optional(Format('CIDR')),
    migration_type: Optional(Enum(['secure', 'insecure'])),
    targetstorage: Optional(Format('storage-pair-list')),
  }),
});

export const qemuStop = defineMethod({
  ...action('stop', 'qmstop', 'Stops the virtual machine at once, like pulling its plug.'),
  params: Type.Object({
    ...guest,
    skiplock,
    timeout,
    keepActive: Optional(Type.Boolean({ default: false })),
    migratedfrom: Optional(Format('pve-node')),
    'overrule-shutdown': Optional(
      Type.Boolean({ default: false, description: 'End running shutdown tasks of this guest first.' }),
    ),
  }),
});

export const qemuReset = defineMethod({
  ...action('reset', 'qmreset', 'Resets the virtual machine, like its reset button.'),
  params: Type.Object({ ...guest, skiplock }),
});

export const qemuShutdown = defineMethod({
  ...action(
    'shutdown',
    'qmshutdown',
    'Asks the guest to shut down: by its agent if it has one, else by ACPI.',
  ),
  params: Type.Object({
    ...guest,
    skiplock,
    timeout,
    forceStop: Optional(
      Type.Boolean({ default: false, description: 'Stop it when it has not ended in time.' }),
    ),
    keepActive: Optional(Type.Boolean({ default: false })),
  }),
});

export const qemuReboot = defineMethod({
  ...action('reboot', 'qmreboot', 'Shuts the guest down and starts it again with pending changes.'),
  params: Type.Object({ ...guest, timeout }),
});

export const qemuSuspend = defineMethod({
  ...action('suspend', 'qmsuspend', 'Pauses the virtual machine.'),
  params: Type.Object({
    ...guest,
    skiplock,
    todisk: Optional(Type.Boolean({ default: false, description: 'Save its memory to disk and end it.' })),
    statestorage: Optional({ ...StorageId(), requires: 'todisk' }),
  }),
});

export const qemuResume = defineMethod({
  ...action('resume', 'qmresume', 'Lets a paused virtual machine go on.'),
  params: Type.Object({ ...guest, skiplock, nocheck: Optional(Type.Boolean()) }),
});

export const qemuSendkey = defineMethod({
  id: 'qemu.sendkey',
  verb: 'PUT',
  path: `${base}/sendkey`,
  description: 'Sends a key combination to the guest.',
  params: Type.Object({ ...guest, key: Type.String({ description: 'ctrl-alt-delete' }), skiplock }),
  returns: Null(),
  permission: console_,
  proxyTo: 'node',
  cli: { command: 'qm sendkey', args: ['vmid', 'key'] },
});

export const qemuMonitor = defineMethod({
  id: 'qemu.monitor',
  verb: 'POST',
  path: `${base}/monitor`,
  description: "Runs a command of QEMU's human monitor.",
  params: Type.Object({ ...guest, command: Type.String() }),
  returns: Type.String(),
  permission: { perm: '/vms/{vmid}', privs: ['Sys.Audit', 'Sys.Modify'], any: true },
  proxyTo: 'node',
});

export const qemuVncproxy = defineMethod({
  id: 'qemu.vncproxy',
  verb: 'POST',
  path: `${base}/vncproxy`,
  description: 'Opens the screen of the guest for a VNC client in the browser.',
  params: Type.Object({
    ...guest,
    websocket: Optional(
      Type.Boolean({ description: 'Always true here: VNC goes through the WebSocket only.' }),
    ),
    'generate-password': Optional(
      Type.Boolean({ default: false, description: 'Answer a random password instead of using the ticket.' }),
    ),
  }),
  returns: ConsoleAccess,
  permission: console_,
  proxyTo: 'node',
});

export const qemuTermproxy = defineMethod({
  id: 'qemu.termproxy',
  verb: 'POST',
  path: `${base}/termproxy`,
  description: 'Opens a serial console of the guest for a terminal in the browser.',
  params: Type.Object({ ...guest, serial: Optional(Enum(['serial0', 'serial1', 'serial2', 'serial3'])) }),
  returns: ConsoleAccess,
  permission: console_,
  proxyTo: 'node',
});

export const qemuVncwebsocket = defineMethod({
  id: 'qemu.vncwebsocket',
  verb: 'GET',
  path: `${base}/vncwebsocket`,
  description: 'The WebSocket of a console.',
  params: Type.Object({
    ...guest,
    port: Type.Integer({ minimum: 5900, maximum: 5999 }),
    vncticket: Type.String({ secret: true, maxLength: 512 }),
  }),
  returns: Null(),
  permission: console_,
  proxyTo: 'node',
  transport: 'websocket',
});
