/** What a node can offer to guests: processors, machine types, and what it can take along in a migration. */
import { defineMethod } from '../method.ts';
import { Bit, Enum, Node, Type } from '../schema/types.ts';

const Optional = Type.Optional;

const arch = Optional(
  Enum(['x86_64', 'aarch64'], { description: 'Processor architecture; guests here have x86_64.' }),
);

export const flagParams = {
  accel: Optional(Enum(['kvm', 'tcg'], { default: 'kvm', description: 'Virtualised or emulated.' })),
  arch,
};
export const flagRows = Type.Array(
  Type.Object({
    name: Type.String(),
    description: Optional(Type.String()),
    'supported-on': Optional(Type.Array(Type.String(), { description: 'Nodes that have it.' })),
  }),
);

export const capabilitiesIndex = defineMethod({
  id: 'nodes.capabilities.index',
  verb: 'GET',
  path: '/nodes/{node}/capabilities',
  description: 'Directory of what the node can offer to guests.',
  params: Type.Object({ node: Node() }),
  returns: Type.Array(Type.Object({ name: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const capabilitiesQemuIndex = defineMethod({
  id: 'nodes.capabilities.qemu.index',
  verb: 'GET',
  path: '/nodes/{node}/capabilities/qemu',
  description: 'Directory of what QEMU on this node can offer.',
  params: Type.Object({ node: Node() }),
  returns: Type.Array(Type.Object({ name: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const capabilitiesCpu = defineMethod({
  id: 'nodes.capabilities.qemu.cpu',
  verb: 'GET',
  path: '/nodes/{node}/capabilities/qemu/cpu',
  description: 'CPU models for guests, also the custom ones that the caller may see or use.',
  params: Type.Object({ node: Node(), arch }),
  returns: Type.Array(
    Type.Object({
      name: Type.String({ description: 'As guests name it; custom ones begin with custom-.' }),
      vendor: Type.String(),
      custom: Bit(),
    }),
  ),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const capabilitiesMachines = defineMethod({
  id: 'nodes.capabilities.qemu.machines',
  verb: 'GET',
  path: '/nodes/{node}/capabilities/qemu/machines',
  description: 'Machine types of QEMU on this node.',
  params: Type.Object({ node: Node(), arch }),
  returns: Type.Array(
    Type.Object({ id: Type.String(), type: Enum(['q35', 'i440fx']), version: Type.String() }),
  ),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const nodeCpuFlags = defineMethod({
  id: 'nodes.capabilities.qemu.cpu-flags',
  verb: 'GET',
  path: '/nodes/{node}/capabilities/qemu/cpu-flags',
  description: 'Flags that make sense for a single guest.',
  params: Type.Object({ node: Node(), ...flagParams }),
  returns: flagRows,
  permission: { user: 'all' },
});

export const nodeMigrationCapabilities = defineMethod({
  id: 'nodes.capabilities.qemu.migration',
  verb: 'GET',
  path: '/nodes/{node}/capabilities/qemu/migration',
  description: 'What the node can take along when a guest moves.',
  params: Type.Object({ node: Node() }),
  returns: Type.Object({ 'has-dbus-vmstate': Bit('State beside the guest, such as tracked connections.') }),
  permission: { perm: '/nodes/{node}', privs: ['Sys.Audit'] },
  proxyTo: 'node',
});
