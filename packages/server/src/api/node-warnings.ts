/** What a person should know or mend on this node. */
import { readdirSync } from 'node:fs';
import { nodeNatBridge } from '@ryokan/api/methods/nodes.ts';
import type { DaemonServices } from '../daemon-services.ts';
import { isBridge } from '../network/bridge.ts';
import { type FirewallState, firewallState } from '../network/firewall/guard.ts';

export interface NodeWarning {
  readonly id: string;
  readonly severity: 'info' | 'warning' | 'danger';
  readonly text: string;
  /** Id of the method that mends it. */
  readonly action?: string;
}

export function nodeWarningsOf(
  services: Pick<DaemonServices, 'accelerator' | 'guests' | 'paths'>,
): NodeWarning[] {
  const warnings: NodeWarning[] = [];
  const { accelerator, reason } = services.accelerator();
  if (accelerator === 'tcg') {
    warnings.push({
      id: 'no-kvm',
      severity: 'warning',
      text: `Guests run under emulation (TCG), many times slower than with KVM: ${reason}`,
    });
  }
  if (!readdirSync('/sys/class/net').some(isBridge)) {
    warnings.push({
      id: 'no-bridge',
      severity: 'info',
      text: "There is no bridge for guests. A NAT bridge gives them a network of their own without touching the host's.",
      action: nodeNatBridge.id,
    });
  }
  for (const guest of services.guests.all()) {
    if (guest.error) warnings.push({ id: `guest-${guest.vmid}`, severity: 'danger', text: guest.error });
  }
  return [...warnings, ...firewallWarnings(firewallState(services.paths))];
}

function firewallWarnings({ failure, problems, log }: FirewallState): NodeWarning[] {
  const texts = failure === undefined ? problems.map(problemText) : [`Firewall: ${failure}`];
  return [
    ...texts.map((text, i) => ({ id: `firewall-${i}`, severity: 'danger' as const, text })),
    ...(log === undefined
      ? []
      : [{ id: 'firewall-log', severity: 'warning' as const, text: `Firewall: ${log}` }]),
  ];
}

const problemText = ({ text, kept }: FirewallState['problems'][number]): string =>
  `Firewall: ${text}. ${kept ? 'The rules from before still hold.' : 'There are no rules from before: nothing is filtered there.'}`;
