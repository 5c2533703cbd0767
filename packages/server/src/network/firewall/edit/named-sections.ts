/** Sections with a name: IP sets and security groups. */
import { ParameterError } from '@ryokan/api/errors.ts';
import { digestOf, type FirewallDocument, sections, setHeader } from '../document.ts';
import { demandDigest } from './change.ts';

type Kind = 'ipset' | 'group';

export interface SectionFields {
  readonly comment?: string | undefined;
  /** The section that gets the name; the same name changes the comment only. */
  readonly rename?: string | undefined;
  readonly digest?: string | undefined;
}

export interface SectionRow {
  readonly name: string;
  readonly comment?: string;
  readonly digest: string;
}

const titles: Readonly<Record<Kind, { readonly key: string; readonly text: string }>> = {
  ipset: { key: 'name', text: 'IPSet' },
  group: { key: 'group', text: 'Security group' },
};

const headersOf = (document: FirewallDocument, kind: Kind) =>
  sections(document, kind).map(({ header }) => ({ text: header }));

/** Each name once, sorted. */
export function listSections(document: FirewallDocument, kind: Kind): SectionRow[] {
  const digest = digestOf(headersOf(document, kind));
  const byName = new Map(
    sections(document, kind).flatMap(({ name, comment }) =>
      name === undefined ? [] : [[name.toLowerCase(), { name, ...(comment ? { comment } : {}), digest }]],
    ),
  );
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Carries `rename` out; false when the caller wants a new section. */
export function renameSections(
  document: FirewallDocument,
  kind: Kind,
  name: string,
  { rename, comment, digest }: SectionFields,
): boolean {
  demandDigest(headersOf(document, kind), digest);
  if (rename === undefined) return false;
  const { key, text } = titles[kind];
  const found = sections(document, kind, rename);
  if (found.length === 0) throw new ParameterError({ [key]: `${text} '${rename}' does not exist` });
  if (rename.toLowerCase() !== name.toLowerCase() && sections(document, kind, name).length > 0) {
    throw new ParameterError({ [key]: `${text} '${name}' does already exist` });
  }
  for (const section of found) {
    section.name = name;
    setHeader(section, comment ?? section.comment);
  }
  return true;
}
