import { Button } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import { storageList } from '@ryokan/api/methods/storage.ts';
import { useState } from 'react';
import { Link } from 'react-router';
import { useResources } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { may } from '../../api/session.ts';
import { DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { useT } from '../../i18n/index.ts';
import StorageActions from './storage-actions.tsx';
import { type StorageDefinition, StorageDialog } from './storage-dialog.tsx';

/** Storage definitions of the datacenter, with the nodes that have them. */
export default function DatacenterStorage() {
  const t = useT();
  const { data, error, refetch } = useCall(storageList, {});
  const { rows } = useResources();
  const [adding, setAdding] = useState(false);
  const mayDefine = may('storage', 'Datastore.Allocate');
  if (error && !data)
    return (
      <div className="ry-summary">
        <ErrorNotice error={error} onRetry={refetch} />
      </div>
    );
  if (!data) return <Loading />;
  const nodesOf = (storage: string) =>
    rows.filter((row) => row.type === 'storage' && row.storage === storage);
  return (
    <>
      <DataTable<StorageDefinition>
        label={t('tab.storage')}
        rows={data}
        rowKey={(one) => one.storage}
        filterBy={(one) => [one.storage, one.type, one.content]}
        initialSort={{ key: 'storage' }}
        empty={<Empty title={t('storage.none')} />}
        actions={
          mayDefine ? (
            <Button size="sm" icon={<PlusIcon />} onClick={() => setAdding(true)}>
              {t('storage.add')}
            </Button>
          ) : null
        }
        columns={[
          {
            key: 'storage',
            title: t('column.name'),
            sort: (one) => one.storage,
            render: (one) => (
              <>
                <span className="ry-id">{one.storage}</span>
                {Number(one.disable ?? 0) ? (
                  <span className="ry-subtle"> {t('storage.disabled')}</span>
                ) : null}
              </>
            ),
          },
          {
            key: 'type',
            title: t('storage.type'),
            width: '7rem',
            sort: (one) => one.type,
            render: (one) => one.type,
          },
          {
            key: 'content',
            title: t('storage.content'),
            render: (one) => (one.content ?? '').split(',').join(', '),
          },
          {
            key: 'path',
            title: t('storage.place'),
            wide: true,
            render: (one) => <span className="ry-id">{String(one.path ?? one.server ?? '')}</span>,
          },
          {
            key: 'nodes',
            title: t('summary.nodes'),
            render: (one) => (
              <span className="ry-inline-list">
                {nodesOf(one.storage).map((row) => (
                  <Link key={row.id} to={`/storage/${row.node}/${row.storage}`}>
                    {row.node}
                  </Link>
                ))}
              </span>
            ),
          },
          {
            key: 'shared',
            title: t('storage.shared'),
            width: '6rem',
            wide: true,
            render: (one) => (one.shared ? t('word.yes') : t('word.no')),
          },
          ...(mayDefine
            ? [
                {
                  key: 'actions',
                  title: '',
                  width: '4rem',
                  render: (one: StorageDefinition) => <StorageActions definition={one} />,
                },
              ]
            : []),
        ]}
      />
      {adding ? <StorageDialog onClose={() => setAdding(false)} /> : null}
    </>
  );
}
