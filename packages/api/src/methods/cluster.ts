/** Datacenter-wide operations: version, resources, tasks, next free id, options, live events. */
import { defineMethod } from '../method.ts';
import { clusterOptionFields, guestOptionFields } from '../schema/cluster-options.ts';
import { keyboards } from '../schema/qemu-config.ts';
import { Resource, TaskListRow } from '../schema/resource.ts';
import { Bit, Digest, Enum, Format, Null, Subdirs, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;

export const rootIndex = defineMethod({
  id: 'index',
  verb: 'GET',
  path: '/',
  description: 'Directory of the API.',
  params: Type.Object({}),
  returns: Subdirs(),
  permission: { user: 'all' },
});

export const version = defineMethod({
  id: 'version',
  verb: 'GET',
  path: '/version',
  description: 'Version of the API, and of the product that serves it.',
  params: Type.Object({}),
  returns: Type.Object({
    release: Type.String(),
    version: Type.String(),
    repoid: Type.String(),
    product: Optional(Type.String()),
    console: Optional(Type.String()),
  }),
  permission: { user: 'all' },
  cli: { command: 'pveversion' },
});

export const clusterIndex = defineMethod({
  id: 'cluster.index',
  verb: 'GET',
  path: '/cluster',
  description: 'Directory of cluster operations.',
  params: Type.Object({}),
  returns: Type.Array(Type.Object({ name: Type.String() })),
  permission: { user: 'all' },
});

export const clusterResources = defineMethod({
  id: 'cluster.resources',
  verb: 'GET',
  path: '/cluster/resources',
  description: 'Nodes, guests and storages with their state, as far as the caller may see them.',
  params: Type.Object({ type: Optional(Enum(['vm', 'storage', 'node', 'sdn'])) }),
  returns: Type.Array(Resource),
  permission: { user: 'all' },
});

export const clusterTasks = defineMethod({
  id: 'cluster.tasks',
  verb: 'GET',
  path: '/cluster/tasks',
  description: 'Recent tasks of all nodes, running ones included.',
  params: Type.Object({}),
  returns: Type.Array(TaskListRow),
  permission: { user: 'all' },
});

export const clusterLog = defineMethod({
  id: 'cluster.log',
  verb: 'GET',
  path: '/cluster/log',
  description:
    'What went on lately, newest first: logins, tasks that began and ended. All of it with Sys.Syslog on /, else the own lines.',
  params: Type.Object({
    max: Optional(Type.Integer({ minimum: 1, default: 50, description: 'Number of lines.' })),
  }),
  returns: Type.Array(
    Type.Object({
      id: Type.String({ description: 'uid:node' }),
      uid: Type.Integer(),
      time: Type.Integer({ renderer: 'timestamp' }),
      pri: Type.Integer({ description: 'Syslog priority: 3 error, 6 information.' }),
      tag: Type.String(),
      pid: Type.String(),
      node: Type.String(),
      user: Type.String(),
      msg: Type.String(),
    }),
  ),
  permission: { user: 'all' },
});

export const backupInfoIndex = defineMethod({
  id: 'cluster.backup-info.index',
  verb: 'GET',
  path: '/cluster/backup-info',
  description: 'Directory of questions about backups.',
  params: Type.Object({}),
  returns: Subdirs(),
  permission: { user: 'all' },
});

export const guestsNotBackedUp = defineMethod({
  id: 'cluster.backup-info.not-backed-up',
  verb: 'GET',
  path: '/cluster/backup-info/not-backed-up',
  description: 'Guests that no enabled backup job includes.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({ vmid: Vmid(), type: Enum(['qemu', 'lxc']), name: Optional(Type.String()) }),
  ),
  permission: { perm: '/', privs: ['Sys.Audit'] },
});

export const clusterNextid = defineMethod({
  id: 'cluster.nextid',
  verb: 'GET',
  path: '/cluster/nextid',
  description: 'The next free VMID, or a check that the given one is free.',
  params: Type.Object({ vmid: Optional(Vmid()) }),
  returns: Type.String({ description: 'A free VMID.' }),
  permission: { user: 'all' },
});

export const clusterStatus = defineMethod({
  id: 'cluster.status',
  verb: 'GET',
  path: '/cluster/status',
  description: 'Members of the cluster and whether it has quorum.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({
      id: Type.String(),
      type: Enum(['cluster', 'node']),
      name: Type.String(),
      ip: Optional(Type.String()),
      level: Optional(Type.String()),
      local: Optional(Type.Integer()),
      nodeid: Optional(Type.Integer()),
      online: Optional(Type.Integer()),
      nodes: Optional(Type.Integer()),
      quorate: Optional(Type.Integer()),
      version: Optional(Type.Integer()),
    }),
  ),
  permission: { perm: '/', privs: ['Sys.Audit'] },
});

/** Those of the public API; the Web UI has English and Japanese. */
const languages =
  'ar ca da de en es eu fa fr hr he it ja ka kr nb nl nn pl pt_BR ru sl sv tr ukr zh_CN zh_TW'.split(' ');

const optionFields = {
  ...guestOptionFields,
  ...clusterOptionFields,
  keyboard: Optional(
    Enum(keyboards, { description: 'Keyboard layout of consoles, for guests that have none of their own.' }),
  ),
  language: Optional(Enum(languages, { description: 'Default language of the Web UI.' })),
  console: Optional(Enum(['applet', 'vv', 'html5', 'xtermjs'])),
  description: Optional(Type.String({ maxLength: 65536, description: 'Notes on the datacenter.' })),
  email_from: Optional(Format('email-opt')),
  hsts: Optional(
    Type.Integer({
      minimum: 0,
      maximum: 63_072_000,
      description:
        'Seconds for which browsers shall insist on TLS with a certificate that they trust (Strict-Transport-Security); 0 makes them forget. Not set: nothing is said.',
    }),
  ),
  http_proxy: Optional(Type.String({ pattern: 'https?://.*', description: 'Proxy for downloads.' })),
  mac_prefix: Optional(Type.String({ pattern: '[0-9A-Fa-f][02468aceACE](:[0-9A-Fa-f]{2}){0,2}:?' })),
  'next-id': Optional(Type.String({ description: 'Range of VMIDs to offer: lower=100,upper=1000000.' })),
};

export const clusterOptionsGet = defineMethod({
  id: 'cluster.options.get',
  verb: 'GET',
  path: '/cluster/options',
  description: 'Datacenter options.',
  params: Type.Object({}),
  returns: Type.Object({
    ...optionFields,
    migration_unsecure: Optional(Bit()),
    'allowed-tags': Optional(Type.Array(Type.String(), { description: 'Tags to choose from.' })),
    digest: Optional(Type.String()),
  }),
  permission: { user: 'all' },
});

export const clusterOptionsSet = defineMethod({
  id: 'cluster.options.set',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/cluster/options',
  description: 'Changes datacenter options.',
  params: Type.Object({
    ...optionFields,
    delete: Optional(Format('pve-configid-list', { description: 'Options to set back to their default.' })),
    digest: Optional(Digest()),
  }),
  returns: Null(),
  permission: { perm: '/', privs: ['Sys.Modify'] },
});

export const clusterEvents = defineMethod({
  id: 'cluster.events',
  verb: 'GET',
  path: '/cluster/events',
  description:
    'Live changes as server-sent events: resource, task, config, warning; with `task` also the log lines of that task.',
  params: Type.Object({ task: Optional(Format('pve-upid')) }),
  returns: Null(),
  permission: { user: 'all' },
  extension: true,
  transport: 'events',
});
