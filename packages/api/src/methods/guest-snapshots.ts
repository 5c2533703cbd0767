/** Snapshots: what the operations of every kind of guest take and give. */
import { Bit, Format, Node, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;

export const guest = { node: Node(), vmid: Vmid() };
const snapname = Format('pve-configid', { maxLength: 40, description: 'Name of the snapshot.' });
export const one = { ...guest, snapname };
export const description = Optional(Type.String({ description: 'Notes.' }));

export const row = {
  name: Type.String(),
  description: Type.String(),
  parent: Optional(Type.String()),
  snaptime: Optional(Type.Integer({ description: 'Seconds since the epoch.' })),
  snapstate: Optional(Type.String()),
  running: Optional(Bit()),
  digest: Optional(Type.String()),
};

export const removal = Type.Object({
  ...one,
  force: Optional(
    Type.Boolean({ description: 'Remove it from the configuration even if the disks keep theirs.' }),
  ),
});

export const mayTake = { perm: '/vms/{vmid}', privs: ['VM.Snapshot'] } as const;
export const mayRead = {
  perm: '/vms/{vmid}',
  privs: ['VM.Snapshot', 'VM.Snapshot.Rollback', 'VM.Audit'],
  any: true,
} as const;
export const mayGoBack = {
  perm: '/vms/{vmid}',
  privs: ['VM.Snapshot', 'VM.Snapshot.Rollback'],
  any: true,
} as const;
