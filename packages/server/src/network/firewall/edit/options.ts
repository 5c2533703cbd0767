/** The [OPTIONS] of a document. */
import { ParameterError } from '@ryokan/api/errors.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { isOn, optionsOf } from '../compile-chain.ts';
import { addEntry, digestOf, entryLines, type FirewallDocument, removeLine, setEntry } from '../document.ts';
import { demandDigest } from './change.ts';

/** Options that a level has: how their values are shown. */
export type OptionKinds = Readonly<Record<string, 'switch' | 'number' | 'text'>>;

export type OptionValues = Readonly<Record<string, unknown>>;

export function shownOptions(
  document: FirewallDocument,
  kinds: OptionKinds,
): Record<string, string | number> {
  const stored = optionsOf(document);
  const shown: Record<string, string | number> = { digest: digestOf(entryLines(document, 'options')) };
  for (const [key, kind] of Object.entries(kinds)) {
    const value = stored[key];
    if (value === undefined || value === '') continue;
    shown[key] = kind === 'switch' ? (isOn(value, false) ? 1 : 0) : kind === 'number' ? Number(value) : value;
  }
  return shown;
}

/** `removed` go back to their default; it wins nothing over a value given at the same time. */
export function changeOptions(
  document: FirewallDocument,
  kinds: OptionKinds,
  values: OptionValues,
  removed: string | undefined,
  digest: string | undefined,
): void {
  demandDigest(entryLines(document, 'options'), digest);
  for (const key of splitList(removed ?? '')) {
    if (!Object.hasOwn(kinds, key)) throw new ParameterError({ delete: `no such option '${key}'` });
    for (const line of linesOf(document, key)) removeLine(document, 'options', line);
  }
  for (const key of Object.keys(kinds)) {
    const value = values[key];
    if (value !== undefined)
      setOption(document, key, typeof value === 'boolean' ? (value ? '1' : '0') : String(value));
  }
}

const linesOf = (document: FirewallDocument, key: string) =>
  entryLines(document, 'options').filter(({ entry }) => entry?.key === key);

/** The last line counts; the others of its name go. */
function setOption(document: FirewallDocument, key: string, value: string): void {
  const lines = linesOf(document, key);
  const last = lines.pop();
  for (const line of lines) removeLine(document, 'options', line);
  if (last) setEntry('options', last, { key, value });
  else addEntry(document, 'options', { key, value });
}
