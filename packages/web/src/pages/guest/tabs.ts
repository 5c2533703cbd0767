import type { PageTab } from '../../components/object-page.tsx';
import type { Translate } from '../../i18n/index.ts';

/** The serial console has a tab when the guest has a serial port. A template never runs, so it has no consoles. */
export function guestTabs(t: Translate, guest: { serial: boolean; template: boolean }): PageTab[] {
  return [
    { key: 'summary', title: t('tab.summary') },
    ...(guest.template ? [] : [{ key: 'console', title: t('tab.console') }]),
    ...(guest.serial && !guest.template ? [{ key: 'serial', title: t('tab.serial') }] : []),
    { key: 'hardware', title: t('tab.hardware') },
    { key: 'firewall', title: t('tab.firewall') },
    { key: 'cloudinit', title: t('tab.cloudinit') },
    { key: 'options', title: t('tab.options') },
    ...(guest.template ? [] : [{ key: 'snapshots', title: t('tab.snapshots') }]),
    ...(guest.template ? [] : [{ key: 'agent', title: t('tab.agent') }]),
    { key: 'permissions', title: t('tab.permissions') },
    { key: 'tasks', title: t('tab.tasks') },
  ];
}
