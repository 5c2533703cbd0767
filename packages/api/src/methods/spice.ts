/** SPICE: what a viewer needs to show a guest's screen. */
import { defineMethod } from '../method.ts';
import { Format, Node, Type, Vmid } from '../schema/types.ts';

export const qemuSpiceproxy = defineMethod({
  id: 'qemu.spiceproxy',
  verb: 'POST',
  path: '/nodes/{node}/qemu/{vmid}/spiceproxy',
  description:
    'Opens the screen of the guest for a SPICE viewer: the values of a .vv file, good for 30 seconds. Below ' +
    '/api2/spiceconfig the answer is that file itself.',
  params: Type.Object({
    node: Node(),
    vmid: Vmid(),
    proxy: Type.Optional(
      Format('address', { description: 'Name or address of the node as the viewer reaches it.' }),
    ),
  }),
  returns: Type.Object(
    {
      type: Type.String(),
      host: Type.String({ description: 'A ticket that the proxy knows the guest by, not a name.' }),
      proxy: Type.String({ description: 'URL of the proxy.' }),
      'tls-port': Type.Integer(),
      password: Type.String(),
    },
    { additionalProperties: true },
  ),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Console'] },
  proxyTo: 'node',
});
