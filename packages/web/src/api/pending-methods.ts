/**
 * Records of operations of the public API that the API package does not have yet, in its form. Each goes as soon as the
 * package has its own; nothing here is entered into the registry.
 */
import type { Method } from '@ryokan/api/method.ts';
import { Node, Null, StorageId, type TObject, type TSchema, Type, Vmid } from '@ryokan/api/schema/types.ts';

const Optional = Type.Optional;
const guest = { node: Node(), vmid: Vmid() };
const base = '/nodes/{node}/qemu/{vmid}';
const flag = Optional(Type.Boolean());
const text = Optional(Type.String());

function record<P extends TObject, R extends TSchema>(
  method: Pick<Method<P, R>, 'id' | 'verb' | 'path' | 'params' | 'returns'>,
): Method<P, R> {
  return { description: '', permission: { user: 'all' }, ...method };
}

const snapshot = { ...guest, snapname: Type.String() };

export const qemuSnapshotList = record({
  id: 'qemu.snapshot.list',
  verb: 'GET',
  path: `${base}/snapshot`,
  params: Type.Object(guest),
  returns: Type.Array(
    Type.Object({
      name: Type.String(),
      description: text,
      parent: text,
      snaptime: Optional(Type.Integer()),
      vmstate: Optional(Type.Integer()),
      running: Optional(Type.Integer()),
    }),
  ),
});

export const qemuSnapshotCreate = record({
  id: 'qemu.snapshot.create',
  verb: 'POST',
  path: `${base}/snapshot`,
  params: Type.Object({ ...snapshot, description: text, vmstate: flag }),
  returns: Type.String(),
});

export const qemuSnapshotDelete = record({
  id: 'qemu.snapshot.delete',
  verb: 'DELETE',
  path: `${base}/snapshot/{snapname}`,
  params: Type.Object({ ...snapshot, force: flag }),
  returns: Type.String(),
});

export const qemuSnapshotConfigSet = record({
  id: 'qemu.snapshot.config.set',
  verb: 'PUT',
  path: `${base}/snapshot/{snapname}/config`,
  params: Type.Object({ ...snapshot, description: text }),
  returns: Null(),
});

export const qemuSnapshotRollback = record({
  id: 'qemu.snapshot.rollback',
  verb: 'POST',
  path: `${base}/snapshot/{snapname}/rollback`,
  params: Type.Object({ ...snapshot, start: flag }),
  returns: Type.String(),
});

export const qemuCloudinitGet = record({
  id: 'qemu.cloudinit.get',
  verb: 'GET',
  path: `${base}/cloudinit`,
  params: Type.Object(guest),
  returns: Type.Array(
    Type.Object({ key: Type.String(), value: text, pending: text, delete: Optional(Type.Integer()) }),
  ),
});

export const qemuCloudinitUpdate = record({
  id: 'qemu.cloudinit.update',
  verb: 'PUT',
  path: `${base}/cloudinit`,
  params: Type.Object(guest),
  returns: Null(),
});

export const qemuCloudinitDump = record({
  id: 'qemu.cloudinit.dump',
  verb: 'GET',
  path: `${base}/cloudinit/dump`,
  params: Type.Object({ ...guest, type: Type.String() }),
  returns: Type.String(),
});

export const importMetadata = record({
  id: 'storage.import-metadata',
  verb: 'GET',
  path: '/nodes/{node}/storage/{storage}/import-metadata',
  params: Type.Object({ node: Node(), storage: StorageId(), volume: Type.String() }),
  returns: Type.Object({
    type: text,
    source: text,
    'create-args': Type.Record(Type.String(), Type.Unknown()),
    disks: Optional(Type.Record(Type.String(), Type.Unknown())),
    net: Optional(Type.Record(Type.String(), Type.Unknown())),
    warnings: Optional(Type.Array(Type.Object({ type: Type.String(), key: text, value: text }))),
  }),
});
