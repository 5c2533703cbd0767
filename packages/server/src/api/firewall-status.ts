/** Whether a guest's rules hold now, for people: switches, cards, what is broken, what the kernel cannot do. */

import type { ResultOf } from '@ryokan/api/method.ts';
import type { guestFirewall as methods } from '@ryokan/api/methods/firewall.ts';
import type { DaemonServices } from '../daemon-services.ts';
import { isEnabled } from '../network/firewall/compile-chain.ts';
import { documentProblems } from '../network/firewall/document.ts';
import { clusterFirewall, guestFirewall, readDocument } from '../network/firewall/documents.ts';
import { type FirewallState, firewallState, guardedCards } from '../network/firewall/guard.ts';

export function guestFirewallStatus(
  { store, paths }: DaemonServices,
  vmid: number,
): ResultOf<typeof methods.status> {
  const own = readDocument(store, guestFirewall(vmid));
  const state = firewallState(paths);
  const found = [
    ...(state.failure === undefined ? [] : [state.failure]),
    ...state.problems.filter((one) => one.vmid === vmid || one.vmid === 0).map(({ text }) => text),
    // Of a guest that does not run, or whose firewall is off, nothing has been compiled.
    ...documentProblems(own).map(({ line, text }) => `${guestFirewall(vmid)} line ${line}: ${text}`),
  ];
  return {
    datacenter: isEnabled(readDocument(store, clusterFirewall)) ? 1 : 0,
    guest: isEnabled(own) ? 1 : 0,
    cards: guardedCards(paths, vmid).map(({ key }) => key),
    problems: [...new Set(found)],
    notes: notesOf(state),
  };
}

function notesOf({ features, log }: FirewallState): string[] {
  return [
    ...(features?.reject === false
      ? ["REJECT only drops: this node's kernel lacks nft_reject_bridge"]
      : features
        ? [
            'REJECT of incoming packets only drops: the kernel refuses on a bridge what a guest sends, nothing else',
          ]
        : []),
    ...(log === undefined ? [] : [log]),
  ];
}
