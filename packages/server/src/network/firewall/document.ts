/**
 * A firewall document, `firewall/cluster.fw` or `firewall/<vmid>.fw` in the format of Proxmox VE: sections [OPTIONS],
 * [ALIASES], [IPSET name], [RULES], [group name]. Lines that nobody touches stay as they are, also those that mean
 * nothing here; a change writes only its own line.
 */
import { createHash } from 'node:crypto';
import { parseAddress } from './address.ts';
import { parseSetAddress } from './address-spec.ts';
import { formatRule, parseRule, type Rule, ruleProblems } from './rule.ts';

export interface Option {
  readonly key: string;
  readonly value: string;
}

export interface Alias {
  readonly name: string;
  readonly cidr: string;
  readonly comment?: string | undefined;
}

export interface SetMember {
  /** An address, a network or an alias. */
  readonly cidr: string;
  readonly nomatch: boolean;
  readonly comment?: string | undefined;
}

interface Entries {
  options: Option;
  aliases: Alias;
  ipset: SetMember;
  rules: Rule;
  group: Rule;
}
export type SectionKind = keyof Entries;

/** One line. Without `entry` it is blank, a comment, or, with `problem`, not understood. */
export interface Line<T> {
  text: string;
  entry?: T;
  problem?: string;
}

export interface Section<K extends SectionKind = SectionKind> {
  readonly kind: K | 'unknown';
  /** Of an IP set or a security group. */
  name?: string;
  comment?: string;
  header: string;
  readonly lines: Line<Entries[K]>[];
}

export interface FirewallDocument {
  /** Lines above the first section. */
  readonly lead: string[];
  readonly sections: Section[];
}

