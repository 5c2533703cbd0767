/** Processors that the cluster's guests can be given: custom models, flags. */
import { defineMethod } from '../method.ts';
import { cpuFields } from '../schema/qemu-options.ts';
import { Bit, Digest, Format, Null, Type } from '../schema/types.ts';
import { flagParams, flagRows } from './node-capabilities.ts';

const Optional = Type.Optional;
const models = '/cluster/qemu/custom-cpu-models';
const { cputype: _cputype, 'reported-model': reported, ...options } = cpuFields.properties;
const cputype = Format('pve-configid', {
  maxLength: 40,
  description: "Name of the model; guests name it with 'custom-' in front, which may stand here too.",
});

const model = Type.Object({
  cputype: Type.String(),
  'reported-model': Optional(Type.String()),
  flags: Optional(Type.String()),
  hidden: Optional(Bit()),
  'hv-vendor-id': Optional(Type.String()),
  'phys-bits': Optional(Type.String()),
  'guest-phys-bits': Optional(Type.Integer()),
  level: Optional(Type.Integer()),
  digest: Optional(Type.String()),
});

export const clusterQemuIndex = defineMethod({
  id: 'cluster.qemu.index',
  verb: 'GET',
  path: '/cluster/qemu',
  description: 'What the cluster keeps for QEMU guests.',
  params: Type.Object({}),
  returns: Type.Array(Type.Object({ name: Type.String() })),
  permission: { user: 'all' },
});

export const clusterCpuFlags = defineMethod({
  id: 'cluster.qemu.cpu-flags',
  verb: 'GET',
  path: '/cluster/qemu/cpu-flags',
  description: 'Processor flags and the nodes that have them.',
  params: Type.Object(flagParams),
  returns: flagRows,
  permission: {
    or: [
      { perm: '/nodes', privs: ['Sys.Audit'] },
      { perm: '/mapping/cpu', privs: ['Mapping.Audit', 'Mapping.Use', 'Mapping.Modify'], any: true },
    ],
  },
});

export const cpuModelsList = defineMethod({
  id: 'cluster.qemu.cpu-models.list',
  verb: 'GET',
  path: models,
  description: 'Custom processor models that the caller may see or use.',
  params: Type.Object({}),
  returns: Type.Array(model),
  permission: { user: 'all' },
});

export const cpuModelsCreate = defineMethod({
  id: 'cluster.qemu.cpu-models.create',
  verb: 'POST',
  dryRun: 'documents',
  path: models,
  description: 'Makes a custom processor model.',
  params: Type.Object({
    cputype,
    ...options,
    'reported-model': Type.String({ ...reported, description: 'Model that it grows from and reports.' }),
  }),
  returns: Null(),
  permission: { perm: '/mapping/cpu', privs: ['Mapping.Modify'] },
});

const named = Type.String({ description: "The model; 'custom-' may stand in front." });

export const cpuModelsGet = defineMethod({
  id: 'cluster.qemu.cpu-models.get',
  verb: 'GET',
  path: `${models}/{cputype}`,
  description: 'One custom processor model.',
  params: Type.Object({ cputype: named }),
  returns: model,
  permission: {
    perm: '/mapping/cpu/{cputype}',
    privs: ['Mapping.Audit', 'Mapping.Use', 'Mapping.Modify'],
    any: true,
  },
});

export const cpuModelsUpdate = defineMethod({
  id: 'cluster.qemu.cpu-models.update',
  verb: 'PUT',
  dryRun: 'documents',
  path: `${models}/{cputype}`,
  description: 'Changes a custom processor model; guests have it from their next start.',
  params: Type.Object({
    cputype,
    ...options,
    'reported-model': reported,
    delete: Optional(Format('pve-configid-list', { description: 'Options to remove.' })),
    digest: Optional(Digest()),
  }),
  returns: Null(),
  permission: { perm: '/mapping/cpu/{cputype}', privs: ['Mapping.Modify'] },
});

export const cpuModelsDelete = defineMethod({
  id: 'cluster.qemu.cpu-models.delete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: `${models}/{cputype}`,
  description: 'Removes a custom processor model. Guests that name it do not start any more.',
  params: Type.Object({ cputype: named }),
  returns: Null(),
  permission: { perm: '/mapping/cpu/{cputype}', privs: ['Mapping.Modify'] },
});
