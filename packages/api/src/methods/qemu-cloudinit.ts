/** Cloud-init of QEMU guests, and the snippets that can take the place of its generated files. */
import { defineMethod } from '../method.ts';
import { Enum, Node, Null, StorageId, Type, Vmid } from '../schema/types.ts';

const Optional = Type.Optional;
const guest = { node: Node(), vmid: Vmid() };
const base = '/nodes/{node}/qemu/{vmid}/cloudinit';
const audit = { perm: '/vms/{vmid}', privs: ['VM.Audit'] } as const;

export const cloudInitPending = defineMethod({
  id: 'qemu.cloudinit.pending',
  verb: 'GET',
  path: base,
  description: 'Each cloud-init option as the image has it, and as the next image will have it.',
  params: Type.Object(guest),
  returns: Type.Array(
    Type.Object({
      key: Type.String(),
      value: Optional(Type.String()),
      pending: Optional(Type.String()),
      delete: Optional(Type.Integer({ minimum: 0, maximum: 1 })),
    }),
  ),
  permission: audit,
  proxyTo: 'node',
  cli: { command: 'qm cloudinit pending', args: ['vmid'], columns: ['key', 'value', 'pending', 'delete'] },
});

export const cloudInitUpdate = defineMethod({
  id: 'qemu.cloudinit.update',
  verb: 'PUT',
  path: base,
  description: 'Makes the cloud-init image anew; a running guest sees another disc.',
  params: Type.Object(guest),
  returns: Null(),
  permission: { perm: '/vms/{vmid}', privs: ['VM.Config.Cloudinit'] },
  proxyTo: 'node',
  cli: { command: 'qm cloudinit update', args: ['vmid'] },
});

export const cloudInitDump = defineMethod({
  id: 'qemu.cloudinit.dump',
  verb: 'GET',
  path: `${base}/dump`,
  description: 'A generated cloud-init file; without VM.Config.Cloudinit the password is hidden.',
  params: Type.Object({ ...guest, type: Enum(['user', 'network', 'meta'], { description: 'Which file.' }) }),
  returns: Type.String(),
  permission: audit,
  proxyTo: 'node',
  cli: { command: 'qm cloudinit dump', args: ['vmid', 'type'] },
});

/** Most bytes of a snippet that is written by API: URL-encoded it still fits into a request. */
export const longestSnippet = 128 * 1024;

const snippet = {
  node: Node(),
  storage: StorageId(),
  name: Type.String({ maxLength: 255, description: 'File name: web.yaml.' }),
};
const snippetPath = '/nodes/{node}/storage/{storage}/snippets/{name}';

export const snippetRead = defineMethod({
  id: 'storage.snippet.read',
  verb: 'GET',
  path: snippetPath,
  description: 'The text of a snippet.',
  params: Type.Object(snippet),
  returns: Type.Object({
    content: Type.String(),
    digest: Type.String({ description: 'SHA-1 of the text.' }),
  }),
  permission: {
    perm: '/storage/{storage}',
    privs: ['Datastore.Allocate', 'Datastore.AllocateTemplate'],
    any: true,
  },
  proxyTo: 'node',
  extension: true,
});

export const snippetWrite = defineMethod({
  id: 'storage.snippet.write',
  verb: 'PUT',
  path: snippetPath,
  description: 'Makes a snippet, or replaces its text. The hook script of a guest is written by root alone.',
  params: Type.Object({
    ...snippet,
    content: Type.String({ maxLength: longestSnippet, description: 'The text, at most 128 KiB.' }),
    digest: Optional(
      Type.String({
        maxLength: 40,
        description:
          'Refuse the change when the text has another digest (SHA-1) by now; empty: when there is one.',
      }),
    ),
  }),
  returns: Type.Object({ volid: Type.String(), digest: Type.String() }),
  permission: {
    perm: '/storage/{storage}',
    privs: ['Datastore.AllocateTemplate', 'Datastore.AllocateSpace'],
  },
  proxyTo: 'node',
  extension: true,
});
