/** Aliases of a document. Upper and lower case make no other name. */
import { ParameterError } from '@ryokan/api/errors.ts';
import { parseAddress } from '../address.ts';
import {
  type Alias,
  addEntry,
  digestOf,
  entryLines,
  type FirewallDocument,
  removeLine,
  setEntry,
} from '../document.ts';
import { demandDigest } from './change.ts';

export type AliasRow = Alias & { readonly ipversion: number; readonly digest: string };

export interface AliasFields {
  readonly cidr: string;
  readonly comment?: string | undefined;
  readonly rename?: string | undefined;
  readonly digest?: string | undefined;
}

const linesOf = (document: FirewallDocument) => entryLines(document, 'aliases');
const same = (one: string | undefined, other: string): boolean => one?.toLowerCase() === other.toLowerCase();

export function listAliases(document: FirewallDocument): AliasRow[] {
  const lines = linesOf(document);
  const digest = digestOf(lines);
  return lines
    .flatMap(({ entry }) => entry ?? [])
    .map((entry) => ({ ...entry, ipversion: parseAddress(entry.cidr)?.family ?? 4, digest }));
}

export function aliasNamed(document: FirewallDocument, name: string): AliasRow {
  const found = listAliases(document).find((one) => same(one.name, name));
  if (!found) throw noSuchAlias();
  return found;
}

const noSuchAlias = () => new ParameterError({ name: 'no such alias' });

export function addAlias(document: FirewallDocument, name: string, fields: AliasFields): void {
  demandFree(document, name);
  addEntry(document, 'aliases', { name, cidr: fields.cidr, comment: fields.comment });
}

/** A comment that is not given goes, as clients expect. */
export function changeAlias(document: FirewallDocument, name: string, fields: AliasFields): void {
  demandDigest(linesOf(document), fields.digest);
  const line = lineOf(document, name);
  const { rename = line.entry?.name ?? name, cidr, comment } = fields;
  if (!same(rename, name)) demandFree(document, rename);
  setEntry('aliases', line, { name: rename, cidr, comment });
}

export function removeAlias(document: FirewallDocument, name: string, digest: string | undefined): void {
  demandDigest(linesOf(document), digest);
  removeLine(document, 'aliases', lineOf(document, name));
}

function lineOf(document: FirewallDocument, name: string) {
  const line = linesOf(document).find(({ entry }) => same(entry?.name, name));
  if (!line) throw noSuchAlias();
  return line;
}

function demandFree(document: FirewallDocument, name: string): void {
  if (linesOf(document).some(({ entry }) => same(entry?.name, name))) {
    throw new ParameterError({ name: `alias '${name}' already exists` });
  }
}
