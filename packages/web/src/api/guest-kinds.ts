/**
 * What differs between virtual machines and containers, as data: their pages are the same and ask here for operations and
 * words. Operations of single dialogs stand beside those, so that they are loaded with them.
 */
import type { GuestAction } from '@ryokan/api/guest-actions.ts';
import type { Method } from '@ryokan/api/method.ts';
import {
  lxcConfigGet,
  lxcConfigSet,
  lxcDestroy,
  lxcPending,
  lxcReboot,
  lxcResize,
  lxcResume,
  lxcShutdown,
  lxcStart,
  lxcStatusCurrent,
  lxcStop,
  lxcSuspend,
} from '@ryokan/api/methods/lxc.ts';
import {
  qemuConfigGet,
  qemuConfigSet,
  qemuDestroy,
  qemuPending,
  qemuReboot,
  qemuReset,
  qemuResize,
  qemuResume,
  qemuShutdown,
  qemuStart,
  qemuStatusCurrent,
  qemuStop,
  qemuSuspend,
} from '@ryokan/api/methods/qemu.ts';
import type { PlainKey } from '../i18n/index.ts';

export type GuestType = 'qemu' | 'lxc';

/** Which guest an operation is about, as its path names it. */
export interface GuestRef {
  readonly type: GuestType;
  readonly node: string;
  readonly vmid: number;
}

/** Actions that are one call without a form. */
export type PowerAction = Exclude<
  GuestAction,
  'console' | 'snapshot' | 'rollback' | 'clone' | 'template' | 'edit' | 'remove'
>;

interface Power {
  /** Those that the kind has, in the order of the menu. */
  readonly power: Readonly<Partial<Record<PowerAction, Method>>>;
  /** What is asked before an action that interrupts the guest's work. */
  readonly confirm: Readonly<Partial<Record<PowerAction, PlainKey>>>;
}

const virtualMachine = {
  /** Stands before the number: `VM 100`. */
  short: 'VM',
  config: qemuConfigGet,
  setConfig: qemuConfigSet,
  pending: qemuPending,
  status: qemuStatusCurrent,
  destroy: qemuDestroy,
  resize: qemuResize,
  power: {
    start: qemuStart,
    shutdown: qemuShutdown,
    reboot: qemuReboot,
    suspend: qemuSuspend,
    resume: qemuResume,
    stop: qemuStop,
    reset: qemuReset,
  },
  confirm: {
    shutdown: 'guest.confirm.shutdown',
    stop: 'guest.confirm.stop',
    reboot: 'guest.confirm.reboot',
    reset: 'guest.confirm.reset',
    suspend: 'guest.confirm.suspend',
  },
} as const satisfies Power & Readonly<Record<string, unknown>>;

const container = {
  short: 'CT',
  config: lxcConfigGet,
  setConfig: lxcConfigSet,
  pending: lxcPending,
  status: lxcStatusCurrent,
  destroy: lxcDestroy,
  resize: lxcResize,
  power: {
    start: lxcStart,
    shutdown: lxcShutdown,
    reboot: lxcReboot,
    suspend: lxcSuspend,
    resume: lxcResume,
    stop: lxcStop,
  },
  confirm: {
    shutdown: 'guest.confirm.shutdownInit',
    stop: 'guest.confirm.kill',
    reboot: 'guest.confirm.reboot',
    suspend: 'guest.confirm.suspend',
  },
} as const satisfies Power & Readonly<Record<string, unknown>>;

const kinds = { qemu: virtualMachine, lxc: container } as const;

/** Operations of the kind: each of the union that both kinds have, with the same parameters `node` and `vmid`. */
export function kindOf(guest: { readonly type: GuestType }): (typeof kinds)[GuestType] {
  return kinds[guest.type];
}

export function powerOf(guest: { readonly type: GuestType }): Power {
  return kinds[guest.type];
}

/** `VM 100 (web-1)`, `CT 200`; a VM without a name is called `VM 100` by the API. */
export function nameOf(guest: {
  readonly type: GuestType;
  readonly vmid: number;
  readonly name?: string | undefined;
}): string {
  const number = `${kindOf(guest).short} ${guest.vmid}`;
  return guest.name && guest.name !== number ? `${number} (${guest.name})` : number;
}
