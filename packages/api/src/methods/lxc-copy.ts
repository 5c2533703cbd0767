/** Containers: clones, templates, volumes that move to another storage or container. */
import { defineMethod } from '../method.ts';
import { lxcUnusedKeys, lxcVolumeKeys } from '../schema/lxc-config.ts';
import { Enum, Format, Null, Type } from '../schema/types.ts';
import { cloneParams, containerLimit, guest, mayClone, moveParams } from './guest-copies.ts';

const base = '/nodes/{node}/lxc/{vmid}';

export const lxcClone = defineMethod({
  id: 'lxc.clone',
  assigns: 'newid',
  verb: 'POST',
  path: `${base}/clone`,
  description:
    'Makes a copy of a container or template: a linked one, which shares what it has with the volumes of the template, or a full one.',
  params: Type.Object({
    ...cloneParams,
    bwlimit: containerLimit,
    hostname: Type.Optional(
      Format('dns-name', { description: 'Host name of the clone; Copy-of-CT-… when absent.' }),
    ),
  }),
  returns: Type.String(),
  permission: mayClone,
  proxyTo: 'node',
  task: { type: 'vzclone', id: 'vmid' },
  cli: { command: 'pct clone', args: ['vmid', 'newid'] },
});

export const lxcTemplate = defineMethod({
  id: 'lxc.template',
  verb: 'POST',
  path: `${base}/template`,
  description:
    'Turns a stopped container into a template: clones are made of it, it does not start any more.',
  params: Type.Object(guest),
  returns: Null(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Allocate'] },
  proxyTo: 'node',
  dryRun: 'documents',
  cli: { command: 'pct template', args: ['vmid'] },
});

export const lxcMoveVolume = defineMethod({
  id: 'lxc.move-volume',
  verb: 'POST',
  path: `${base}/move_volume`,
  description: 'Moves a volume of a stopped container to another storage; or gives it to another container.',
  params: Type.Object({
    ...guest,
    volume: Enum([...lxcVolumeKeys, ...lxcUnusedKeys], { description: 'The volume that moves.' }),
    ...moveParams,
    bwlimit: containerLimit,
    'target-volume': Type.Optional(
      Enum([...lxcVolumeKeys, ...lxcUnusedKeys], {
        description: 'What the volume becomes there; the same as here when absent.',
      }),
    ),
  }),
  returns: Type.String(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Config.Disk'] },
  proxyTo: 'node',
  task: { type: 'move_volume', id: 'vmid' },
  cli: {
    command: 'pct move-volume',
    args: ['vmid', 'volume', 'storage', 'target-vmid', 'target-volume'],
    aliases: ['pct move_volume'],
  },
});
