/**
 * The dictionaries in parts: `base` is loaded at start, the others together with the first page that needs them, so that
 * the login does not wait for the words of a hundred dialogs.
 */
import type { Language } from '../util/preferences.ts';
import type { account } from './en/account.ts';
import type { apiDocs } from './en/api-docs.ts';
import type { realms } from './en/realms.ts';
import type { rights } from './en/rights.ts';
import type { en } from './en.ts';
import type { enGuests } from './en-guests.ts';

export type Dictionary = typeof en &
  typeof enGuests &
  typeof apiDocs &
  typeof rights &
  typeof realms &
  typeof account;
export type Part = 'base' | 'guests' | 'apiDocs' | 'rights' | 'realms' | 'account';

type Texts = Readonly<Record<string, string>>;

const loaders: Readonly<Record<Language, Readonly<Record<Part, () => Promise<Texts>>>>> = {
  en: {
    base: async () => (await import('./en.ts')).en,
    guests: async () => (await import('./en-guests.ts')).enGuests,
    apiDocs: async () => (await import('./en/api-docs.ts')).apiDocs,
    rights: async () => (await import('./en/rights.ts')).rights,
    realms: async () => (await import('./en/realms.ts')).realms,
    account: async () => (await import('./en/account.ts')).account,
  },
  ja: {
    base: async () => (await import('./ja.ts')).ja,
    guests: async () => (await import('./ja-guests.ts')).jaGuests,
    apiDocs: async () => (await import('./ja/api-docs.ts')).apiDocs,
    rights: async () => (await import('./ja/rights.ts')).rights,
    realms: async () => (await import('./ja/realms.ts')).realms,
    account: async () => (await import('./ja/account.ts')).account,
  },
};

export function loadPart(language: Language, part: Part): Promise<Texts> {
  return loaders[language][part]();
}
