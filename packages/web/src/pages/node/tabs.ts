import type { PageTab } from '../../components/object-page.tsx';
import type { Translate } from '../../i18n/index.ts';

export function nodeTabs(t: Translate): PageTab[] {
  return [
    { key: 'summary', title: t('tab.summary') },
    { key: 'guests', title: t('tab.guests') },
    { key: 'shell', title: t('tab.shell') },
    { key: 'network', title: t('tab.network') },
    { key: 'tasks', title: t('tab.tasks') },
  ];
}
