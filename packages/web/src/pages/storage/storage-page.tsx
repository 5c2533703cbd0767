import { storageList } from '@ryokan/api/methods/storage.ts';
import { lazy, Suspense } from 'react';
import { Navigate, useNavigate, useParams } from 'react-router';
import { useResources } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { may } from '../../api/session.ts';
import { Loading } from '../../components/loading.tsx';
import { ObjectIcon, StateText } from '../../components/object-icon.tsx';
import { ObjectPage } from '../../components/object-page.tsx';
import { useT } from '../../i18n/index.ts';
import { lazyPage } from '../../i18n/lazy-page.ts';
import NotFound from '../not-found.tsx';
import { StorageContent } from './content.tsx';
import { StorageSummary } from './summary.tsx';
import { contentTypes, storageTabs } from './tabs.ts';

const ObjectPermissions = lazyPage('rights', () => import('../rights/object-permissions.tsx'));

const StorageActions = lazy(() => import('../datacenter/storage-actions.tsx'));

/** Of the datacenter's definition behind the storage. */
function DefinitionActions({ storage }: { storage: string }) {
  const navigate = useNavigate();
  const { data } = useCall(storageList, {});
  const definition = data?.find((one) => one.storage === storage);
  if (!definition) return null;
  return (
    <Suspense fallback={null}>
      <StorageActions definition={definition} onRemoved={() => navigate('/datacenter/storage')} />
    </Suspense>
  );
}

export default function StoragePage() {
  const t = useT();
  const { node = '', storage = '', tab = '' } = useParams();
  const { rows, loaded } = useResources();
  const row = rows.find((one) => one.type === 'storage' && one.node === node && one.storage === storage);
  if (!row) return loaded ? <NotFound what={t('storage.notFound', { storage, node })} /> : <Loading />;
  const tabs = storageTabs(t, row.content ?? '');
  if (!tabs.some((one) => one.key === tab))
    return <Navigate to={`/storage/${node}/${storage}/summary`} replace />;
  const content = contentTypes.find((one) => one.type === tab);
  return (
    <ObjectPage
      key={row.id}
      icon={<ObjectIcon row={row} bare />}
      title={storage}
      facts={
        <>
          <StateText row={row} />
          <span className="ry-subtle">{t('guest.onNode', { node })}</span>
        </>
      }
      actions={may('storage', 'Datastore.Allocate') ? <DefinitionActions storage={storage} /> : null}
      basePath={`/storage/${node}/${storage}`}
      tabs={tabs}
      tab={tab}
    >
      {tab === 'permissions' ? (
        <ObjectPermissions path={`/storage/${storage}`} />
      ) : content ? (
        <StorageContent key={content.type} node={node} storage={storage} content={content.type} />
      ) : (
        <StorageSummary node={node} storage={storage} row={row} />
      )}
    </ObjectPage>
  );
}
