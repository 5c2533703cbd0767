/**
 * Documents made of sections, in the text format of Proxmox VE: a head `type: id` (or `id` alone where a document has one
 * kind of section only), then indented lines `key value`. A key may stand several times; keys that nobody knows are kept.
 */
import { createHash } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { type ConfigStore, update } from './store.ts';

export interface Section {
  /** Undefined in documents whose heads have no type. */
  readonly type?: string;
  readonly id: string;
  /** In order of the document. */
  readonly lines: readonly (readonly [key: string, value: string])[];
}

/** Reads a document. Lines that are none of a section are left out. */
export function parseSections(text: string): Section[] {
  const sections: { type?: string; id: string; lines: [string, string][] }[] = [];
  for (const line of text.split('\n')) {
    const head = /^(?:([a-z][a-z0-9-]*):\s*)?([A-Za-z][A-Za-z0-9_.-]*)\s*$/.exec(line);
    if (head) {
      const [, type, id] = head as unknown as [string, string | undefined, string];
      sections.push({ ...(type === undefined ? {} : { type }), id, lines: [] });
      continue;
    }
    const option = /^\s+(\S+)(.*)$/.exec(line.trimEnd());
    if (option?.[1]) sections.at(-1)?.lines.push([option[1], (option[2] ?? '').trimStart()]);
  }
  return sections;
}

export function formatSections(sections: readonly Section[]): string {
  return sections
    .map(({ type, id, lines }) => {
      const head = type === undefined ? id : `${type}: ${id}`;
      // A line break inside a value would begin another line of the document.
      const body = lines.map(
        ([key, value]) =>
          `\t${key} ${value
            .split(/[\r\n]+/)
            .map((part) => part.trim())
            .join(' ')}\n`,
      );
      return `${head}\n${body.join('')}`;
    })
    .join('\n');
}

/** The first value of a key. */
export function sectionValue(section: Section, key: string): string | undefined {
  return section.lines.find(([name]) => name === key)?.[1];
}

export function sectionValues(section: Section, key: string): string[] {
  return section.lines.filter(([name]) => name === key).map(([, value]) => value);
}

/** Replaces all lines of the given keys; undefined removes them, other keys stay as they are. */
export function withValues(
  section: Section,
  values: Readonly<Record<string, readonly string[] | undefined>>,
): Section {
  const kept = section.lines.filter(([key]) => !Object.hasOwn(values, key));
  const added = Object.entries(values).flatMap(([key, texts]) =>
    (texts ?? []).map((value) => [key, value] as const),
  );
  return { ...section, lines: [...kept, ...added] };
}

/** SHA-1 of the document: what clients send back as `digest`. */
export function sectionsDigest(store: ConfigStore, path: string): string {
  return digestOf(store.get(path)?.text);
}

export interface SectionEdit {
  readonly author: string;
  /** Refuse with 'conflict' when the document has another digest. */
  readonly digest?: string | undefined;
}

export async function changeSections(
  store: ConfigStore,
  path: string,
  { author, digest }: SectionEdit,
  edit: (sections: readonly Section[]) => readonly Section[],
): Promise<void> {
  await update(
    store,
    path,
    (text) => {
      if (digest !== undefined && digest !== digestOf(text)) {
        throw new RyokanError(
          'conflict',
          'detected modified configuration - file changed by other user? Try again.',
        );
      }
      return formatSections(edit(parseSections(text ?? '')));
    },
    { author },
  );
}

const digestOf = (text = ''): string => createHash('sha1').update(text).digest('hex');
