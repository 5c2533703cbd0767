/** Containers: care of their volumes. Elsewhere these are commands of the node alone. */
import { defineMethod } from '../method.ts';
import { lxcVolumeKeys } from '../schema/lxc-config.ts';
import { Bytes, Enum, Node, Null, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;
const guest = { node: Node(), vmid: Vmid() };
const guestOnly = Type.Object(guest);
const base = '/nodes/{node}/lxc/{vmid}';
const disk = { perm: '/vms/{vmid}', privs: ['VM.Config.Disk'] } as const;
/** Whoever mounts a container on the node, or takes the lock of another's task away, is its administrator. */
const administrator = { perm: '/', privs: ['Sys.Modify'] } as const;

const work = <const T extends string>(name: string, type: T) =>
  ({
    id: `lxc.${name}`,
    verb: 'POST',
    path: `${base}/${name}`,
    returns: Type.String(),
    proxyTo: 'node',
    extension: true,
    task: { type, id: 'vmid' },
    cli: { command: `pct ${name}`, args: ['vmid'] },
  }) as const;

export const lxcRescan = defineMethod({
  id: 'lxc.rescan',
  verb: 'POST',
  path: '/nodes/{node}/lxc/rescan',
  description:
    'Looks at the storages again: sizes of volumes become right in the configurations, and volumes of a container that its configuration does not name become unused ones.',
  params: Type.Object({
    node: Node(),
    vmid: Optional(
      Type.Integer({
        minimum: 100,
        maximum: 999_999_999,
        format: 'pve-vmid',
        description: 'Only this container; all of the node when absent.',
      }),
    ),
    dryrun: Optional(Type.Boolean({ default: false, description: 'Change nothing, only say what would.' })),
  }),
  returns: Type.String(),
  // VM.Config.Disk on the container, or on /vms for all of them; the handler asks.
  permission: { user: 'all' },
  proxyTo: 'node',
  extension: true,
  task: { type: 'vzrescan', id: 'vmid' },
  cli: { command: 'pct rescan' },
});

export const lxcTrim = defineMethod({
  ...work('fstrim', 'vzfstrim'),
  description: 'Tells the storages which blocks of the volumes are free, also while the container runs.',
  params: Type.Object({
    ...guest,
    'ignore-mountpoints': Optional(
      Type.Boolean({ default: false, description: 'Only the root file system.' }),
    ),
  }),
  permission: disk,
});

export const lxcCheck = defineMethod({
  ...work('fsck', 'vzfsck'),
  description:
    'Checks the file system of a raw volume of a stopped container, and mends what can be mended without asking.',
  params: Type.Object({
    ...guest,
    device: Optional(Enum(lxcVolumeKeys, { default: 'rootfs', description: 'rootfs or mp0, mp1, …' })),
    force: Optional(Type.Boolean({ default: false, description: 'Also when it seems clean.' })),
  }),
  permission: disk,
});

export const lxcMount = defineMethod({
  ...work('mount', 'vzmount'),
  description:
    'Mounts the volumes of a stopped container on the node and locks it until they are unmounted. The task says where.',
  params: guestOnly,
  permission: administrator,
});

export const lxcUnmount = defineMethod({
  ...work('unmount', 'vzumount'),
  description: 'Unmounts what `mount` has mounted, and takes the lock away.',
  params: guestOnly,
  permission: administrator,
});

export const lxcUnlock = defineMethod({
  id: 'lxc.unlock',
  verb: 'POST',
  path: `${base}/unlock`,
  description:
    'Takes the lock from a container whose backup or snapshot is known to be dead (root@pam only).',
  params: guestOnly,
  returns: Null(),
  permission: { user: 'all' },
  proxyTo: 'node',
  extension: true,
  cli: { command: 'pct unlock', args: ['vmid'] },
});

export const lxcDiskFree = defineMethod({
  id: 'lxc.df',
  verb: 'GET',
  path: `${base}/df`,
  description: 'How full its volumes are; of a container that does not run only their sizes are known.',
  params: guestOnly,
  returns: Type.Array(
    Type.Object({
      key: Type.String({ description: 'rootfs or mp0, mp1, …' }),
      volume: Type.String(),
      mp: Type.String({ description: 'Path in the container.' }),
      size: Bytes(),
      used: Optional(Bytes()),
      available: Optional(Bytes()),
    }),
  ),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Audit'] },
  proxyTo: 'node',
  extension: true,
  cli: { command: 'pct df', args: ['vmid'], columns: ['key', 'volume', 'size', 'used', 'available', 'mp'] },
});
