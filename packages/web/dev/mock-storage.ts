/** Storages and volumes of the mock server. */
import { GiB, ok, type Route, storageRow } from './mock-reply.ts';

function nodeStorage(node: string, storage: string) {
  const row = storageRow(node, storage, 420 * GiB, 1000 * GiB);
  return {
    storage,
    type: row.plugintype,
    content: row.content,
    active: 1,
    enabled: 1,
    shared: row.shared,
    total: row.maxdisk,
    used: row.disk,
    avail: row.maxdisk - row.disk,
    used_fraction: row.disk / row.maxdisk,
    formats: { default: 'qcow2', supported: ['raw', 'qcow2'] },
  };
}

export const storageRoutes: readonly Route[] = [
  [
    'GET /nodes/([^/]+)/storage',
    (_, [, node], { content }) =>
      ok(
        ['local', 'backup-nfs']
          .map((storage) => nodeStorage(node as string, storage))
          .filter((row) => !content || row.content.split(',').includes(content)),
      ),
  ],
  [
    'GET /nodes/([^/]+)/storage/([^/]+)/status',
    (_, [, node, storage]) => ok(nodeStorage(node as string, storage as string)),
  ],
  [
    'GET /nodes/([^/]+)/storage/([^/]+)/content',
    (data, [, , storage], { content }) =>
      ok(storage === 'local' ? data.volumes.filter((one) => !content || one.content === content) : []),
  ],
  [
    'DELETE /nodes/([^/]+)/storage/([^/]+)/content/(.+)',
    (data, [, node, storage, volid]) =>
      ok(
        data.startTask(node as string, 'imgdel', storage as string, 500, () => {
          const index = data.volumes.findIndex((one) => one.volid === volid);
          if (index >= 0) data.volumes.splice(index, 1);
        }),
      ),
  ],
  [
    'POST /nodes/([^/]+)/storage/([^/]+)/upload',
    (data, [, node, storage]) => ok(data.startTask(node as string, 'imgcopy', storage as string, 600)),
  ],
  [
    'POST /nodes/([^/]+)/storage/([^/]+)/download-url',
    (data, [, node, storage]) => ok(data.startTask(node as string, 'download', storage as string, 6000)),
  ],
  [
    'GET /nodes/([^/]+)/query-url-metadata',
    () =>
      ok({
        filename: 'debian-13.1.0-amd64-netinst.iso',
        size: 783 * 1024 ** 2,
        mimetype: 'application/x-iso9660-image',
      }),
  ],
  [
    'GET /storage',
    () =>
      ok([
        {
          storage: 'local',
          type: 'dir',
          path: '/var/lib/ryokan/storage',
          content: 'images,rootdir,iso,vztmpl,backup,snippets,import',
          digest: '0',
        },
        {
          storage: 'backup-nfs',
          type: 'nfs',
          server: '192.0.2.50',
          export: '/export/backup',
          content: 'backup',
          shared: 1,
          digest: '0',
        },
      ]),
  ],
];
