import { may } from '../../api/session.ts';
import type { PageTab } from '../../components/object-page.tsx';
import type { Translate } from '../../i18n/index.ts';

export function datacenterTabs(t: Translate): PageTab[] {
  return [
    { key: 'summary', title: t('tab.summary') },
    { key: 'search', title: t('tab.search') },
    { key: 'storage', title: t('tab.storage') },
    { key: 'users', title: t('tab.users') },
    { key: 'realms', title: t('tab.realms') },
    { key: 'permissions', title: t('tab.permissions') },
    { key: 'pools', title: t('tab.pools') },
    { key: 'mappings', title: t('tab.mappings') },
    { key: 'tasks', title: t('tab.tasks') },
    ...(may('dc', 'Sys.Audit') ? [{ key: 'audit', title: t('tab.audit') }] : []),
  ];
}
