/** Security groups of the datacenter, and the rules everywhere that insert them. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { type ConfigStore, ConflictError } from '../../../cluster/store.ts';
import {
  addSection,
  entryLines,
  type FirewallDocument,
  formatDocument,
  parseDocument,
  removeSection,
  type Section,
  sections,
  setEntry,
} from '../document.ts';
import { clusterFirewall } from '../documents.ts';
import { renameSections, type SectionFields } from './named-sections.ts';

/** How often a renaming is tried while others change the documents. */
const attempts = 10;

/** Makes a group; with `rename` it gives one another name, in all rules that insert it too, in one transaction. */
export async function makeGroup(
  store: ConfigStore,
  name: string,
  fields: SectionFields,
  author: string,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const changes = [clusterFirewall, ...documentPaths(store)].flatMap((path) => {
      const doc = store.get(path);
      const text = changed(path, doc?.text ?? '', name, fields);
      return text === (doc?.text ?? '') ? [] : [{ path, revision: doc?.revision ?? 0, text }];
    });
    try {
      await store.commit(
        changes,
        changes.map(({ path, text }) => ({ path, text })),
        { author },
      );
      return;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= attempts) throw error;
    }
  }
}

/** Documents with rules, but for the datacenter's. */
const documentPaths = (store: ConfigStore): string[] => [
  ...store
    .list('firewall/')
    .map(({ path }) => path)
    .filter((path) => /^firewall\/\d+\.fw$/.test(path)),
  ...store
    .list('nodes/')
    .map(({ path }) => path)
    .filter((path) => /^nodes\/[^/]+\/host\.fw$/.test(path)),
];

function changed(path: string, text: string, name: string, fields: SectionFields): string {
  const document = parseDocument(text);
  if (path === clusterFirewall) makeOrRename(document, name, fields);
  if (fields.rename !== undefined) renameInRules(document, fields.rename, name);
  return formatDocument(document);
}

function makeOrRename(document: FirewallDocument, name: string, fields: SectionFields): void {
  if (renameSections(document, 'group', name, fields)) return;
  if (sections(document, 'group', name).length > 0) {
    throw new ParameterError({ group: `Security group '${name}' already exists` });
  }
  addSection(document, 'group', name, fields.comment);
}

function renameInRules(document: FirewallDocument, from: string, to: string): void {
  for (const line of entryLines(document, 'rules')) {
    const rule = line.entry;
    if (rule?.type === 'group' && rule.action.toLowerCase() === from.toLowerCase() && from !== to) {
      setEntry('rules', line, { ...rule, action: to });
    }
  }
}

/** Throws 'state' while the group has rules. */
export function removeGroup(document: FirewallDocument, name: string): void {
  const found = sections(document, 'group', name);
  if (found.length === 0) throw new RyokanError('not-found', `no such security group '${name}'`);
  if (entryLines(document, 'group', name).length > 0) {
    throw new RyokanError('state', `Security group '${name}' is not empty`);
  }
  for (const section of found) removeSection(document, section as unknown as Section);
}
