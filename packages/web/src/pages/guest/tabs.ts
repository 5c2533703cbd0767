import type { GuestType } from '../../api/guest-kinds.ts';
import type { PageTab } from '../../components/object-page.tsx';
import type { Translate } from '../../i18n/index.ts';

/**
 * The pages of a guest. The serial console has one when a VM has a serial port. A template never runs, so it has no consoles.
 */
export function guestTabs(
  t: Translate,
  guest: { type: GuestType; serial: boolean; template: boolean },
): PageTab[] {
  return guest.type === 'lxc' ? containerTabs(t, guest.template) : machineTabs(t, guest);
}

function containerTabs(t: Translate, template: boolean): PageTab[] {
  return [
    { key: 'summary', title: t('tab.summary') },
    ...(template ? [] : [{ key: 'console', title: t('tab.console') }]),
    { key: 'resources', title: t('tab.resources') },
    { key: 'network', title: t('tab.network') },
    { key: 'dns', title: t('tab.dns') },
    { key: 'firewall', title: t('tab.firewall') },
    { key: 'options', title: t('tab.options') },
    ...(template ? [] : [{ key: 'snapshots', title: t('tab.snapshots') }]),
    { key: 'permissions', title: t('tab.permissions') },
    { key: 'tasks', title: t('tab.tasks') },
  ];
}

function machineTabs(t: Translate, guest: { serial: boolean; template: boolean }): PageTab[] {
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
