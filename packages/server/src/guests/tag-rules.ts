/** Which tags a caller may give to guests and take from them, by the options user-tag-access and registered-tags. */

import { tagAccessFields } from '@ryokan/api/schema/cluster-options.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { datacenterOption } from '../cluster/datacenter-options.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { parseConfigFile } from './config-file.ts';
import { parseGuestPath } from './guest-store.ts';

export interface TagRules {
  /** For administrators of the datacenter only. */
  readonly registered: ReadonlySet<string>;
  /** What all others may choose from; undefined: anything. */
  readonly allowed: ReadonlySet<string> | undefined;
}

export function tagRules(store: ConfigStore): TagRules {
  const registered = new Set(splitTags(datacenterOption(store, 'registered-tags')));
  const text = datacenterOption(store, 'user-tag-access') ?? '';
  const { 'user-allow': mode = 'free', 'user-allow-list': list } = parsePropertyString(tagAccessFields, text);
  if (mode === 'free') return { registered, allowed: undefined };
  if (mode === 'none') return { registered, allowed: new Set() };
  const listed = splitTags(list);
  return { registered, allowed: new Set(mode === 'list' ? listed : [...listed, ...tagsInUse(store)]) };
}

/** Tags that the caller has to leave as they are, among those that a change sets or removes. */
export function forbiddenTags(
  { registered, allowed }: TagRules,
  before: string | undefined,
  after: string | undefined,
): string[] {
  const [old, now] = [new Set(splitTags(before)), new Set(splitTags(after))];
  const touched = [...now].filter((tag) => !old.has(tag)).concat([...old].filter((tag) => !now.has(tag)));
  return touched.filter((tag) => registered.has(tag) || (allowed !== undefined && !allowed.has(tag)));
}

/** Tags for a caller to choose from: those of the lists and those that guests have. */
export function knownTags(store: ConfigStore): string[] {
  const { registered, allowed } = tagRules(store);
  return [...new Set([...registered, ...(allowed ?? tagsInUse(store))])].sort();
}

function tagsInUse(store: ConfigStore): string[] {
  return store.list('nodes/').flatMap(({ path, text }) => {
    if (!parseGuestPath(path) || !text.includes('tags:')) return [];
    try {
      return splitTags(parseConfigFile(text, path).properties.tags);
    } catch {
      // A damaged document has no tags that could be read.
      return [];
    }
  });
}

const splitTags = (text: string | undefined): string[] => splitList(text ?? '');
