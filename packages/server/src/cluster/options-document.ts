/** Documents of options, one `key: value` a line: datacenter.cfg and each node's own. Long texts stand URL-encoded. */
import { createHash } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { type ConfigStore, update } from './store.ts';

export type Options = Readonly<Record<string, string>>;

export function readOptions(store: ConfigStore, path: string): { options: Options; digest: string } {
  const text = store.get(path)?.text ?? '';
  return { options: parseOptions(text), digest: digestOf(text) };
}

export interface OptionsChange {
  readonly set: Readonly<Record<string, string | number | boolean>>;
  /** Names, separated by commas. */
  readonly delete?: string | undefined;
  readonly digest?: string | undefined;
}

/** Throws 'conflict' when the document has another digest than the change was made for. */
export async function changeOptions(
  store: ConfigStore,
  path: string,
  change: OptionsChange,
  author: string,
): Promise<void> {
  await update(
    store,
    path,
    (text = '') => {
      if (change.digest !== undefined && change.digest !== digestOf(text)) {
        throw new RyokanError(
          'conflict',
          'detected modified configuration - file changed by other user? Try again.',
        );
      }
      const options: Record<string, string> = { ...parseOptions(text) };
      for (const [key, value] of Object.entries(change.set))
        options[key] = typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
      for (const key of splitList(change.delete ?? '')) delete options[key];
      return formatOptions(options);
    },
    { author },
  );
}

const longTexts: ReadonlySet<string> = new Set(['description', 'consent-text']);

const digestOf = (text: string): string => createHash('sha1').update(text).digest('hex');

function parseOptions(text: string): Options {
  const options: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, key, value] = /^([\w-]+): (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined)
      options[key] = longTexts.has(key) ? decodeURIComponent(value) : value;
  }
  return options;
}

function formatOptions(options: Options): string {
  return Object.entries(options)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([key, value]) =>
        `${key}: ${
          longTexts.has(key)
            ? encodeURIComponent(value)
            : value
                .split('\n')
                .map((line) => line.trim())
                .join(' ')
        }\n`,
    )
    .join('');
}
