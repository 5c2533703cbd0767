/** What belongs to the person who is logged in: second factors and sessions. */
import UserIcon from '@patternfly/react-icons/dist/esm/icons/user-icon';
import type { ComponentType } from 'react';
import { Navigate, useParams } from 'react-router';
import { useSession } from '../../api/session.ts';
import { ObjectPage } from '../../components/object-page.tsx';
import { useT } from '../../i18n/index.ts';
import { Factors } from './factors.tsx';
import { Sessions } from './sessions.tsx';

const tabs: Readonly<Record<string, ComponentType>> = { factors: Factors, sessions: Sessions };

export default function AccountPage() {
  const t = useT();
  const session = useSession();
  const { tab = '' } = useParams();
  const Tab = tabs[tab];
  if (!Tab) return <Navigate to="/account/factors" replace />;
  return (
    <ObjectPage
      icon={<UserIcon />}
      title={session?.username ?? ''}
      basePath="/account"
      tabs={[
        { key: 'factors', title: t('account.factors') },
        { key: 'sessions', title: t('account.sessions') },
      ]}
      tab={tab}
    >
      <Tab />
    </ObjectPage>
  );
}
