/** Consoles of containers: for terminals in a browser, and drawn as a picture for clients that speak VNC. */
import { defineMethod } from '../method.ts';
import { ConsoleAccess } from '../schema/resource.ts';
import { Node, Null, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;
const base = '/nodes/{node}/lxc/{vmid}';
const guest = { node: Node(), vmid: Vmid() };
const permission = { perm: '/vms/{vmid}', privs: ['VM.Console'] } as const;

export const lxcTermproxy = defineMethod({
  id: 'lxc.termproxy',
  verb: 'POST',
  path: `${base}/termproxy`,
  description: 'Opens a console of the container for a terminal in the browser.',
  params: Type.Object(guest),
  returns: ConsoleAccess,
  permission,
  proxyTo: 'node',
});

export const lxcVncproxy = defineMethod({
  id: 'lxc.vncproxy',
  verb: 'POST',
  path: `${base}/vncproxy`,
  description:
    'Opens a console of the container for a VNC client, as a picture of a terminal. Its password is the ticket; clients ' +
    'that can change the size of the screen may do so.',
  params: Type.Object({
    ...guest,
    websocket: Optional(
      Type.Boolean({ description: 'Always true here: VNC goes through the WebSocket only.' }),
    ),
    width: Optional(
      Type.Integer({ minimum: 16, maximum: 4096, default: 800, description: 'Of the screen, pixels.' }),
    ),
    height: Optional(
      Type.Integer({ minimum: 16, maximum: 2160, default: 480, description: 'Of the screen, pixels.' }),
    ),
  }),
  returns: ConsoleAccess,
  permission,
  proxyTo: 'node',
});

export const lxcVncwebsocket = defineMethod({
  id: 'lxc.vncwebsocket',
  verb: 'GET',
  path: `${base}/vncwebsocket`,
  description: 'The WebSocket of a console.',
  params: Type.Object({
    ...guest,
    port: Type.Integer({ minimum: 5900, maximum: 5999 }),
    vncticket: Type.String({ secret: true, maxLength: 512 }),
  }),
  returns: Null(),
  permission,
  proxyTo: 'node',
  transport: 'websocket',
});
