import { type ComponentType, lazy } from 'react';
import { Navigate, useParams } from 'react-router';
import { DatacenterIcon } from '../../components/object-icon.tsx';
import { ObjectPage } from '../../components/object-page.tsx';
import { useT } from '../../i18n/index.ts';
import { lazyPage } from '../../i18n/lazy-page.ts';
import { datacenterTabs } from './tabs.ts';

const tabs: Readonly<Record<string, ComponentType>> = {
  summary: lazy(() => import('./summary.tsx')),
  search: lazy(() => import('./search.tsx')),
  storage: lazy(() => import('./storage.tsx')),
  users: lazyPage('rights', () => import('./users.tsx')),
  realms: lazyPage('realms', () => import('./realms/realms.tsx')),
  permissions: lazyPage('rights', () => import('./permissions.tsx')),
  pools: lazyPage('rights', () => import('../rights/pools.tsx')),
  mappings: lazyPage('guests', () => import('./mappings/mappings.tsx')),
  tasks: lazy(() => import('./tasks.tsx')),
  audit: lazyPage('account', () => import('./audit.tsx')),
};

export default function DatacenterPage() {
  const t = useT();
  const { tab = '' } = useParams();
  const Tab = tabs[tab];
  if (!Tab) return <Navigate to="/datacenter/summary" replace />;
  return (
    <ObjectPage
      icon={<DatacenterIcon />}
      title={t('nav.datacenter')}
      basePath="/datacenter"
      tabs={datacenterTabs(t)}
      tab={tab}
    >
      <Tab />
    </ObjectPage>
  );
}
