/** The node's own name servers, resolv.conf(5). */
import { readTextIfPresent } from './files.ts';

export interface NameService {
  readonly servers: readonly string[];
  readonly search: readonly string[];
}

/**
 * Reads resolv.conf(5): at most three servers. Those on the loopback address serve this machine only (systemd-resolved,
 * dnsmasq) and mean nothing to a guest.
 */
export function parseResolvConf(text: string): NameService {
  const servers: string[] = [];
  let search: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    const [first] = values;
    if (keyword === 'nameserver' && first && !/^(127\.|::1$)/.test(first)) servers.push(first);
    // The last one counts.
    if (keyword === 'search' || keyword === 'domain') search = values;
  }
  return { servers: servers.slice(0, 3), search };
}

/** What the node itself asks, and what its guests ask unless their configuration says otherwise. */
export const nodeNameService = (): NameService =>
  parseResolvConf(readTextIfPresent('/etc/resolv.conf') ?? '');
