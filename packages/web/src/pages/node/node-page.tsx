import { type ComponentType, lazy } from 'react';
import { Navigate, useParams } from 'react-router';
import { useResources } from '../../api/hooks.ts';
import { Loading } from '../../components/loading.tsx';
import { ObjectIcon, StateText } from '../../components/object-icon.tsx';
import { ObjectPage } from '../../components/object-page.tsx';
import { CreateMenu } from '../../frame/create-menu.tsx';
import { useT } from '../../i18n/index.ts';
import NotFound from '../not-found.tsx';
import { nodeTabs } from './tabs.ts';

export interface NodeTabProps {
  readonly node: string;
}

const tabs: Readonly<Record<string, ComponentType<NodeTabProps>>> = {
  summary: lazy(() => import('./summary.tsx')),
  guests: lazy(() => import('./guests.tsx')),
  shell: lazy(() => import('./shell.tsx')),
  network: lazy(() => import('./network.tsx')),
  tasks: lazy(() => import('./tasks.tsx')),
};

export default function NodePage() {
  const t = useT();
  const { node = '', tab = '' } = useParams();
  const { rows, loaded } = useResources();
  const row = rows.find((one) => one.type === 'node' && one.node === node);
  if (!row) return loaded ? <NotFound what={t('node.notFound', { node })} /> : <Loading />;
  const Tab = tabs[tab];
  if (!Tab) return <Navigate to={`/node/${node}/summary`} replace />;
  return (
    <ObjectPage
      key={node}
      icon={<ObjectIcon row={row} bare />}
      title={node}
      facts={<StateText row={row} />}
      actions={<CreateMenu node={node} />}
      basePath={`/node/${node}`}
      tabs={nodeTabs(t)}
      tab={tab}
    >
      <Tab node={node} />
    </ObjectPage>
  );
}
