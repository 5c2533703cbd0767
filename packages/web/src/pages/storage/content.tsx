import { Button } from '@patternfly/react-core';
import DownloadIcon from '@patternfly/react-icons/dist/esm/icons/download-icon';
import UploadIcon from '@patternfly/react-icons/dist/esm/icons/upload-icon';
import { volumeList } from '@ryokan/api/methods/storage.ts';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Link } from 'react-router';
import { useGuest } from '../../api/hooks.ts';
import { onTaskEnd } from '../../api/live.ts';
import { useCall } from '../../api/query.ts';
import { pathOf } from '../../api/rows.ts';
import { may } from '../../api/session.ts';
import { type ContentType, type Volume, volumeName } from '../../api/volumes.ts';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { Time } from '../../components/time.tsx';
import { type PlainKey, useT } from '../../i18n/index.ts';
import { lazyPage } from '../../i18n/lazy-page.ts';
import { useFormat } from '../../util/use-format.ts';

const UploadDialog = lazy(() =>
  import('../../forms/upload-dialog.tsx').then((all) => ({ default: all.UploadDialog })),
);
const DownloadDialog = lazy(() => import('./download-dialog.tsx'));
const RemoveVolumeDialog = lazy(() => import('./remove-volume-dialog.tsx'));

/** Content that comes in as a file. */
const uploadable = ['iso', 'vztmpl', 'import'] as const;
type Uploadable = (typeof uploadable)[number];

const emptyTexts: Readonly<Record<ContentType, PlainKey>> = {
  iso: 'content.emptyIso',
  images: 'content.emptyImages',
  rootdir: 'content.emptyImages',
  vztmpl: 'content.emptyVztmpl',
  backup: 'content.emptyBackup',
  snippets: 'content.emptySnippets',
  import: 'content.emptyImport',
};

const CatalogueDialog = lazyPage('guests', () => import('../../forms/templates/catalogue-dialog.tsx'));
const OciDialog = lazyPage('guests', () => import('../../forms/templates/oci-dialog.tsx'));

/** What a guest can be made of: where, under which name the volume is given, and what the link says. */
const uses: Readonly<
  Partial<Record<ContentType, { readonly path: string; readonly param: string; readonly title: PlainKey }>>
> = {
  import: { path: '/create/import', param: 'volume', title: 'import.open' },
  vztmpl: { path: '/create/lxc', param: 'template', title: 'create.container' },
};

type Open =
  | { readonly dialog: 'upload' | 'download' | 'catalogue' | 'oci' }
  | { readonly dialog: 'remove'; readonly volume: Volume };

