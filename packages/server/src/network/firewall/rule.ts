/**
 * One rule: as a line of a firewall document, and whether it can mean anything.
 *
 *     IN SSH(ACCEPT) -i net0 -source 192.0.2.0/24 -log info # from the office
 *     |OUT DROP -p tcp -dport 25,465            (a `|` in front: switched off)
 *     GROUP webserver -i net1
 */
import { splitAddresses } from './address-spec.ts';
import { findMacro } from './macros.ts';
import { hasPorts, icmpType, protocolNumber, servicePort } from './names.ts';

export const ruleTypes = ['in', 'out', 'forward', 'group'] as const;
export type RuleType = (typeof ruleTypes)[number];

export const logLevels = [
  'emerg',
  'alert',
  'crit',
  'err',
  'warning',
  'notice',
  'info',
  'debug',
  'nolog',
] as const;
export type LogLevel = (typeof logLevels)[number];

export const verdicts = ['ACCEPT', 'DROP', 'REJECT'] as const;
export type Verdict = (typeof verdicts)[number];

export interface Rule {
  readonly type: RuleType;
  /** A verdict, or the security group's name. */
  readonly action: string;
  readonly enable: boolean;
  readonly macro?: string | undefined;
  readonly iface?: string | undefined;
  readonly source?: string | undefined;
  readonly dest?: string | undefined;
  readonly proto?: string | undefined;
  readonly dport?: string | undefined;
  readonly sport?: string | undefined;
  readonly 'icmp-type'?: string | undefined;
  readonly log?: string | undefined;
  readonly comment?: string | undefined;
}

/** Fields that stand in a line as options, in the order in which they are written. */
const options = {
  i: 'iface',
  source: 'source',
  dest: 'dest',
  p: 'proto',
  dport: 'dport',
  sport: 'sport',
  'icmp-type': 'icmp-type',
  log: 'log',
} as const;

/** Throws an Error that says what is wrong with the line. */
export function parseRule(line: string): Rule {
  const [, off, body = '', comment] =
    /^(\|)?([^#]*)(?:#(.*))?$/.exec(line.trim())?.map((part) => part?.trim()) ?? [];
  const [typeText = '', actionText = '', ...words] = body.split(/\s+/);
  const type = ruleTypes.find((one) => one === typeText.toLowerCase());
  if (!type) throw new Error(`a rule begins with IN, OUT, FORWARD or GROUP, not '${typeText}'`);
  if (actionText === '') throw new Error('the action is missing');
  const [, macro, verdict] = /^([\w-]+)\(([\w-]+)\)$/.exec(actionText) ?? [];
  return {
    type,
    action: verdict ?? actionText,
    enable: off === undefined,
    ...(macro === undefined ? {} : { macro }),
    ...parseOptions(words),
    ...(comment ? { comment } : {}),
  };
}

function parseOptions(words: readonly string[]): Partial<Rule> {
  const found: Record<string, string> = {};
  for (let i = 0; i < words.length; i += 2) {
    const key = options[(words[i] ?? '').replace(/^--?/, '') as keyof typeof options];
    const value = words[i + 1];
    if (!key || !words[i]?.startsWith('-')) throw new Error(`'${words[i]}' is not understood`);
    if (value === undefined) throw new Error(`the value of '${words[i]}' is missing`);
    if (found[key] !== undefined) throw new Error(`'${words[i]}' stands twice`);
    found[key] = value;
  }
  return found;
}

/** The rule as a line; the comment loses line breaks. */
export function formatRule(rule: Rule): string {
  const action = rule.macro === undefined ? rule.action : `${rule.macro}(${rule.action})`;
  const words = Object.entries(options).flatMap(([option, key]) => {
    const value = rule[key];
    return value === undefined ? [] : [`-${option} ${value.replace(/\s+/g, '')}`];
  });
  const comment = rule.comment?.replace(/\s+/g, ' ').trim();
  return [
    `${rule.enable ? '' : '|'}${rule.type.toUpperCase()} ${action}`,
    ...words,
    ...(comment ? [`# ${comment}`] : []),
  ].join(' ');
}

/** What makes a rule meaningless by itself, by field; names of aliases, sets and groups are looked up elsewhere. */
export function ruleProblems(rule: Rule): Record<string, string> {
  const problems: Record<string, string> = {};
  if (rule.iface !== undefined && !/^[A-Za-z][\w.:-]{0,19}$/.test(rule.iface)) {
    problems.iface = `'${rule.iface}' is no name of a network card`;
  }
  if (rule.type === 'group') {
    if (rule.macro !== undefined) problems.macro = 'a security group is inserted as it is, without macro';
    return problems;
  }
  if (!verdicts.some((one) => one === rule.action)) {
    problems.action = `unknown action '${rule.action}': ${verdicts.join(', ')}`;
  }
  if (rule.macro !== undefined && !findMacro(rule.macro)) problems.macro = `unknown macro '${rule.macro}'`;
  if (rule.log !== undefined && !logLevels.some((one) => one === rule.log)) {
    problems.log = `unknown log level '${rule.log}': ${logLevels.join(', ')}`;
  }
  for (const field of ['source', 'dest'] as const) {
    const value = rule[field];
    if (value !== undefined) addProblem(problems, field, () => splitAddresses(value));
  }
  portProblems(rule, problems);
  return problems;
}

function portProblems(rule: Rule, problems: Record<string, string>): void {
  const protocol = rule.proto === undefined ? undefined : protocolNumber(rule.proto);
  if (rule.proto !== undefined && protocol === undefined) {
    problems.proto = `unknown protocol '${rule.proto}'; its number does too`;
    return;
  }
  for (const field of ['dport', 'sport'] as const) {
    const value = rule[field];
    if (value === undefined) continue;
    const icmp = field === 'dport' ? icmpFamily(rule.proto) : undefined;
    if (icmp) {
      if (!icmpType(icmp, value)) problems[field] = `unknown ICMP type '${value}'`;
    } else if (rule.macro === undefined && (protocol === undefined || !hasPorts(protocol))) {
      problems[rule.proto === undefined ? 'proto' : field] =
        'ports need one of the protocols tcp, udp, sctp, dccp, udplite';
    } else addProblem(problems, field, () => parsePorts(value));
  }
  const type = rule['icmp-type'];
  if (type === undefined) return;
  const icmp = icmpFamily(rule.proto);
  if (!icmp) problems['icmp-type'] = 'needs the protocol icmp or icmpv6';
  else if (!icmpType(icmp, type)) problems['icmp-type'] = `unknown ICMP type '${type}'`;
}

function addProblem(problems: Record<string, string>, field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    problems[field] = (error as Error).message;
  }
}

/** The family of ICMP that a protocol is; undefined for all others. */
export function icmpFamily(proto: string | undefined): 4 | 6 | undefined {
  const number = proto === undefined ? undefined : protocolNumber(proto);
  return number === 1 ? 4 : number === 58 ? 6 : undefined;
}

/** `22,80:90,https` as nft writes it: `22`, `80-90`, `443`. Throws an Error for what is no port. */
export function parsePorts(text: string): string[] {
  return text.split(',').map((part) => {
    const [from = '', to, more] = part.split(':');
    const first = port(from);
    if (to === undefined) return String(first);
    const last = port(to);
    if (more !== undefined || last < first) throw new Error(`'${part}' is no range of ports`);
    return first === last ? String(first) : `${first}-${last}`;
  });
}

function port(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : servicePort(text);
  if (number === undefined || number > 65_535) {
    throw new Error(
      `'${text}' is neither a port (0 to 65535) nor the name of a service that this node knows`,
    );
  }
  return number;
}
