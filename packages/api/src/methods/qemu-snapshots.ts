/** Snapshots of QEMU guests. */
import { defineMethod } from '../method.ts';
import { Bit, Null, Type } from '../schema/types.ts';
import { description, guest, mayGoBack, mayRead, mayTake, one, removal, row } from './guest-snapshots.ts';

const Optional = Type.Optional;
const base = '/nodes/{node}/qemu/{vmid}/snapshot';

export const qemuSnapshots = defineMethod({
  id: 'qemu.snapshot.list',
  verb: 'GET',
  path: base,
  description: 'Snapshots of the virtual machine, and its current state.',
  params: Type.Object(guest),
  returns: Type.Array(Type.Object({ ...row, vmstate: Optional(Bit('With its memory.')) })),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Audit'] },
  proxyTo: 'node',
  cli: {
    command: 'qm listsnapshot',
    args: ['vmid'],
    columns: ['name', 'parent', 'snaptime', 'vmstate', 'description'],
  },
});

export const qemuSnapshotTake = defineMethod({
  id: 'qemu.snapshot.create',
  verb: 'POST',
  path: base,
  description: 'Takes a snapshot of all disks and the configuration.',
  params: Type.Object({
    ...one,
    description,
    vmstate: Optional(Type.Boolean({ description: 'Save the memory of a running guest too.' })),
  }),
  returns: Type.String(),
  permission: mayTake,
  proxyTo: 'node',
  task: { type: 'qmsnapshot', id: 'vmid' },
  cli: { command: 'qm snapshot', args: ['vmid', 'snapname'] },
});

export const qemuSnapshotIndex = defineMethod({
  id: 'qemu.snapshot.index',
  verb: 'GET',
  path: `${base}/{snapname}`,
  description: 'Directory of a snapshot.',
  params: Type.Object(one),
  returns: Type.Array(Type.Object({ cmd: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const qemuSnapshotRemove = defineMethod({
  id: 'qemu.snapshot.delete',
  verb: 'DELETE',
  path: `${base}/{snapname}`,
  description: 'Removes a snapshot; the current state and the other snapshots stay.',
  params: removal,
  returns: Type.String(),
  permission: mayTake,
  proxyTo: 'node',
  task: { type: 'qmdelsnapshot', id: 'vmid' },
  cli: { command: 'qm delsnapshot', args: ['vmid', 'snapname'] },
});

export const qemuSnapshotConfig = defineMethod({
  id: 'qemu.snapshot.config.get',
  verb: 'GET',
  path: `${base}/{snapname}/config`,
  description: 'The configuration as it was in a snapshot.',
  params: Type.Object(one),
  returns: Type.Object({}, { additionalProperties: true }),
  permission: mayRead,
  proxyTo: 'node',
});

export const qemuSnapshotDescribe = defineMethod({
  id: 'qemu.snapshot.config.set',
  verb: 'PUT',
  dryRun: 'documents',
  path: `${base}/{snapname}/config`,
  description: 'Changes the notes of a snapshot.',
  params: Type.Object({ ...one, description }),
  returns: Null(),
  permission: mayTake,
  proxyTo: 'node',
});

export const qemuSnapshotRollback = defineMethod({
  id: 'qemu.snapshot.rollback',
  verb: 'POST',
  path: `${base}/{snapname}/rollback`,
  description: 'Brings disks and configuration back to a snapshot. What came after it is lost.',
  params: Type.Object({
    ...one,
    start: Optional(
      Type.Boolean({
        default: false,
        description: 'Start the virtual machine afterwards; one whose memory comes back always goes on.',
      }),
    ),
  }),
  returns: Type.String(),
  permission: mayGoBack,
  proxyTo: 'node',
  task: { type: 'qmrollback', id: 'vmid' },
  cli: { command: 'qm rollback', args: ['vmid', 'snapname'] },
});
