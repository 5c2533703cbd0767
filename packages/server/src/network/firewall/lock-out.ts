/**
 * Would the node's rules still let an administrator in? Asked before a change is stored, with the address that the change
 * comes from: who locks himself out of a machine far away has no second try.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { type AddressRange, parseAddress } from './address.ts';
import { optionsOf } from './compile-chain.ts';
import { type FirewallNode, isNodeEnabled, managementRanges } from './compile-host.ts';
import { addressRanges, setRanges } from './compile-rule.ts';
import { entries, type FirewallDocument, sections } from './document.ts';
import { findMacro } from './macros.ts';
import { protocolNumber } from './names.ts';
import { parsePorts, type Rule } from './rule.ts';

const tcp = 6;

/**
 * Throws RyokanError 'state' when the API would not be reachable any more from `remote`. Calls from the node itself
 * (`local`, loopback) pass, so that the command line can do everything.
 */
export function demandReachable(cluster: FirewallDocument, node: FirewallNode, remote: string): void {
  const source = parseAddress(remote.replace(/^::ffff:(?=\d+\.)/i, ''));
  if (!source || isLoopback(source) || admits(cluster, node, source)) return;
  throw new RyokanError(
    'state',
    `this would lock you out: the node would refuse connections from ${remote} to its port ${node.apiPort}; ` +
      'add your network to the IP set "management" first, or make the change on the command line of the node',
    { context: { remote, port: node.apiPort } },
  );
}

const isLoopback = ({ family, first }: AddressRange): boolean =>
  family === 4 ? first >> 24n === 127n : first === 1n;

/** Rules are asked in the order of the node's chain. Documents that cannot be compiled change nothing, so they admit. */
function admits(cluster: FirewallDocument, node: FirewallNode, source: AddressRange): boolean {
  if (!isNodeEnabled(cluster, node.document)) return true;
  try {
    if (sections(cluster, 'ipset', 'blacklist').length > 0) {
      const bad = setRanges({ dc: cluster }, 'dc', 'blacklist', source.family);
      if (contains(bad, source)) return false;
    }
    for (const rule of [...entries(node.document, 'rules'), ...entries(cluster, 'rules')]) {
      const verdict = verdictOf(cluster, rule, node.apiPort, source);
      if (verdict !== undefined) return verdict;
    }
    if (contains(managementRanges(cluster, node, source.family), source)) return true;
    return optionsOf(cluster).policy_in === 'ACCEPT';
  } catch {
    return true;
  }
}

/** True: lets it in, false: does not, undefined: is not about it. */
function verdictOf(
  cluster: FirewallDocument,
  rule: Rule,
  port: number,
  source: AddressRange,
): boolean | undefined {
  if (!rule.enable) return undefined;
  if (rule.type === 'group') {
    for (const inner of entries(cluster, 'group', rule.action)) {
      const verdict = verdictOf(cluster, { ...inner, iface: rule.iface }, port, source);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }
  if (rule.type !== 'in' || !isAbout(cluster, rule, port, source)) return undefined;
  // Nothing is known here of the card, the address and the port that it would come by: only what refuses is believed.
  const unsure = rule.iface !== undefined || rule.dest !== undefined || rule.sport !== undefined;
  if (rule.action === 'ACCEPT') return unsure ? undefined : true;
  return false;
}

function isAbout(cluster: FirewallDocument, rule: Rule, port: number, source: AddressRange): boolean {
  const parts = rule.macro === undefined ? [rule] : (findMacro(rule.macro)?.parts ?? []);
  const hit = parts.some(
    ({ proto, dport }) =>
      (proto === undefined || protocolNumber(proto) === tcp) && (dport === undefined || covers(dport, port)),
  );
  if (!hit) return false;
  return (
    rule.source === undefined || contains(addressRanges({ dc: cluster }, rule.source, source.family), source)
  );
}

const covers = (ports: string, port: number): boolean =>
  parsePorts(ports).some((range) => {
    const [from = '', to = from] = range.split('-');
    return Number(from) <= port && port <= Number(to);
  });

const contains = (ranges: readonly AddressRange[], { first, last }: AddressRange): boolean =>
  ranges.some((range) => range.first <= first && last <= range.last);
