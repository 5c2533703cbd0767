/** IP sets of a document, and what they hold. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { formatRange, parseAddress } from '../address.ts';
import {
  addEntry,
  addSection,
  digestOf,
  entryLines,
  type FirewallDocument,
  removeLine,
  removeSection,
  type Section,
  type SetMember,
  sections,
  setEntry,
} from '../document.ts';
import { demandDigest } from './change.ts';
import { renameSections, type SectionFields } from './named-sections.ts';

export interface SetMemberFields {
  readonly nomatch?: boolean | undefined;
  readonly comment?: string | undefined;
  readonly digest?: string | undefined;
}

export type SetMemberRow = Omit<SetMember, 'nomatch'> & { readonly nomatch?: 1; readonly digest: string };

export function makeSet(document: FirewallDocument, name: string, fields: SectionFields): void {
  if (renameSections(document, 'ipset', name, fields)) return;
  if (sections(document, 'ipset', name).length > 0) {
    throw new ParameterError({ name: `IPSet '${name}' already exists` });
  }
  addSection(document, 'ipset', name, fields.comment);
}

export function removeSet(document: FirewallDocument, name: string, force: boolean): void {
  const found = demandSet(document, name);
  if (!force && entryLines(document, 'ipset', name).length > 0) {
    throw new RyokanError('state', `IPSet '${name}' is not empty`);
  }
  for (const section of found) removeSection(document, section as unknown as Section);
}

export function listMembers(document: FirewallDocument, name: string): SetMemberRow[] {
  demandSet(document, name);
  const lines = entryLines(document, 'ipset', name);
  const digest = digestOf(lines);
  return lines
    .flatMap(({ entry }) => entry ?? [])
    .map(({ nomatch, ...entry }) => ({ ...entry, ...(nomatch ? { nomatch: 1 as const } : {}), digest }));
}

export function memberOf(document: FirewallDocument, name: string, cidr: string): SetMemberRow {
  const wanted = plain(cidr);
  const found = listMembers(document, name).find((one) => plain(one.cidr) === wanted);
  if (!found) throw noSuchMember();
  return found;
}

export function addMember(
  document: FirewallDocument,
  name: string,
  cidr: string,
  fields: SetMemberFields,
): void {
  demandSet(document, name);
  if (/\/0+$/.test(cidr)) {
    throw new ParameterError({ cidr: 'a zero prefix is not allowed in ipset entries' });
  }
  if (entryLines(document, 'ipset', name).some(({ entry }) => plain(entry?.cidr ?? '') === plain(cidr))) {
    throw new ParameterError({ cidr: `address '${cidr}' already exists` });
  }
  addEntry(document, 'ipset', { cidr, nomatch: fields.nomatch === true, comment: fields.comment }, { name });
}

/** What is not given goes, as clients expect. */
export function changeMember(
  document: FirewallDocument,
  name: string,
  cidr: string,
  fields: SetMemberFields,
): void {
  const line = lineOf(document, name, cidr, fields.digest);
  setEntry('ipset', line, {
    cidr: line.entry?.cidr ?? cidr,
    nomatch: fields.nomatch === true,
    comment: fields.comment,
  });
}

export function removeMember(
  document: FirewallDocument,
  name: string,
  cidr: string,
  digest: string | undefined,
): void {
  removeLine(document, 'ipset', lineOf(document, name, cidr, digest));
}

function lineOf(document: FirewallDocument, name: string, cidr: string, digest: string | undefined) {
  demandSet(document, name);
  const lines = entryLines(document, 'ipset', name);
  demandDigest(lines, digest);
  const line = lines.find(({ entry }) => plain(entry?.cidr ?? '') === plain(cidr));
  if (!line) throw noSuchMember();
  return line;
}

const noSuchMember = () => new ParameterError({ cidr: 'no such IP/Network' });

/** One text for all ways to write an address; names in lower case. */
function plain(cidr: string): string {
  const range = parseAddress(cidr);
  return range ? formatRange(range) : cidr.toLowerCase();
}

function demandSet(document: FirewallDocument, name: string): Section<'ipset'>[] {
  const found = sections(document, 'ipset', name);
  if (found.length === 0) throw new RyokanError('not-found', `no such IPSet '${name}'`);
  return found;
}