/** A line that is not understood. */
export interface DocumentProblem {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

const parsers: { readonly [K in SectionKind]: (text: string) => Entries[K] } = {
  options: (text) => {
    const [, key, value] = /^([a-z][\w-]*)\s*[:=](.*)$/i.exec(text) ?? [];
    if (key === undefined || value === undefined) throw new Error('an option is written as `name: value`');
    return { key: key.toLowerCase(), value: value.trimStart() };
  },
  aliases: (text) => {
    const [body, comment] = splitComment(text);
    const [, name, cidr] = /^([A-Za-z][\w-]+)\s+(\S+)$/.exec(body) ?? [];
    if (name === undefined || cidr === undefined) throw new Error('an alias is written as `name address`');
    if (!parseAddress(cidr)) throw new Error(`'${cidr}' is no address and no network`);
    return { name, cidr, ...(comment ? { comment } : {}) };
  },
  ipset: (text) => {
    const [body, comment] = splitComment(text);
    const [, mark, cidr = ''] = /^(!)?\s*(\S+)$/.exec(body) ?? [];
    parseSetAddress(cidr);
    return { cidr, nomatch: mark !== undefined, ...(comment ? { comment } : {}) };
  },
  rules: checkedRule,
  group: checkedRule,
};

function checkedRule(text: string): Rule {
  const rule = readRule(text);
  const problems = Object.entries(ruleProblems(rule));
  // What is switched off may be unfinished.
  if (rule.enable && problems.length > 0) {
    throw Object.assign(new Error(problems.map(([field, reason]) => `${field}: ${reason}`).join('; ')), {
      rule,
    });
  }
  return rule;
}

/** A rule keeps its place in the list even when it cannot be read, so that it can be seen and removed. */
function readRule(text: string): Rule {
  try {
    return parseRule(text);
  } catch (error) {
    const rule: Rule = { type: 'in', action: 'DROP', enable: false, comment: text };
    throw Object.assign(error as Error, { rule });
  }
}

function splitComment(text: string): [string, string | undefined] {
  const at = text.indexOf('#');
  return at < 0 ? [text.trim(), undefined] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** Never throws: problems stay with their lines. */
export function parseDocument(text: string): FirewallDocument {
  const document: FirewallDocument = { lead: [], sections: [] };
  let section: Section | undefined;
  for (const line of text.split('\n')) {
    const header = parseHeader(line);
    if (header) {
      section = header;
      document.sections.push(section);
    } else if (section) section.lines.push(parseLine(section.kind, line));
    else document.lead.push(line);
  }
  return document;
}

function parseHeader(line: string): Section | undefined {
  const [, body, comment] = /^\[([^\]]*)\]\s*(?:#(.*))?$/.exec(line.trim()) ?? [];
  if (body === undefined) return undefined;
  const [keyword = '', name, more] = body.trim().split(/\s+/);
  const kind = keyword.toLowerCase();
  const named = kind === 'ipset' || kind === 'group';
  const known = named
    ? name !== undefined
    : ['options', 'aliases', 'rules'].includes(kind) && name === undefined;
  return {
    kind: known && more === undefined ? (kind as SectionKind) : 'unknown',
    ...(named && name !== undefined ? { name } : {}),
    ...(comment?.trim() ? { comment: comment.trim() } : {}),
    header: line,
    lines: [],
  };
}

function parseLine(kind: SectionKind | 'unknown', text: string): Line<Entries[SectionKind]> {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return { text };
  if (kind === 'unknown') return { text, problem: 'this section is not known' };
  try {
    return { text, entry: parsers[kind](trimmed) };
  } catch (error) {
    const { message, rule } = error as Error & { rule?: Rule };
    return { text, problem: message, ...(rule ? { entry: rule } : {}) };
  }
}

/** Byte for byte what was read, but for the lines changed since. */
export function formatDocument(document: FirewallDocument): string {
  const lines = [...document.lead];
  for (const { header, lines: body } of document.sections)
    lines.push(header, ...body.map((line) => line.text));
  return lines.join('\n');
}

/** Lines that are not understood, in order. */
export function documentProblems(document: FirewallDocument): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  let number = document.lead.length;
  for (const section of document.sections) {
    number++;
    for (const line of section.lines) {
      number++;
      if (line.problem !== undefined) {
        problems.push({ line: number, text: `'${line.text.trim()}': ${line.problem}` });
      }
    }
  }
  return problems;
}

/** Sections of a kind; named ones by name, whose case does not matter. */
export function sections<K extends SectionKind>(
  document: FirewallDocument,
  kind: K,
  name?: string,
): Section<K>[] {
  const wanted = name?.toLowerCase();
  return document.sections.filter(
    (one) => one.kind === kind && (wanted === undefined || one.name?.toLowerCase() === wanted),
  ) as unknown as Section<K>[];
}

/** Lines with an entry, of all sections of a kind. */
export function entryLines<K extends SectionKind>(
  document: FirewallDocument,
  kind: K,
  name?: string,
): Line<Entries[K]>[] {
  return sections(document, kind, name).flatMap((section) =>
    section.lines.filter((line) => line.entry !== undefined),
  );
}

/** Entries of all sections of a kind, in order. */
export function entries<K extends SectionKind>(
  document: FirewallDocument,
  kind: K,
  name?: string,
): Entries[K][] {
  return entryLines(document, kind, name).flatMap((line) => (line.entry === undefined ? [] : [line.entry]));
}

/** SHA-1 of what a list shows: a change elsewhere in the document does not make it stale. */
export function digestOf(lines: readonly { readonly text: string }[] | readonly string[]): string {
  const texts = lines.map((line) => (typeof line === 'string' ? line : line.text));
  return createHash('sha1').update(texts.join('\n')).digest('hex');
}

const formatters: { readonly [K in SectionKind]: (entry: Entries[K]) => string } = {
  options: ({ key, value }) => `${key}: ${value}`,
  aliases: ({ name, cidr, comment }) => `${name} ${cidr}${commentText(comment)}`,
  ipset: ({ cidr, nomatch, comment }) => `${nomatch ? '!' : ''}${cidr}${commentText(comment)}`,
  rules: formatRule,
  group: formatRule,
};

function commentText(comment: string | undefined): string {
  const line = comment?.replace(/\s+/g, ' ').trim();
  return line ? ` # ${line}` : '';
}

/** Writes an entry into a line. */
export function setEntry<K extends SectionKind>(kind: K, line: Line<Entries[K]>, entry: Entries[K]): void {
  line.text = formatters[kind](entry);
  line.entry = entry;
  delete line.problem;
}

/** Where a line goes: in front of `before`, else below the last line that is not blank. */
interface LinePlace<K extends SectionKind> {
  readonly name?: string | undefined;
  readonly before?: Line<Entries[K]> | undefined;
}

/** Adds an entry as a line of its own. */
export function addEntry<K extends SectionKind>(
  document: FirewallDocument,
  kind: K,
  entry: Entries[K],
  options: LinePlace<K> = {},
): void {
  const line: Line<Entries[K]> = { text: '' };
  setEntry(kind, line, entry);
  insertLine(document, kind, line, options);
}

/** Puts a line as it is, for one that removeLine took from elsewhere in the list. */
export function insertLine<K extends SectionKind>(
  document: FirewallDocument,
  kind: K,
  line: Line<Entries[K]>,
  options: LinePlace<K> = {},
): void {
  const found = sections(document, kind, options.name);
  const section =
    found.find((one) => options.before !== undefined && one.lines.includes(options.before)) ??
    found.at(-1) ??
    addSection(document, kind, options.name);
  const last = section.lines.findLastIndex((one) => one.text.trim() !== '');
  const at = options.before === undefined ? last + 1 : section.lines.indexOf(options.before);
  section.lines.splice(at, 0, line);
}

export function removeLine<K extends SectionKind>(
  document: FirewallDocument,
  kind: K,
  line: Line<Entries[K]>,
): void {
  for (const { lines } of sections(document, kind)) {
    const at = lines.indexOf(line);
    if (at >= 0) lines.splice(at, 1);
  }
}

const titles: Readonly<Record<SectionKind, string>> = {
  options: 'OPTIONS',
  aliases: 'ALIASES',
  ipset: 'IPSET',
  rules: 'RULES',
  group: 'group',
};

/** Adds a section at the end, below a blank line; the options go to the top. */
export function addSection<K extends SectionKind>(
  document: FirewallDocument,
  kind: K,
  name?: string,
  comment?: string,
): Section<K> {
  const section: Section<K> = {
    kind,
    ...(name === undefined ? {} : { name }),
    header: '',
    lines: [{ text: '' }],
  };
  setHeader(section, comment);
  if (document.sections.length === 0) {
    while (document.lead.length > 0 && document.lead.at(-1)?.trim() === '') document.lead.pop();
    if (document.lead.length > 0) document.lead.push('');
  }
  if (kind === 'options') document.sections.unshift(section as unknown as Section);
  else {
    endWithBlank(document.sections.at(-1));
    document.sections.push(section as unknown as Section);
  }
  return section;
}

/** One blank line between what stands there and the next section. */
function endWithBlank(section: Section | undefined): void {
  if (section && section.lines.at(-1)?.text.trim() !== '') section.lines.push({ text: '' });
}

/** Gives an IP set or a security group its name and comment. */
export function setHeader<K extends SectionKind>(section: Section<K>, comment: string | undefined): void {
  if (section.kind === 'unknown') return;
  section.header = `[${titles[section.kind]}${section.name === undefined ? '' : ` ${section.name}`}]${commentText(comment)}`;
  if (comment) section.comment = comment;
  else delete section.comment;
}

export function removeSection(document: FirewallDocument, section: Section): void {
  const at = document.sections.indexOf(section);
  if (at >= 0) document.sections.splice(at, 1);
}
