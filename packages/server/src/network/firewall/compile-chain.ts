/** What chains of guests and of the node have in common: options, rules, log, policy. Pure. */
import { type Direction, type Names, ruleMatches } from './compile-rule.ts';
import { entries, type FirewallDocument, sections } from './document.ts';
import { logLevels, type Rule, verdicts } from './rule.ts';

/** What of the whole input a chain needs. */
export interface ChainInput {
  readonly cluster: FirewallDocument;
  /** NFLOG group that logged packets go to; packet-log.ts listens there. */
  readonly logGroup: number;
}

/** One chain: whose packets it decides about. */
export interface ChainPlace {
  readonly direction: Direction;
  /** Its name, as the log shows it. */
  readonly name: string;
  /** 0: the node itself. */
  readonly vmid: number;
  /** What REJECT becomes here. */
  readonly refuse: string;
  /** Match for a rule's interface (`''`: none needed); undefined when the rule is not for this chain. */
  interfaceMatch(iface: string): string | undefined;
}

/** Values of [OPTIONS] by name; the last one counts. */
export function optionsOf(document: FirewallDocument): Record<string, string> {
  return Object.fromEntries(entries(document, 'options').map(({ key, value }) => [key, value]));
}

/** A number above 1 is a time: what clients store who switch on in two steps. */
export const isOn = (value: string | undefined, fallback: boolean): boolean =>
  value === undefined ? fallback : /^(0*[1-9]\d*|on|yes|true)$/i.test(value);

/** The switch of the datacenter or of a guest: without it no rule holds there. */
export function isEnabled(document: FirewallDocument): boolean {
  return isOn(optionsOf(document).enable, false);
}

/**
 * The statements of a document's rules for one chain. `where` names the document for errors. Throws an Error that names
 * the rule that cannot be.
 */
export function ruleStatements(
  input: ChainInput,
  place: ChainPlace,
  document: FirewallDocument,
  names: Names,
  where: string,
): string[] {
  return entries(document, 'rules').flatMap((rule, pos) => {
    if (!rule.enable) return [];
    const match = rule.iface === undefined ? '' : place.interfaceMatch(rule.iface);
    if (match === undefined) return [];
    if (rule.type === 'group') return groupStatements(input, place, match, rule.action, where);
    return oneRule(input, place, match, rule, names, `${where} rule ${pos}`);
  });
}

/** A group knows only the datacenter's names. */
function groupStatements(
  input: ChainInput,
  place: ChainPlace,
  match: string,
  name: string,
  where: string,
): string[] {
  if (sections(input.cluster, 'group', name).length === 0) {
    throw new Error(`${where}: there is no security group '${name}'`);
  }
  const names = { dc: input.cluster };
  return entries(input.cluster, 'group', name)
    .filter((rule) => rule.enable && rule.type !== 'group')
    .flatMap((rule) => oneRule(input, place, match, rule, names, `firewall/cluster.fw group ${name}`));
}

function oneRule(
  input: ChainInput,
  place: ChainPlace,
  prefix: string,
  rule: Rule,
  names: Names,
  where: string,
): string[] {
  if (rule.type !== place.direction) return [];
  try {
    return ruleMatches(rule, names).flatMap((found) => {
      const match = `${prefix} ${found}`.trim();
      return [
        ...logStatement(input, place, rule.log, `${rule.action}`, match),
        `${match} ${verdict(place, rule.action)}`.trim(),
      ];
    });
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`);
  }
}

/** The statement for all that no rule has decided about. Throws an Error for what is no policy. */
export function policyStatements(
  input: ChainInput,
  place: ChainPlace,
  action: string,
  log: string | undefined,
  where: string,
): string[] {
  if (!verdicts.some((one) => one === action)) {
    throw new Error(`${where}: policy_${place.direction} is '${action}', not one of ${verdicts.join(', ')}`);
  }
  return [
    ...(action === 'ACCEPT' ? [] : logStatement(input, place, log, `policy ${action}`, '')),
    verdict(place, action),
  ];
}

export function verdict(place: ChainPlace, action: string): string {
  return action === 'ACCEPT' ? 'accept' : action === 'REJECT' ? place.refuse : 'drop';
}

/** Levels by the numbers of syslog; `nolog` is none. */
const levelNumber = (level: string): number => (logLevels as readonly string[]).indexOf(level);

/** `:100:6:tap100i0-in: DROP: ` in front of a packet says whose it was, how it is to be logged, where and why. */
export function logStatement(
  input: ChainInput,
  { vmid, name }: Pick<ChainPlace, 'vmid' | 'name'>,
  level: string | undefined,
  what: string,
  match: string,
): string[] {
  if (level === undefined || level === '' || level === 'nolog') return [];
  const prefix = JSON.stringify(`:${vmid}:${levelNumber(level)}:${name}: ${what}: `);
  return [
    `${match} ${rateLimit(input.cluster)}log prefix ${prefix} group ${input.logGroup} snaplen 128`.trim(),
  ];
}

/** The datacenter's `log_ratelimit`: `enable=1,rate=1/second,burst=5` unless it says otherwise. */
function rateLimit(cluster: FirewallDocument): string {
  const text = optionsOf(cluster).log_ratelimit ?? '1';
  const value = (key: string) => new RegExp(`(?:^|,)${key}=([^,]+)`).exec(text)?.[1];
  if (!isOn(value('enable') ?? /^[^,=]+/.exec(text)?.[0], true)) return '';
  const rate = value('rate') ?? '1/second';
  return `limit rate ${/^\d+\/(second|minute|hour|day)$/.test(rate) ? rate : '1/second'} burst ${Number(value('burst') ?? 5) || 5} packets `;
}
