/** What the buttons of a guest call, and what they are called. */
import type { GuestAction } from '@ryokan/api/guest-actions.ts';
import { type GuestRef, nameOf, type PowerAction, powerOf } from '../../api/guest-kinds.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { type PlainKey, type Translate, translate } from '../../i18n/index.ts';

/** Whether a guest of this kind has an action that is one call. */
export function hasPower(guest: Pick<GuestRef, 'type'>, word: string): word is PowerAction {
  return Object.hasOwn(powerOf(guest).power, word);
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

/** A console in a window of its own; `port` names a serial port of a VM instead of its screen. */
export function openConsoleWindow(guest: Pick<GuestRef, 'type' | 'vmid'>, port?: string): void {
  const path = `/console/${guest.type}/${guest.vmid}${port ? `/${port}` : ''}`;
  window.open(path, `ryokan-console-${guest.vmid}-${port ?? 'vnc'}`, 'popup,width=1040,height=820');
}

/** Actions that interrupt the guest's work ask first, and say what happens; undefined for the others. */
export function confirmText(guest: Pick<GuestRef, 'type'>, action: PowerAction): PlainKey | undefined {
  return powerOf(guest).confirm[action];
}

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
export async function runAction(
  guest: GuestRef & { readonly name?: string | undefined },
  action: PowerAction,
): Promise<void> {
  const { node, vmid } = guest;
  const method = powerOf(guest).power[action];
  const name = nameOf(guest);
  const title = translate('guest.actionFailed', { action: translate(actionLabels[action]), name });
  if (method) await run(title, () => api.call(method, { node, vmid }));
}
