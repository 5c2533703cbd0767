import type { PageTab } from '../../components/object-page.tsx';
import type { Translate } from '../../i18n/index.ts';

/** The serial console has a tab when the guest has a serial port. */
export function guestTabs(t: Translate, guest: { serial: boolean }): PageTab[] {
  return [
    { key: 'summary', title: t('tab.summary') },
    { key: 'console', title: t('tab.console') },
    ...(guest.serial ? [{ key: 'serial', title: t('tab.serial') }] : []),
    { key: 'hardware', title: t('tab.hardware') },
    { key: 'options', title: t('tab.options') },
    { key: 'tasks', title: t('tab.tasks') },
  ];
}
