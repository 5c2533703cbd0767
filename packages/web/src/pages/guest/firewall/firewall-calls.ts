/** Reading and changing the firewall of a guest: after each change all that is shown of it is asked again. */

import type { ResultOf } from '@ryokan/api/method.ts';
import { containerFirewall, guestFirewall } from '@ryokan/api/methods/firewall.ts';
import type { GuestRef } from '../../../api/guest-kinds.ts';
import { invalidate } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { may } from '../../../api/session.ts';
import { translate } from '../../../i18n/index.ts';

export type Rule = ResultOf<typeof guestFirewall.rules.list>[number];
export type Alias = ResultOf<typeof guestFirewall.aliases.list>[number];
export type IpSet = ResultOf<typeof guestFirewall.ipset.list>[number];
export type SetMember = ResultOf<typeof guestFirewall.ipset.members>[number];
export type Options = ResultOf<typeof guestFirewall.options.get>;

/** Whose firewall it is. */
export interface Target {
  readonly guest: GuestRef;
  /** Operations of its kind; those of VMs and of containers have the same parameters. */
  readonly calls: typeof guestFirewall;
  /** The guest as the paths of the operations name it. */
  readonly path: { readonly node: string; readonly vmid: number };
}

export function firewallOf(guest: GuestRef): Target {
  const { type, node, vmid } = guest;
  return { guest, calls: type === 'lxc' ? containerFirewall : guestFirewall, path: { node, vmid } };
}

export const mayChange = (): boolean => may('vms', 'VM.Config.Network');

const shown = [guestFirewall, containerFirewall].flatMap((calls) => [
  calls.rules.list,
  calls.aliases.list,
  calls.ipset.list,
  calls.ipset.members,
  calls.options.get,
  calls.status,
]);

/** The node gathers changes for a moment before it loads them; only then does the status tell of them (ms). */
const settleTime = 400;

/** Asks anew. */
export async function refresh(): Promise<void> {
  await invalidate(...shown);
  setTimeout(() => void invalidate(guestFirewall.status, containerFirewall.status), settleTime);
}

/** A change without a dialog: a failure becomes a message. */
export function change(call: () => Promise<unknown>): void {
  void run(translate('firewall.changeFailed'), call).then(refresh);
}

/** A change made in a dialog, which shows the failure. */
export async function changed(call: Promise<unknown>): Promise<void> {
  await call;
  await refresh();
}
