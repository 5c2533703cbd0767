/** For guests whose configuration document is damaged. */
import { defineMethod } from '../method.ts';
import { Digest, Node, Null, Type, Vmid } from '../schema/types.ts';

const guest = { node: Node(), vmid: Vmid() };
const permission = { perm: '/', privs: ['Sys.Modify'] } as const;

function documentMethods(kind: 'qemu' | 'lxc') {
  const path = `/nodes/{node}/${kind}/{vmid}/document`;
  const read = defineMethod({
    id: `${kind}.document`,
    verb: 'GET',
    path,
    description:
      'The text of the configuration document, also of a damaged one, and the lines that cannot be read.',
    params: Type.Object(guest),
    returns: Type.Object({
      text: Type.String(),
      digest: Type.String(),
      problems: Type.Array(Type.Object({ line: Type.Integer(), problem: Type.String() })),
    }),
    permission,
    proxyTo: 'node',
    extension: true,
  });
  const repair = defineMethod({
    id: `${kind}.document.repair`,
    verb: 'PUT',
    dryRun: 'documents',
    path,
    description: 'Replaces a damaged configuration document. One that can be read is changed by its options.',
    params: Type.Object({
      ...guest,
      text: Type.String({ maxLength: 1024 * 1024, description: 'The whole document, without damage.' }),
      digest: Type.Optional(Digest()),
    }),
    returns: Null(),
    permission,
    proxyTo: 'node',
    extension: true,
  });
  return { read, repair };
}

export const qemuDocument = documentMethods('qemu');
export const lxcDocument = documentMethods('lxc');
