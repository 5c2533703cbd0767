/** Pools: guests and storages under one name, so that rights can be given on all of them at once. */
import { defineMethod } from '../method.ts';
import { Enum, Format, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;

const poolId = () =>
  Format('pve-poolid', { description: 'The pool; `a/b` is a pool inside of `a`, three levels at most.' });
const comment = () => Optional(Type.String({ description: 'What it is for.' }));
const memberType = { enum: ['qemu', 'lxc', 'storage'] as const, description: 'Only members of this type.' };

/** A guest has `vmid`, a storage `storage`; the other fields are those of /cluster/resources. */
const Members = Type.Array(
  Type.Object(
    {
      id: Type.String(),
      node: Type.String(),
      type: Enum(['qemu', 'lxc', 'openvz', 'storage']),
      vmid: Optional(Type.Integer()),
      storage: Optional(Type.String()),
    },
    { additionalProperties: true },
  ),
);

const changes = {
  comment: comment(),
  vms: Optional(Format('pve-vmid-list', { description: 'Guests to add.' })),
  storage: Optional(Format('pve-storage-id-list', { description: 'Storages to add.' })),
  delete: Optional(
    Type.Boolean({ default: false, description: 'Take the given guests and storages out instead.' }),
  ),
  'allow-move': Optional(
    Type.Boolean({
      default: false,
      description: 'A guest that is in another pool leaves that one; needs Pool.Allocate on it.',
    }),
  ),
};

const allocates = { perm: '/pool/{poolid}', privs: ['Pool.Allocate'] } as const;

export const poolList = defineMethod({
  id: 'pools.list',
  verb: 'GET',
  path: '/pools',
  description: 'Pools that the caller may see; with poolid this one with its members.',
  params: Type.Object({
    poolid: Optional(poolId()),
    type: Optional(Enum(memberType.enum, { requires: 'poolid', description: memberType.description })),
  }),
  returns: Type.Array(
    Type.Object({ poolid: Type.String(), comment: Optional(Type.String()), members: Optional(Members) }),
  ),
  permission: { user: 'all' },
  cli: { command: 'pveum pool list', columns: ['poolid', 'comment'] },
});

export const poolCreate = defineMethod({
  id: 'pools.create',
  verb: 'POST',
  dryRun: 'documents',
  path: '/pools',
  description: 'Add a pool. The pool around a nested one must be there.',
  params: Type.Object({ poolid: poolId(), comment: comment() }),
  returns: Null(),
  permission: allocates,
  cli: { command: 'pveum pool add', args: ['poolid'] },
});

export const poolUpdate = defineMethod({
  id: 'pools.update',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/pools',
  description:
    'Change the comment of a pool, and which guests and storages are in it. Needs the right to give out rights on each of them.',
  params: Type.Object({ poolid: poolId(), ...changes }),
  returns: Null(),
  permission: allocates,
  cli: { command: 'pveum pool modify', args: ['poolid'] },
});

export const poolDelete = defineMethod({
  id: 'pools.delete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/pools',
  description: 'Remove an empty pool with its access rules.',
  params: Type.Object({ poolid: poolId() }),
  returns: Null(),
  permission: allocates,
  cli: { command: 'pveum pool delete', args: ['poolid'] },
});

export const poolRead = defineMethod({
  id: 'pools.read',
  verb: 'GET',
  path: '/pools/{poolid}',
  description: 'One pool with its members. Nested pools: GET /pools with poolid.',
  params: Type.Object({
    poolid: poolId(),
    type: Optional(Enum(memberType.enum, { description: memberType.description })),
  }),
  returns: Type.Object({ comment: Optional(Type.String()), members: Members }),
  permission: { perm: '/pool/{poolid}', privs: ['Pool.Audit'] },
});

export const poolUpdateByPath = defineMethod({
  id: 'pools.updateByPath',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/pools/{poolid}',
  description: 'As PUT /pools, for pools that are in no other.',
  params: Type.Object({ poolid: poolId(), ...changes }),
  returns: Null(),
  permission: allocates,
});

export const poolDeleteByPath = defineMethod({
  id: 'pools.deleteByPath',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/pools/{poolid}',
  description: 'As DELETE /pools, for pools that are in no other.',
  params: Type.Object({ poolid: poolId() }),
  returns: Null(),
  permission: allocates,
});
