/** Addresses out of the agent's `network-get-interfaces` answer (QEMU guest agent protocol). */

export interface AgentAddress {
  readonly name: string;
  readonly address: string;
}

interface Interface {
  readonly name?: unknown;
  readonly 'ip-addresses'?: unknown;
}

/** Without loopback and link-local addresses, IPv4 first. Takes anything, since the guest answers what it likes. */
export function addressesOf(result: unknown): AgentAddress[] {
  if (!Array.isArray(result)) return [];
  const found: AgentAddress[] = [];
  for (const one of result as Interface[]) {
    const list = one?.['ip-addresses'];
    if (!Array.isArray(list)) continue;
    for (const item of list as { 'ip-address'?: unknown }[]) {
      const address = item?.['ip-address'];
      if (typeof address === 'string' && isOfInterest(address))
        found.push({ name: String(one.name ?? ''), address });
    }
  }
  return found.sort((a, b) => Number(a.address.includes(':')) - Number(b.address.includes(':')));
}

function isOfInterest(address: string): boolean {
  return !/^(127\.|169\.254\.|fe80:|::1$)/i.test(address);
}
