/** Options of one node. */
import { defineMethod } from '../method.ts';
import { Digest, Enum, Format, Node, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;

const fields = {
  'ballooning-target': Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100,
      default: 80,
      description: "Percentage of the node's memory that automatic ballooning fills.",
    }),
  ),
  description: Optional(Type.String({ maxLength: 65536, description: 'Notes on the node.' })),
  'startall-onboot-delay': Optional(
    Type.Integer({
      minimum: 0,
      maximum: 300,
      default: 0,
      description: 'Seconds between the boot of the node and the start of its guests.',
    }),
  ),
};

export const nodeConfigGet = defineMethod({
  id: 'nodes.config.get',
  verb: 'GET',
  path: '/nodes/{node}/config',
  description: 'Options of the node.',
  params: Type.Object({
    node: Node(),
    property: Optional(
      Enum(['all', 'ballooning-target', 'description', 'startall-onboot-delay'], {
        default: 'all',
        description: 'Answer only this one.',
      }),
    ),
  }),
  returns: Type.Object({ ...fields, digest: Optional(Type.String()) }),
  permission: { perm: '/', privs: ['Sys.Audit'] },
  proxyTo: 'node',
  cli: { command: 'pvenode config get' },
});

export const nodeConfigSet = defineMethod({
  id: 'nodes.config.set',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/nodes/{node}/config',
  description: 'Changes options of the node.',
  params: Type.Object({
    node: Node(),
    ...fields,
    delete: Optional(Format('pve-configid-list', { description: 'Options to set back to their default.' })),
    digest: Optional(Digest()),
  }),
  returns: Null(),
  permission: { perm: '/', privs: ['Sys.Modify'] },
  proxyTo: 'node',
  cli: { command: 'pvenode config set' },
});
