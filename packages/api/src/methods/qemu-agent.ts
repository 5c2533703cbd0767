/** The guest agent of QEMU guests: its commands, programs and files in the guest. */
import { defineMethod } from '../method.ts';
import type { Privilege } from '../privileges.ts';
import { Bit, Enum, Node, Null, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;
const guest = { node: Node(), vmid: Vmid() };
const params = Type.Object(guest);
const base = '/nodes/{node}/qemu/{vmid}/agent';

/** Any of these privileges on the guest, or all of its agent. */
const may = (...privs: readonly Privilege[]) =>
  ({ perm: '/vms/{vmid}', privs: [...privs, 'VM.GuestAgent.Unrestricted'], any: true }) as const;

export const agentIndex = defineMethod({
  id: 'qemu.agent.index',
  verb: 'GET',
  path: base,
  description: 'Directory of agent operations.',
  params,
  returns: Type.Array(Type.Object({ name: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

const command = (verb: 'GET' | 'POST', name: string, description: string, privilege: Privilege) =>
  defineMethod({
    id: `qemu.agent.${name}`,
    verb,
    path: `${base}/${name}`,
    description,
    params,
    returns: Type.Object({ result: Type.Unknown() }),
    permission: may(privilege),
    proxyTo: 'node',
    cli: { command: `qm agent ${name}`, args: ['vmid'] },
  });

const ask = (verb: 'GET' | 'POST', name: string, description: string) =>
  command(verb, name, description, 'VM.GuestAgent.Audit');

/** Questions by their guest agent command (QEMU guest agent protocol reference): nothing changes in the guest. */
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
  'guest-fsfreeze-status': defineMethod({
    id: 'qemu.agent.fsfreeze-status',
    verb: 'POST',
    path: `${base}/fsfreeze-status`,
    description: 'Are the file systems of the guest frozen?',
    params,
    returns: Type.Object({ result: Type.Unknown() }),
    permission: may('VM.GuestAgent.Audit', 'VM.GuestAgent.FileSystemMgmt'),
    proxyTo: 'node',
    cli: { command: 'qm agent fsfreeze-status', args: ['vmid'] },
  }),
} as const;

const manage = (name: string, description: string) =>
  command('POST', name, description, 'VM.GuestAgent.FileSystemMgmt');
const power = (name: string, description: string) => command('POST', name, description, 'VM.PowerMgmt');

/** Commands that do something, likewise. */
export const agentActions = {
  'guest-fsfreeze-freeze': manage('fsfreeze-freeze', 'Freezes the file systems of the guest.'),
  'guest-fsfreeze-thaw': manage('fsfreeze-thaw', 'Thaws the file systems of the guest.'),
  'guest-fstrim': manage('fstrim', 'Tells the disks which blocks the file systems do not use.'),
  'guest-shutdown': power('shutdown', 'Shuts the guest down.'),
  'guest-suspend-disk': power('suspend-disk', 'Lets the guest save itself to its disk and switch off.'),
  'guest-suspend-hybrid': power('suspend-hybrid', 'Lets the guest save itself to its disk and sleep.'),
  'guest-suspend-ram': power('suspend-ram', 'Lets the guest sleep.'),
} as const;

export type AgentCommand = keyof typeof agentQuestions | keyof typeof agentActions;

export const agentCommandNames = Object.keys({ ...agentQuestions, ...agentActions }) as AgentCommand[];

const prefix = /^guest-/;

export const agentRun = defineMethod({
  id: 'qemu.agent.run',
  verb: 'POST',
  path: base,
  description: 'Runs one of the agent commands that take no parameters.',
  params: Type.Object({
    ...guest,
    command: Enum(agentCommandNames.map((name) => name.replace(prefix, '')).sort(), {
      description: 'Command of the agent, without guest- in front.',
    }),
  }),
  returns: Type.Object({ result: Type.Unknown() }),
  permission: { perm: '/vms/{vmid}', privs: ['VM.GuestAgent.Unrestricted'] },
  proxyTo: 'node',
});

export const agentExec = defineMethod({
  id: 'qemu.agent.exec',
  verb: 'POST',
  path: `${base}/exec`,
  description: 'Starts a program in the guest. Its end and its output come by exec-status.',
  params: Type.Object({
    ...guest,
    command: Type.Array(Type.String(), { description: 'Program and arguments, each by itself; no shell.' }),
    'input-data': Optional(
      Type.String({
        secret: true,
        maxLength: 65536,
        description: 'What the program reads on its standard input.',
      }),
    ),
  }),
  returns: Type.Object({ pid: Type.Integer({ description: 'Process id in the guest.' }) }),
  permission: { perm: '/vms/{vmid}', privs: ['VM.GuestAgent.Unrestricted'] },
  proxyTo: 'node',
});

export const agentExecStatus = defineMethod({
  id: 'qemu.agent.exec-status',
  verb: 'GET',
  path: `${base}/exec-status`,
  description: 'State of a program started by exec; once it has ended, only the first call sees its output.',
  params: Type.Object({ ...guest, pid: Type.Integer({ description: 'What exec answered.' }) }),
  returns: Type.Object({
    exited: Bit(),
    exitcode: Optional(Type.Integer()),
    signal: Optional(Type.Integer({ description: 'Signal that ended it; an exception code on Windows.' })),
    'out-data': Optional(Type.String({ description: 'Its standard output.' })),
    'err-data': Optional(Type.String({ description: 'Its standard error.' })),
    'out-truncated': Optional(Bit()),
    'err-truncated': Optional(Bit()),
  }),
  permission: { perm: '/vms/{vmid}', privs: ['VM.GuestAgent.Unrestricted'] },
  proxyTo: 'node',
  cli: { command: 'qm guest exec-status', args: ['vmid', 'pid'] },
});

/** Most that one call reads of a file: 16 MiB. */
export const longestFileRead = 16 * 1024 * 1024;

export const agentFileRead = defineMethod({
  id: 'qemu.agent.file-read',
  verb: 'GET',
  path: `${base}/file-read`,
  description: 'Reads a file of the guest, at most 16 MiB at once.',
  params: Type.Object({
    ...guest,
    file: Type.String({ description: 'Path in the guest.' }),
    offset: Optional(Type.Integer({ minimum: 0, default: 0, description: 'Byte to begin with.' })),
    count: Optional(
      Type.Integer({
        minimum: 1,
        maximum: longestFileRead,
        default: longestFileRead,
        description: 'Bytes to read.',
      }),
    ),
    decode: Optional(
      Type.Boolean({ default: true, description: 'The content as text; otherwise as base64.' }),
    ),
  }),
  returns: Type.Object({
    content: Type.String(),
    'bytes-read': Type.Integer(),
    truncated: Optional(Bit('The file has more behind what was read.')),
  }),
  permission: may('VM.GuestAgent.FileRead'),
  proxyTo: 'node',
});

export const agentFileWrite = defineMethod({
  id: 'qemu.agent.file-write',
  verb: 'POST',
  path: `${base}/file-write`,
  description: 'Replaces a file of the guest.',
  params: Type.Object({
    ...guest,
    file: Type.String({ description: 'Path in the guest.' }),
    content: Type.String({ secret: true, maxLength: 61440, description: 'Its new content.' }),
    encode: Optional(
      Type.Boolean({ default: true, description: 'The content is text; otherwise it is base64 already.' }),
    ),
  }),
  returns: Null(),
  permission: may('VM.GuestAgent.FileWrite'),
  proxyTo: 'node',
});

export const agentSetUserPassword = defineMethod({
  id: 'qemu.agent.set-user-password',
  verb: 'POST',
  path: `${base}/set-user-password`,
  description: 'Sets the password of a user of the guest.',
  params: Type.Object({
    ...guest,
    username: Type.String({ description: 'User in the guest.' }),
    password: Type.String({ secret: true, minLength: 5, maxLength: 1024, description: 'The new password.' }),
    crypted: Optional(Type.Boolean({ default: false, description: 'It is a hash of crypt(3) already.' })),
  }),
  returns: Type.Object({ result: Type.Unknown() }),
  permission: { perm: '/vms/{vmid}', privs: ['VM.GuestAgent.Unrestricted'] },
  proxyTo: 'node',
  cli: { command: 'qm guest passwd', args: ['vmid', 'username'] },
});
