/** One rule as nft statements of family bridge. Pure. */
import {
  type AddressRange,
  effectiveRanges,
  type Family,
  formatRange,
  parseAddress,
  type SetEntry,
} from './address.ts';
import { type AddressPart, parseSetAddress, type Scope, splitAddresses } from './address-spec.ts';
import { entries, type FirewallDocument, sections } from './document.ts';
import { findMacro, type MacroPart } from './macros.ts';
import { icmp4, icmp6, icmpType, protocolNumber } from './names.ts';
import { icmpFamily, parsePorts, type Rule } from './rule.ts';

export type Direction = 'in' | 'out' | 'forward';

/** Where the names in a rule are looked up: a security group knows only the datacenter's. */
export interface Names {
  readonly dc: FirewallDocument;
  readonly guest?: FirewallDocument | undefined;
}

/** Throws an Error when there is no such alias. */
function aliasRange(names: Names, scope: Scope | undefined, name: string): AddressRange {
  for (const document of documentsOf(names, scope)) {
    const alias = entries(document, 'aliases').find((one) => one.name.toLowerCase() === name.toLowerCase());
    const range = alias && parseAddress(alias.cidr);
    if (range) return range;
  }
  throw new Error(`there is no alias '${scope ? `${scope}/` : ''}${name}'`);
}

/** What an IP set holds in one family. Throws an Error when there is no such set, or one of its aliases is missing. */
export function setRanges(
  names: Names,
  scope: Scope | undefined,
  name: string,
  family: Family,
): AddressRange[] {
  const document = documentsOf(names, scope).find((one) => sections(one, 'ipset', name).length > 0);
  if (!document) throw new Error(`there is no IP set '+${scope ? `${scope}/` : ''}${name}'`);
  const members = entries(document, 'ipset', name).map(
    ({ cidr, nomatch }): SetEntry => ({ range: rangeOf(names, parseSetAddress(cidr)), nomatch }),
  );
  return effectiveRanges(members, family);
}

function documentsOf({ dc, guest }: Names, scope: Scope | undefined): FirewallDocument[] {
  const own = guest && scope !== 'dc' ? [guest] : [];
  return scope === 'guest' ? own : [...own, dc];
}

function rangeOf(names: Names, part: AddressPart): AddressRange {
  if (part.kind === 'range') return part.range;
  return aliasRange(names, part.scope, part.name);
}

/** Addresses of a source or destination in one family; empty when it has none there. */
export function addressRanges(names: Names, text: string, family: Family): AddressRange[] {
  const parts = splitAddresses(text);
  const [first] = parts;
  if (first?.kind === 'ipset') return setRanges(names, first.scope, first.name, family);
  return effectiveRanges(
    parts.map((part) => ({ range: rangeOf(names, part), nomatch: false })),
    family,
  );
}

/** Drops packets from the datacenter's IP set `blacklist`, where there is one. */
export function blacklisted(dc: FirewallDocument): string[] {
  if (sections(dc, 'ipset', 'blacklist').length === 0) return [];
  return ([4, 6] as const).flatMap((family) => {
    const match = sourceMatch(setRanges({ dc }, 'dc', 'blacklist', family));
    return match === undefined ? [] : [`${match} drop`];
  });
}

/** Packets from these addresses of one family; undefined when there are none. */
export function sourceMatch(ranges: readonly AddressRange[]): string | undefined {
  const [first] = ranges;
  if (!first) return undefined;
  const ip = first.family === 4 ? 'ip' : 'ip6';
  return `meta protocol ${ip} ${ip} saddr ${braces(ranges.map(formatRange))}`;
}

export const braces = (values: readonly string[]): string =>
  values.length === 1 ? (values[0] ?? '') : `{ ${values.join(', ')} }`;

/**
 * The matches of a rule, each the beginning of an nft rule (`''`: every packet). None: it matches nothing, as a rule for
 * an empty IP set. Throws an Error for names that do not exist.
 */
export function ruleMatches(rule: Rule, names: Names): string[] {
  const families = addressFamilies(rule, names);
  const macro = rule.macro === undefined ? undefined : findMacro(rule.macro);
  if (rule.macro !== undefined && !macro) throw new Error(`unknown macro '${rule.macro}'`);
  const parts = macro?.parts ?? [ownPart(rule)];
  return parts.flatMap((part) => {
    const protocol = protocolMatch(part, rule);
    return families
      .filter(
        ({ family }) => protocol.family === undefined || family === undefined || family === protocol.family,
      )
      .map(({ family, match }) =>
        [match, family === undefined ? protocol.prefix : '', protocol.match]
          .filter((one) => one !== '')
          .join(' '),
      );
  });
}

const ownPart = (rule: Rule): Partial<MacroPart> => ({
  ...(rule.proto === undefined ? {} : { proto: rule.proto }),
  ...(rule.dport === undefined ? {} : { dport: rule.dport }),
  ...(rule['icmp-type'] === undefined ? {} : { icmpType: rule['icmp-type'] }),
});

/** One match for each family in which the rule's addresses exist; without addresses one for all. */
function addressFamilies(rule: Rule, names: Names): { family: Family | undefined; match: string }[] {
  const fields = (['source', 'dest'] as const).filter((field) => rule[field] !== undefined);
  if (fields.length === 0) return [{ family: undefined, match: '' }];
  return ([4, 6] as const).flatMap((family) => {
    const matches = fields.map((field) => {
      const values = addressRanges(names, rule[field] ?? '', family).map(formatRange);
      return values.length === 0
        ? undefined
        : `${family === 4 ? 'ip' : 'ip6'} ${field === 'source' ? 'saddr' : 'daddr'} ${braces(values)}`;
    });
    if (matches.includes(undefined)) return [];
    return [{ family, match: [`meta protocol ${family === 4 ? 'ip' : 'ip6'}`, ...matches].join(' ') }];
  });
}

function protocolMatch(
  part: Partial<MacroPart>,
  rule: Rule,
): { family?: Family; prefix: string; match: string } {
  if (part.proto === undefined) return { prefix: '', match: '' };
  const protocol = protocolNumber(part.proto);
  if (protocol === undefined) throw new Error(`unknown protocol '${part.proto}'`);
  const family = icmpFamily(part.proto);
  const match = `meta l4proto ${protocol}`;
  if (family !== undefined && (protocol === icmp4 || protocol === icmp6)) {
    return {
      family,
      prefix: `meta protocol ${family === 4 ? 'ip' : 'ip6'}`,
      match: icmpMatch(family, match, part),
    };
  }
  const sport = part.sport ?? rule.sport;
  return {
    prefix: '',
    match: [
      match,
      ...(sport === undefined ? [] : [`th sport ${braces(parsePorts(sport))}`]),
      ...(part.dport === undefined ? [] : [`th dport ${braces(parsePorts(part.dport))}`]),
    ].join(' '),
  };
}

function icmpMatch(family: Family, match: string, part: Partial<MacroPart>): string {
  const name = part.icmpType ?? part.dport;
  if (name === undefined) return match;
  const found = icmpType(family, name);
  if (!found) throw new Error(`unknown ICMP type '${name}'`);
  const word = family === 4 ? 'icmp' : 'icmpv6';
  return [
    match,
    ...(found.type === undefined ? [] : [`${word} type ${found.type}`]),
    ...(found.code === undefined ? [] : [`${word} code ${found.code}`]),
  ].join(' ');
}
