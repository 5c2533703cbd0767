/** Clones, templates and moving disks: what the operations of every kind of guest take. */
import { Digest, Format, Node, StorageId, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;

export const guest = { node: Node(), vmid: Vmid() };

const limit = {
  minimum: 0,
  description: "Limit in KiB/s, 0 for none; without it the storages' own limits hold.",
};
const bwlimit = Optional(Type.Integer(limit));
/** For containers the public API takes fractions. */
export const containerLimit = Optional(Type.Number(limit));
export const snapname = (description: string) =>
  Optional(Format('pve-configid', { maxLength: 40, description }));

export const otherVmid = (description: string) =>
  Type.Integer({ minimum: 100, maximum: 999_999_999, format: 'pve-vmid', description });

export const cloneParams = {
  ...guest,
  newid: otherVmid('VMID of the clone.'),
  description: Optional(Type.String({ description: 'Notes; those of the original when absent.' })),
  full: Optional(
    Type.Boolean({ description: 'Copy all disks. The default, except for templates: these are linked.' }),
  ),
  storage: Optional(StorageId('Storage of the new disks (full clones); each where it was when absent.')),
  snapname: snapname('Clone the state of this snapshot.'),
  pool: Optional(Format('pve-poolid', { description: 'Put the clone into this pool.' })),
  target: Optional(Format('pve-node', { description: 'Node of the clone; this one when absent.' })),
  bwlimit,
};

export const mayClone = {
  and: [
    { perm: '/vms/{vmid}', privs: ['VM.Clone'] },
    {
      or: [
        { perm: '/vms/{newid}', privs: ['VM.Allocate'] },
        { perm: '/pool/{pool}', privs: ['VM.Allocate'], ifParam: 'pool' },
      ],
    },
  ],
} as const;

export const moveParams = {
  storage: Optional(StorageId('Storage to move to.')),
  delete: Optional(
    Type.Boolean({
      default: false,
      description: 'Remove the old volume when the copy is done; else it stays as unused disk.',
    }),
  ),
  digest: Optional(Digest()),
  bwlimit,
  'target-vmid': Optional(otherVmid('Give the disk to this guest, of the same kind.')),
  'target-digest': Optional(
    Type.String({
      maxLength: 64,
      description: 'Refuse when the configuration of the other guest has another digest.',
    }),
  ),
};
