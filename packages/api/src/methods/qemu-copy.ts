/** QEMU guests: clones, templates, disks that move to another storage, format or guest. */
import { defineMethod } from '../method.ts';
import { qemuUnusedKeys, qemuVolumeKeys } from '../schema/qemu-config.ts';
import { Bit, Enum, Format, Node, Type } from '../schema/types.ts';
import { cloneParams, guest, mayClone, moveParams, otherVmid, snapname } from './guest-copies.ts';

const Optional = Type.Optional;
const base = '/nodes/{node}/qemu/{vmid}';

const format = Optional(
  Enum(['raw', 'qcow2', 'vmdk'], {
    description: 'Format of the new volumes, as far as the storage holds it; else as before.',
  }),
);

export const qemuClone = defineMethod({
  id: 'qemu.clone',
  assigns: 'newid',
  verb: 'POST',
  path: `${base}/clone`,
  description:
    'Makes a copy of a virtual machine or template: a linked one, which rests on the disks of the template, or a full one.',
  params: Type.Object({
    ...cloneParams,
    name: Optional(Format('dns-name', { description: 'Name of the clone; Copy-of-VM-… when absent.' })),
    format,
  }),
  returns: Type.String(),
  permission: mayClone,
  proxyTo: 'node',
  task: { type: 'qmclone', id: 'vmid' },
  cli: { command: 'qm clone', args: ['vmid', 'newid'] },
});

export const qemuTemplate = defineMethod({
  id: 'qemu.template',
  verb: 'POST',
  path: `${base}/template`,
  description: 'Turns a stopped virtual machine into a template: its disks become the base of linked clones.',
  params: Type.Object({
    ...guest,
    disk: Optional(Enum(qemuVolumeKeys, { description: 'Turn only this disk into a base.' })),
  }),
  returns: Type.String(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Allocate'] },
  proxyTo: 'node',
  task: { type: 'qmtemplate', id: 'vmid' },
  cli: { command: 'qm template', args: ['vmid'] },
});

export const qemuMoveDisk = defineMethod({
  id: 'qemu.move-disk',
  verb: 'POST',
  path: `${base}/move_disk`,
  description:
    'Moves a disk to another storage or format, also while the guest runs; or gives it to another virtual machine.',
  params: Type.Object({
    ...guest,
    disk: Enum([...qemuVolumeKeys, ...qemuUnusedKeys], { description: 'The disk that moves.' }),
    format,
    ...moveParams,
    'target-disk': Optional(
      Enum([...qemuVolumeKeys, ...qemuUnusedKeys], {
        description: 'What the disk becomes there; the same as here when absent.',
      }),
    ),
  }),
  returns: Type.String(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Config.Disk'] },
  proxyTo: 'node',
  task: { type: 'qmmove', id: 'vmid' },
  cli: {
    command: 'qm disk move',
    args: ['vmid', 'disk', 'storage'],
    aliases: ['qm move_disk', 'qm move-disk'],
  },
});

export const qemuFeature = defineMethod({
  id: 'qemu.feature',
  verb: 'GET',
  path: `${base}/feature`,
  description: 'Whether the disks of a virtual machine allow snapshots, linked clones or full copies.',
  params: Type.Object({
    ...guest,
    feature: Enum(['snapshot', 'clone', 'copy'], {
      description: 'clone: linked clones; copy: full clones.',
    }),
    snapname: snapname('Ask for the state of this snapshot.'),
  }),
  returns: Type.Object({ hasFeature: Bit(), nodes: Type.Array(Type.String()) }),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Audit'] },
  proxyTo: 'node',
});

export const qemuRescan = defineMethod({
  id: 'qemu.rescan',
  verb: 'POST',
  path: '/nodes/{node}/qemu/rescan',
  description:
    'Looks at the storages again: sizes of disks become right in the configurations, and volumes of a virtual machine that its configuration does not name become unused disks.',
  params: Type.Object({
    node: Node(),
    vmid: Optional(otherVmid('Only this virtual machine; all of the node when absent.')),
    dryrun: Optional(Type.Boolean({ default: false, description: 'Change nothing, only say what would.' })),
  }),
  returns: Type.String(),
  // VM.Config.Disk on the machine, or on /vms for all of them; the handler asks.
  permission: { user: 'all' },
  proxyTo: 'node',
  extension: true,
  task: { type: 'qmrescan', id: 'vmid' },
  cli: { command: 'qm disk rescan', aliases: ['qm rescan'] },
});
