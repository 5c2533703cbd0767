/** Measurements over time: as rows for programs that draw them, and as pictures for those that do not. */
import { defineMethod } from '../method.ts';
import { Enum, Format, Node, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;
const guest = { node: Node(), vmid: Vmid() };
const guestAudit = { perm: '/vms/{vmid}', privs: ['VM.Audit'] } as const;
const nodeAudit = { perm: '/nodes/{node}', privs: ['Sys.Audit'] } as const;
const cf = Optional(
  Enum(['AVERAGE', 'MAX'], {
    description: 'What a point tells of the time for which it stands; AVERAGE without it.',
  }),
);
const guestFrame = { timeframe: Enum(['hour', 'day', 'week', 'month', 'year']), cf };
const nodeFrame = { timeframe: Enum(['hour', 'day', 'week', 'month', 'year', 'decade']), cf };
const ds = Format('pve-configid-list', { description: 'What to draw, such as cpu or netin,netout.' });

const Points = () =>
  Type.Array(Type.Record(Type.String(), Type.Number()), {
    description: 'Oldest first; time in seconds since 1970.',
  });
const Picture = () =>
  Type.Object({
    filename: Type.String({ description: 'On the node. Under /api2/png the answer is the picture.' }),
  });

export const qemuRrddata = defineMethod({
  id: 'qemu.rrddata',
  verb: 'GET',
  path: '/nodes/{node}/qemu/{vmid}/rrddata',
  description: 'Measurements of the virtual machine over time.',
  params: Type.Object({ ...guest, ...guestFrame }),
  returns: Points(),
  permission: guestAudit,
  proxyTo: 'node',
});

export const qemuRrd = defineMethod({
  id: 'qemu.rrd',
  verb: 'GET',
  path: '/nodes/{node}/qemu/{vmid}/rrd',
  description: 'Draws measurements of the virtual machine as a PNG.',
  params: Type.Object({ ...guest, ...guestFrame, ds }),
  returns: Picture(),
  permission: guestAudit,
  proxyTo: 'node',
});

export const lxcRrddata = defineMethod({
  id: 'lxc.rrddata',
  verb: 'GET',
  path: '/nodes/{node}/lxc/{vmid}/rrddata',
  description: 'Measurements of the container over time.',
  params: Type.Object({ ...guest, ...guestFrame }),
  returns: Points(),
  permission: guestAudit,
  proxyTo: 'node',
});

export const lxcRrd = defineMethod({
  id: 'lxc.rrd',
  verb: 'GET',
  path: '/nodes/{node}/lxc/{vmid}/rrd',
  description: 'Draws measurements of the container as a PNG.',
  params: Type.Object({ ...guest, ...guestFrame, ds }),
  returns: Picture(),
  permission: guestAudit,
  proxyTo: 'node',
});

export const nodeRrddata = defineMethod({
  id: 'nodes.rrddata',
  verb: 'GET',
  path: '/nodes/{node}/rrddata',
  description: 'Measurements of the node over time.',
  params: Type.Object({ node: Node(), ...nodeFrame }),
  returns: Points(),
  permission: nodeAudit,
  proxyTo: 'node',
});

export const nodeRrd = defineMethod({
  id: 'nodes.rrd',
  verb: 'GET',
  path: '/nodes/{node}/rrd',
  description: 'Draws measurements of the node as a PNG.',
  params: Type.Object({ node: Node(), ...nodeFrame, ds }),
  returns: Picture(),
  permission: nodeAudit,
  proxyTo: 'node',
});
