/** Keeps changes of the node's firewall from locking their author out. */
import type { DaemonServices } from '../daemon-services.ts';
import type { FirewallDocument } from '../network/firewall/document.ts';
import { clusterFirewall, nodeFirewall, readDocument } from '../network/firewall/documents.ts';
import { demandReachable } from '../network/firewall/lock-out.ts';
import { nodeFacts } from '../network/firewall/node-facts.ts';

/** A check for the document at `path` as it would become; it throws when `remote` could not reach the API any more. */
export async function reachabilityCheck(
  services: DaemonServices,
  path: string,
  remote: string,
): Promise<(changed: FirewallDocument) => void> {
  const { store, settings } = services;
  const facts = await nodeFacts(services);
  const nodePath = nodeFirewall(settings.node);
  return (changed) => {
    const cluster = path === clusterFirewall ? changed : readDocument(store, clusterFirewall);
    const document = path === nodePath ? changed : readDocument(store, nodePath);
    demandReachable(cluster, { ...facts, path: nodePath, document }, remote);
  };
}
