/** What the buttons of a guest call, and what they are called. */
import type { GuestAction } from '@ryokan/api/guest-actions.ts';
import {
  qemuReboot,
  qemuReset,
  qemuResume,
  qemuShutdown,
  qemuStart,
  qemuStop,
  qemuSuspend,
} from '@ryokan/api/methods/qemu.ts';
import type { Guest } from '../../api/rows.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { type PlainKey, type Translate, translate } from '../../i18n/index.ts';

export type PowerAction = Exclude<
  GuestAction,
  'console' | 'snapshot' | 'rollback' | 'clone' | 'template' | 'edit' | 'remove'
>;

type Target = { readonly node: string; readonly vmid: number };

const calls: Readonly<Record<PowerAction, (guest: Target) => Promise<string>>> = {
  start: (guest) => api.call(qemuStart, guest),
  shutdown: (guest) => api.call(qemuShutdown, guest),
  stop: (guest) => api.call(qemuStop, guest),
  reboot: (guest) => api.call(qemuReboot, guest),
  reset: (guest) => api.call(qemuReset, guest),
  suspend: (guest) => api.call(qemuSuspend, guest),
  resume: (guest) => api.call(qemuResume, guest),
};

export function isPowerAction(word: string | null): word is PowerAction {
  return word !== null && Object.hasOwn(calls, word);
}

export const actionLabels: Readonly<Record<GuestAction, PlainKey>> = {
  start: 'guest.start',
  shutdown: 'guest.shutdown',
  stop: 'guest.stop',
  reboot: 'guest.reboot',
  reset: 'guest.reset',
  suspend: 'guest.suspend',
  resume: 'guest.resume',
  console: 'guest.console',
  snapshot: 'guest.snapshot',
  rollback: 'guest.rollback',
  clone: 'guest.clone',
  template: 'guest.template',
  edit: 'guest.edit',
  remove: 'guest.remove',
};

/** `100 (web-1)`, or the number alone: a guest without a name is called `VM 100` by the API. */
export function nameOf(guest: { vmid: number; name?: string | undefined }): string {
  return guest.name && guest.name !== `VM ${guest.vmid}`
    ? `${guest.vmid} (${guest.name})`
    : String(guest.vmid);
}

/** A console in a window of its own; `port` names a serial port instead of the screen. */
export function openConsoleWindow(guest: { vmid: number }, port?: string): void {
  const path = `/console/qemu/${guest.vmid}${port ? `/${port}` : ''}`;
  window.open(path, `ryokan-console-${guest.vmid}-${port ?? 'vnc'}`, 'popup,width=1040,height=820');
}

/** Actions that interrupt the guest's work ask first, and say what happens. */
export const confirmTexts = {
  shutdown: 'guest.confirm.shutdown',
  stop: 'guest.confirm.stop',
  reboot: 'guest.confirm.reboot',
  reset: 'guest.confirm.reset',
  suspend: 'guest.confirm.suspend',
} as const satisfies Partial<Record<PowerAction, PlainKey>>;

export function reasonText(key: string, lock: string | undefined, t: Translate): string {
  switch (key) {
    case 'template':
      return t('reason.template');
    case 'protected':
      return t('reason.protected');
    case 'locked':
      return t('reason.locked', { lock: lock ?? '' });
    case 'not-running':
      return t('reason.notRunning');
    case 'still-running':
      return t('reason.stillRunning');
    case 'already-running':
      return t('reason.alreadyRunning');
    case 'is-paused':
      return t('reason.isPaused');
    case 'not-paused':
      return t('reason.notPaused');
    case 'is-hibernated':
      return t('reason.isHibernated');
    default:
      return t('reason.stateUnknown');
  }
}

/** Starts the task of an action; failures become a message. */
export function runAction(
  guest: Pick<Guest, 'node' | 'vmid' | 'name'>,
  action: PowerAction,
): Promise<string | undefined> {
  const { node, vmid } = guest;
  const name = nameOf(guest);
  const title = translate('guest.actionFailed', { action: translate(actionLabels[action]), name });
  return run(title, () => calls[action]({ node, vmid }));
}
