/** Lists of rules: of a guest, a node, the datacenter or a security group. Positions count from 0. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { type Names, ruleMatches } from '../compile-rule.ts';
import {
  addEntry,
  digestOf,
  entryLines,
  type FirewallDocument,
  insertLine,
  type Line,
  removeLine,
  sections,
  setEntry,
} from '../document.ts';
import { findMacro } from '../macros.ts';
import { type Rule, type RuleType, ruleProblems } from '../rule.ts';
import { demandDigest } from './change.ts';

/** Which list of a document. */
export interface RuleList {
  readonly kind: 'rules' | 'group';
  /** Of a security group. */
  readonly name?: string | undefined;
  readonly owner: 'guest' | 'node' | 'cluster' | 'group';
}

/** Fields as a client sends them; an empty text or `-` takes a field away. */
export type RuleFields = Readonly<Record<string, unknown>>;

/** A rule as a client sees it. */
export type RuleRow = Omit<Rule, 'enable'> & {
  readonly enable: number;
  readonly digest: string;
  readonly errors?: Readonly<Record<string, string>>;
};

const optional = [
  'macro',
  'iface',
  'source',
  'dest',
  'proto',
  'dport',
  'sport',
  'icmp-type',
  'log',
  'comment',
] as const;

type RuleLine = Line<Rule>;

export function listRules(document: FirewallDocument, list: RuleList): RuleRow[] {
  const lines = linesOf(document, list);
  const digest = digestOf(lines);
  return lines.map((line) => ({
    ...(line.entry as Rule),
    enable: line.entry?.enable ? 1 : 0,
    digest,
    ...(line.problem === undefined ? {} : { errors: errorsOf(line) }),
  }));
}

/** Throws the text that clients look for when there is no such position. */
export function ruleAt<T>(rules: readonly T[], pos: number): T {
  const rule = rules[pos];
  if (rule === undefined) throw new RyokanError('not-found', `no rule at position ${pos}`);
  return rule;
}

/** A new rule is the first. Switched off unless `enable` is given. */
export function addRule(document: FirewallDocument, list: RuleList, fields: RuleFields, names: Names): void {
  const lines = linesOf(document, list);
  demandDigest(lines, fields.digest as string | undefined);
  const rule = withFields(
    { type: fields.type as RuleType, action: String(fields.action), enable: false },
    fields,
  );
  demandSensible(rule, list, names);
  addEntry(document, list.kind, rule, { name: list.name, before: lines[0] });
}

/** With `moveto` the rule only moves: in front of the one that has that position now. */
export function changeRule(
  document: FirewallDocument,
  list: RuleList,
  pos: number,
  fields: RuleFields,
  names: Names,
): void {
  const lines = linesOf(document, list);
  demandDigest(lines, fields.digest as string | undefined);
  const line = ruleAt(lines, pos);
  const { moveto } = fields;
  if (typeof moveto === 'number') {
    if (moveto === pos) return;
    removeLine(document, list.kind, line);
    return insertLine(document, list.kind, line, { name: list.name, before: lines[moveto] });
  }
  const rule = withoutFields(withFields(line.entry as Rule, fields), fields.delete as string | undefined);
  demandSensible(rule, list, names);
  setEntry(list.kind, line, rule);
}

export function removeRule(
  document: FirewallDocument,
  list: RuleList,
  pos: number,
  digest: string | undefined,
): void {
  const lines = linesOf(document, list);
  demandDigest(lines, digest);
  removeLine(document, list.kind, ruleAt(lines, pos));
}

function linesOf(document: FirewallDocument, { kind, name }: RuleList): RuleLine[] {
  if (kind === 'group' && sections(document, 'group', name).length === 0) {
    throw new RyokanError('not-found', `no such security group '${name}'`);
  }
  return entryLines(document, kind, name) as RuleLine[];
}

/** By field where the rule can be read, else for the line as a whole. */
function errorsOf({ entry, problem = '' }: RuleLine): Record<string, string> {
  const byField = entry ? ruleProblems(entry) : {};
  return Object.keys(byField).length > 0 ? byField : { action: problem };
}

function withFields(rule: Rule, fields: RuleFields): Rule {
  const changed: Record<string, unknown> = { ...rule };
  for (const key of ['type', 'action', ...optional] as const) {
    const value = fields[key];
    if (value === undefined) continue;
    if (value === '' || value === '-') delete changed[key];
    else changed[key] = value;
  }
  if (fields.enable !== undefined) changed.enable = fields.enable !== 0;
  if (typeof changed.macro === 'string') changed.macro = findMacro(changed.macro)?.name ?? changed.macro;
  return changed as unknown as Rule;
}

function withoutFields(rule: Rule, removed = ''): Rule {
  const changed: Record<string, unknown> = { ...rule };
  for (const key of splitList(removed)) {
    if (key === 'enable') changed.enable = false;
    else if (optional.some((one) => one === key)) delete changed[key];
    else throw new ParameterError({ delete: `a rule has no field '${key}' that could be removed` });
  }
  return changed as unknown as Rule;
}

const types: Readonly<Record<RuleList['owner'], readonly RuleType[]>> = {
  guest: ['in', 'out', 'group'],
  node: ['in', 'out', 'forward', 'group'],
  cluster: ['in', 'out', 'forward', 'group'],
  group: ['in', 'out', 'forward'],
};

/** Throws ParameterError with a text for each field that cannot be. */
function demandSensible(rule: Rule, { owner }: RuleList, names: Names): void {
  const problems = { ...ruleProblems(rule), ...placeProblems(rule, owner), ...nameProblems(rule, names) };
  if (Object.keys(problems).length > 0) throw new ParameterError(problems);
}

function placeProblems({ type, action, iface }: Rule, owner: RuleList['owner']): Record<string, string> {
  const problems: Record<string, string> = {};
  if (!types[owner].includes(type)) {
    problems.type = `'${type}' is not possible here: ${types[owner].join(', ')}`;
  }
  if (type === 'forward' && action === 'REJECT')
    problems.action = 'what is forwarded cannot be rejected, only dropped';
  if (iface !== undefined && owner === 'group') problems.iface = 'give it where the group is inserted';
  if (iface !== undefined && owner === 'guest' && !/^net\d+$/.test(iface)) {
    problems.iface = `'${iface}' is no network card of a guest: net0, net1, …`;
  }
  return problems;
}

/** Names that there are not would keep all rules of the document from being loaded. */
function nameProblems(rule: Rule, names: Names): Record<string, string> {
  if (rule.type === 'group') {
    const known = sections(names.dc, 'group', rule.action).length > 0;
    return known ? {} : { action: `there is no security group '${rule.action}'` };
  }
  const problems: Record<string, string> = {};
  for (const field of ['source', 'dest'] as const) {
    const value = rule[field];
    if (value === undefined) continue;
    try {
      ruleMatches({ type: rule.type, action: rule.action, enable: true, [field]: value }, names);
    } catch (error) {
      problems[field] = (error as Error).message;
    }
  }
  return problems;
}