/** What a storage holds of one kind, with upload, download and removal. */
export function StorageContent({
  node,
  storage,
  content,
}: {
  node: string;
  storage: string;
  content: ContentType;
}) {
  const t = useT();
  const format = useFormat();
  const [open, setOpen] = useState<Open>();
  const { data, error, refetch } = useCall(volumeList, { node, storage, content });
  useEffect(
    () =>
      onTaskEnd((task) => {
        if (task.node === node) void refetch();
      }),
    [node, refetch],
  );
  const use = uses[content];
  const kind = uploadable.find((one) => one === content);
  const actions =
    kind && may('storage', 'Datastore.AllocateTemplate') ? (
      <>
        <Button size="sm" icon={<UploadIcon />} onClick={() => setOpen({ dialog: 'upload' })}>
          {t('upload.open')}
        </Button>
        <Button
          size="sm"
          variant="secondary"
          icon={<DownloadIcon />}
          onClick={() => setOpen({ dialog: 'download' })}
        >
          {t('download.open')}
        </Button>
        {kind === 'vztmpl' ? (
          <>
            <Button size="sm" variant="secondary" onClick={() => setOpen({ dialog: 'catalogue' })}>
              {t('templates.open')}
            </Button>
            {may('nodes', 'Sys.AccessNetwork') ? (
              <Button size="sm" variant="secondary" onClick={() => setOpen({ dialog: 'oci' })}>
                {t('oci.open')}
              </Button>
            ) : null}
          </>
        ) : null}
      </>
    ) : null;
  const columns: Column<Volume>[] = [
    {
      key: 'name',
      title: t('column.name'),
      sort: (volume) => volume.volid,
      render: (volume) => (
        <span className="ry-id" title={volume.volid}>
          {volumeName(volume.volid)}
        </span>
      ),
    },
    ...(content === 'images' || content === 'backup' || content === 'rootdir'
      ? [
          {
            key: 'vmid',
            title: t('content.owner'),
            width: '7rem',
            sort: (volume: Volume) => volume.vmid,
            render: (volume: Volume) => (volume.vmid ? <Owner vmid={volume.vmid} /> : '–'),
          },
        ]
      : []),
    {
      key: 'format',
      title: t('column.format'),
      width: '7rem',
      wide: true,
      sort: (volume) => volume.format,
      render: (volume) => volume.format,
    },
    {
      key: 'size',
      title: t('column.size'),
      width: 'min(8rem, 22vw)',
      numeric: true,
      sort: (volume) => volume.size,
      render: (volume) => format.bytes(volume.size ?? 0),
    },
    {
      key: 'ctime',
      title: t('content.date'),
      width: '10rem',
      wide: true,
      sort: (volume) => volume.ctime,
      render: (volume) => (volume.ctime ? <Time at={volume.ctime} /> : '–'),
    },
    {
      key: 'actions',
      title: '',
      width: uses[content] ? 'min(15rem, 45vw)' : 'min(7rem, 18vw)',
      render: (volume) => (
        <>
          {use && may('vms', 'VM.Allocate') ? (
            <Link
              className="ry-row-link"
              to={`${use.path}?${new URLSearchParams({ node, [use.param]: volume.volid })}`}
            >
              {t(use.title)}
            </Link>
          ) : null}
          <Button
            variant="link"
            size="sm"
            isInline
            isDanger
            isDisabled={Boolean(volume.protected)}
            aria-label={t('action.removeOf', { device: volumeName(volume.volid) })}
            onClick={() => setOpen({ dialog: 'remove', volume })}
          >
            {t('action.remove')}
          </Button>
        </>
      ),
    },
  ];
  if (error && !data)
    return (
      <div className="ry-summary">
        <ErrorNotice error={error} onRetry={refetch} />
      </div>
    );
  if (!data) return <Loading />;
  return (
    <>
      <DataTable<Volume>
        label={storage}
        rows={data}
        rowKey={(volume) => volume.volid}
        filterBy={(volume) => [volume.volid, volume.vmid, volume.notes]}
        initialSort={{ key: 'name' }}
        columns={columns}
        actions={actions}
        empty={<Empty title={t('content.empty')}>{t(emptyTexts[content])}</Empty>}
      />
      <Suspense fallback={null}>
        {open?.dialog === 'upload' && kind ? (
          <UploadDialog
            node={node}
            storages={[storage]}
            content={kind satisfies Uploadable}
            onClose={() => setOpen(undefined)}
          />
        ) : null}
        {open?.dialog === 'download' && kind ? (
          <DownloadDialog node={node} storage={storage} content={kind} onClose={() => setOpen(undefined)} />
        ) : null}
        {open?.dialog === 'catalogue' ? (
          <CatalogueDialog node={node} storages={[storage]} onClose={() => setOpen(undefined)} />
        ) : null}
        {open?.dialog === 'oci' ? (
          <OciDialog node={node} storages={[storage]} onClose={() => setOpen(undefined)} />
        ) : null}
        {open?.dialog === 'remove' ? (
          <RemoveVolumeDialog
            node={node}
            storage={storage}
            volume={open.volume}
            onClose={() => setOpen(undefined)}
          />
        ) : null}
      </Suspense>
    </>
  );
}

/** The guest that a volume belongs to, with the way to its page while there is one. */
function Owner({ vmid }: { vmid: number }) {
  const { guest } = useGuest(vmid);
  return guest ? <Link to={pathOf(guest)}>{vmid}</Link> : vmid;
}
