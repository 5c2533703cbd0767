/** Snapshots of containers. */
import { defineMethod } from '../method.ts';
import { Null, Type } from '../schema/types.ts';
import { description, guest, mayGoBack, mayRead, mayTake, one, removal, row } from './guest-snapshots.ts';

const base = '/nodes/{node}/lxc/{vmid}/snapshot';

export const lxcSnapshots = defineMethod({
  id: 'lxc.snapshot.list',
  verb: 'GET',
  path: base,
  description: 'Snapshots of the container, and its current state.',
  params: Type.Object(guest),
  returns: Type.Array(Type.Object(row)),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Audit'] },
  proxyTo: 'node',
  cli: {
    command: 'pct listsnapshot',
    args: ['vmid'],
    columns: ['name', 'parent', 'snaptime', 'description'],
  },
});

export const lxcSnapshotTake = defineMethod({
  id: 'lxc.snapshot.create',
  verb: 'POST',
  path: base,
  description:
    'Takes a snapshot of all volumes and the configuration; a running container stands still meanwhile.',
  params: Type.Object({ ...one, description }),
  returns: Type.String(),
  permission: mayTake,
  proxyTo: 'node',
  task: { type: 'vzsnapshot', id: 'vmid' },
  cli: { command: 'pct snapshot', args: ['vmid', 'snapname'] },
});

export const lxcSnapshotIndex = defineMethod({
  id: 'lxc.snapshot.index',
  verb: 'GET',
  path: `${base}/{snapname}`,
  description: 'Directory of a snapshot.',
  params: Type.Object(one),
  returns: Type.Array(Type.Object({ cmd: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const lxcSnapshotRemove = defineMethod({
  id: 'lxc.snapshot.delete',
  verb: 'DELETE',
  path: `${base}/{snapname}`,
  description: 'Removes a snapshot; the current state and the other snapshots stay.',
  params: removal,
  returns: Type.String(),
  permission: mayTake,
  proxyTo: 'node',
  task: { type: 'vzdelsnapshot', id: 'vmid' },
  cli: { command: 'pct delsnapshot', args: ['vmid', 'snapname'] },
});

export const lxcSnapshotConfig = defineMethod({
  id: 'lxc.snapshot.config.get',
  verb: 'GET',
  path: `${base}/{snapname}/config`,
  description: 'The configuration as it was in a snapshot.',
  params: Type.Object(one),
  returns: Type.Object({}, { additionalProperties: true }),
  permission: mayRead,
  proxyTo: 'node',
});

export const lxcSnapshotDescribe = defineMethod({
  id: 'lxc.snapshot.config.set',
  verb: 'PUT',
  path: `${base}/{snapname}/config`,
  description: 'Changes the notes of a snapshot.',
  params: Type.Object({ ...one, description }),
  returns: Null(),
  permission: mayTake,
  proxyTo: 'node',
  dryRun: 'documents',
});

export const lxcSnapshotRollback = defineMethod({
  id: 'lxc.snapshot.rollback',
  verb: 'POST',
  path: `${base}/{snapname}/rollback`,
  description:
    'Stops the container and brings volumes and configuration back to a snapshot. What came after it is lost.',
  params: Type.Object({
    ...one,
    start: Type.Optional(Type.Boolean({ default: false, description: 'Start the container afterwards.' })),
  }),
  returns: Type.String(),
  permission: mayGoBack,
  proxyTo: 'node',
  task: { type: 'vzrollback', id: 'vmid' },
  cli: { command: 'pct rollback', args: ['vmid', 'snapname'] },
});
