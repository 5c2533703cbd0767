/** The guest agent of QEMU guests: questions without arguments, one method each. */
import { defineMethod } from '../method.ts';
import { Node, Subdirs, Type, Vmid } from '../schema/types.ts';

const params = Type.Object({ node: Node(), vmid: Vmid() });
const base = '/nodes/{node}/qemu/{vmid}/agent';

export const agentIndex = defineMethod({
  id: 'qemu.agent.index',
  verb: 'GET',
  path: base,
  description: 'Directory of agent operations.',
  params,
  returns: Subdirs(),
  permission: { user: 'all' },
  proxyTo: 'node',
});

const ask = (verb: 'GET' | 'POST', command: string, description: string) =>
  defineMethod({
    id: `qemu.agent.${command}`,
    verb,
    path: `${base}/${command}`,
    description,
    params,
    returns: Type.Object({ result: Type.Unknown() }),
    permission: {
      perm: '/vms/{vmid}',
      privs: ['VM.GuestAgent.Audit', 'VM.GuestAgent.Unrestricted'],
      any: true,
    },
    proxyTo: 'node',
    cli: { command: `qm agent ${command}`, args: ['vmid'] },
  });

/** Method by its guest agent command (QEMU guest agent protocol reference). */
export const agentQuestions = {
  'guest-ping': ask('POST', 'ping', 'Does the agent answer?'),
  'guest-info': ask('GET', 'info', 'Version and commands of the agent.'),
  'guest-get-osinfo': ask('GET', 'get-osinfo', 'Operating system of the guest.'),
  'guest-get-host-name': ask('GET', 'get-host-name', 'Host name of the guest.'),
  'guest-get-time': ask('GET', 'get-time', 'Clock of the guest.'),
  'guest-get-timezone': ask('GET', 'get-timezone', 'Time zone of the guest.'),
  'guest-get-users': ask('GET', 'get-users', 'Users logged in on the guest.'),
  'guest-get-vcpus': ask('GET', 'get-vcpus', 'CPUs as the guest sees them.'),
  'guest-get-fsinfo': ask('GET', 'get-fsinfo', 'File systems of the guest.'),
  'guest-get-memory-blocks': ask('GET', 'get-memory-blocks', 'Memory blocks of the guest.'),
  'guest-get-memory-block-info': ask('GET', 'get-memory-block-info', 'Size of the memory blocks.'),
  'guest-network-get-interfaces': ask(
    'GET',
    'network-get-interfaces',
    'Network interfaces and addresses of the guest.',
  ),
} as const;
