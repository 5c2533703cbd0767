/** For tests: a small registry of its own, and a system whose output is kept in memory. */
import type { Method } from '@ryokan/api/method.ts';
import { PropertyString } from '@ryokan/api/schema/property-string.ts';
import { Bytes, Enum, Format, family, Node, Null, StorageId, Type, Vmid } from '@ryokan/api/schema/types.ts';
import { runCli } from './cli.ts';
import { buildCliManifest } from './manifest-build.ts';
import type { System } from './system.ts';
import { UnixTransport } from './transport.ts';

const Optional = Type.Optional;
const guest = { node: Node(), vmid: Vmid() };
const permission = { user: 'all' } as const;
const Nic = PropertyString(
  Type.Object({
    model: Enum(['virtio', 'e1000'], { defaultKey: true }),
    bridge: Optional(Format('pve-bridge-id')),
    firewall: Optional(Type.Boolean()),
  }),
  { description: 'A network device.' },
);

const common = { permission, proxyTo: 'node' } as const;

export const testMethods: readonly Method[] = [
  {
    ...common,
    id: 'nodes.list',
    verb: 'GET',
    path: '/nodes',
    description: 'Nodes of the cluster.',
    params: Type.Object({}),
    returns: Type.Array(Type.Object({ node: Type.String(), status: Type.String(), maxmem: Bytes() })),
  },
  {
    ...common,
    id: 'qemu.list',
    verb: 'GET',
    path: '/nodes/{node}/qemu',
    description: 'Virtual machines of the node.',
    params: Type.Object({ node: Node(), full: Optional(Type.Boolean()) }),
    returns: Type.Array(
      Type.Object({ vmid: Type.Integer(), name: Optional(Type.String()), status: Type.String() }),
    ),
    cli: { command: 'qm list', columns: ['vmid', 'name', 'status'] },
  },
  {
    ...common,
    id: 'lxc.list',
    verb: 'GET',
    path: '/nodes/{node}/lxc',
    description: 'Containers of the node.',
    params: Type.Object({ node: Node() }),
    returns: Type.Array(Type.Object({ vmid: Type.Integer() })),
    cli: { command: 'pct list' },
  },
  {
    ...common,
    id: 'qemu.snapshots',
    verb: 'GET',
    path: '/nodes/{node}/qemu/{vmid}/snapshot',
    description: 'Snapshots of a virtual machine.',
    params: Type.Object(guest),
    returns: Type.Array(Type.Object({ name: Type.String() })),
    cli: { command: 'qm listsnapshot', args: ['vmid'] },
  },
  {
    ...common,
    id: 'qemu.create',
    verb: 'POST',
    path: '/nodes/{node}/qemu',
    description: 'Creates a virtual machine.',
    params: Type.Object({
      ...guest,
      memory: Optional(Type.Integer({ minimum: 16, default: 512, description: 'Memory in MiB.' })),
      onboot: Optional(Type.Boolean({ default: false, description: 'Start it with the node.' })),
      tags: Optional(Format('pve-tag-list')),
      cipassword: Optional(Type.String()),
      sshkeys: Optional(Format('urlencoded')),
      ...family('net', 4, Nic),
    }),
    returns: Type.String(),
    task: { type: 'qmcreate', id: 'vmid' },
    cli: { command: 'qm create', args: ['vmid'] },
  },
  {
    ...common,
    id: 'qemu.config.get',
    verb: 'GET',
    path: '/nodes/{node}/qemu/{vmid}/config',
    description: 'The configuration.',
    params: Type.Object({ ...guest, current: Optional(Type.Boolean()) }),
    returns: Type.Object({ digest: Type.String() }, { additionalProperties: true }),
    cli: { command: 'qm config', args: ['vmid'] },
  },
  {
    ...common,
    id: 'qemu.config.set',
    verb: 'PUT',
    path: '/nodes/{node}/qemu/{vmid}/config',
    description: 'Changes the configuration.',
    params: Type.Object({
      ...guest,
      delete: Optional(Format('pve-configid-list')),
      description: Optional(Type.String()),
      memory: Optional(Type.Integer()),
    }),
    returns: Null(),
    cli: { command: 'qm set', args: ['vmid'] },
  },
  {
    ...common,
    id: 'qemu.start',
    verb: 'POST',
    path: '/nodes/{node}/qemu/{vmid}/status/start',
    description: 'Starts the virtual machine.',
    params: Type.Object({
      ...guest,
      timeout: Optional(Type.Integer({ minimum: 0, description: 'Seconds to wait.' })),
    }),
    returns: Type.String(),
    task: { type: 'qmstart', id: 'vmid' },
    cli: { command: 'qm start', args: ['vmid'], aliases: ['qm boot'] },
  },
  {
    ...common,
    id: 'qemu.resize',
    verb: 'PUT',
    path: '/nodes/{node}/qemu/{vmid}/resize',
    description: 'Grows a disk.',
    params: Type.Object({ ...guest, disk: Type.String(), size: Type.String() }),
    returns: Type.String(),
    task: { type: 'resize', id: 'vmid' },
    cli: { command: 'qm disk resize', args: ['vmid', 'disk', 'size'], aliases: ['qm resize'] },
  },
  {
    ...common,
    id: 'qemu.agent.exec',
    verb: 'POST',
    path: '/nodes/{node}/qemu/{vmid}/agent/exec',
    description: 'Runs a program in the guest.',
    params: Type.Object({ ...guest, command: Type.Array(Type.String()) }),
    returns: Type.Object({ pid: Type.Integer() }),
    cli: { command: 'qm guest exec', args: ['vmid', 'command'] },
  },
  {
    ...common,
    id: 'qemu.agent.ping',
    verb: 'POST',
    path: '/nodes/{node}/qemu/{vmid}/agent/ping',
    description: 'Does the agent answer?',
    params: Type.Object(guest),
    returns: Type.Object({ result: Type.Unknown() }),
    cli: { command: 'qm agent ping', args: ['vmid'] },
  },
  {
    ...common,
    id: 'qemu.agent.password',
    verb: 'POST',
    path: '/nodes/{node}/qemu/{vmid}/agent/set-user-password',
    description: 'Sets a password.',
    params: Type.Object({ ...guest, username: Type.String(), password: Type.String() }),
    returns: Type.Object({ result: Type.Unknown() }),
    cli: { command: 'qm guest passwd', args: ['vmid', 'username'] },
  },
  {
    ...common,
    id: 'storage.free',
    verb: 'DELETE',
    path: '/nodes/{node}/storage/{storage}/content/{volume}',
    description: 'Removes a volume.',
    params: Type.Object({ node: Node(), storage: Optional(StorageId()), volume: Type.String() }),
    returns: Type.Union([Type.String(), Type.Null()]),
    task: { type: 'imgdel' },
    cli: { command: 'pvesm free', args: ['volume'] },
  },
];

export const testManifest = () => buildCliManifest(testMethods, '1.2.3');

export interface RunResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface TestRun extends Partial<System> {
  /** The daemon's socket. */
  readonly socket?: string;
}

/** Runs a command line against the small registry; the node is called `pve1`. */
export async function runTest(argv: readonly string[], options: TestRun = {}): Promise<RunResult> {
  const { socket, ...overrides } = options;
  const built = testManifest();
  let out = '';
  let err = '';
  const system: System = {
    env: { LANG: 'C.UTF-8', RYOKAN_DATA: '/data' },
    manifest: () => built.manifest,
    help: () => built.help,
    loadYaml: async () => (await import('./yaml-output.ts')).toYaml,
    connect: () => new UnixTransport(socket ?? '/nonexistent/daemon.sock'),
    readText: (path) => (path === '/data/node.json' ? '{"node":"pve1"}' : undefined),
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    columns: undefined,
    askSecret: async () => 'secret',
    onInterrupt: () => () => {},
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
        if (signal?.aborted) resolve();
      }),
    ...overrides,
  };
  const code = await runCli(argv, system);
  return { code, out, err };
}
