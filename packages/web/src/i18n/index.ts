/** Translation with keys and placeholders checked by the compiler. A dictionary is loaded when its language is used. */
import i18next from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import type { Language } from '../util/preferences.ts';
import { type Dictionary, loadPart, type Part } from './parts.ts';

/** `tasks.running` for the pair `tasks.running_one`, `tasks.running_other`. */
type WithoutPlural<K> = K extends `${infer Base}_other` ? Base : K extends `${string}_one` ? never : K;
export type Key = WithoutPlural<keyof Dictionary>;

type TextOf<K> = K extends keyof Dictionary
  ? Dictionary[K]
  : `${K & string}_other` extends keyof Dictionary
    ? Dictionary[`${K & string}_other`]
    : never;
type Placeholders<S> = S extends `${string}{{${infer Name}}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type Values<K> = [Placeholders<TextOf<K>>] extends [never]
  ? []
  : [values: Readonly<Record<Placeholders<TextOf<K>>, string | number>>];

/** Keys of texts without placeholders: what a table from words to texts can hold. */
export type PlainKey = { [K in Key]: Values<K> extends [] ? K : never }[Key];

export type Translate = <K extends Key>(key: K, ...values: Values<K>) => string;

/** Parts that a page has asked for: another language needs them too. */
const wanted = new Set<Part>(['base']);

async function addPart(language: Language, part: Part): Promise<void> {
  i18next.addResourceBundle(language, 'translation', await loadPart(language, part), true, true);
}

/** Loads the texts of a part in the language in use. */
export async function loadTexts(part: Part): Promise<void> {
  if (wanted.has(part)) return;
  await addPart(currentLanguage(), part);
  wanted.add(part);
}

/** Loads a language if needed and switches to it. */
export async function switchLanguage(language: Language): Promise<void> {
  if (!i18next.isInitialized) {
    await i18next.use(initReactI18next).init({
      lng: language,
      fallbackLng: false,
      keySeparator: false,
      nsSeparator: false,
      // React escapes what it renders.
      interpolation: { escapeValue: false },
      resources: {},
      showSupportNotice: false,
    } as Parameters<typeof i18next.init>[0]);
  }
  await Promise.all([...wanted].map((part) => addPart(language, part)));
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

/** The translate function of the language in use; the component renders anew when the language changes. */
export function useT(): Translate {
  return useTranslation().t as unknown as Translate;
}

/** For texts made outside of components (toasts, errors). */
export const translate: Translate = ((key: string, values?: Record<string, string | number>) =>
  i18next.t(key, values)) as unknown as Translate;

/** The same for a key that was put together; undefined when there is none. */
export function translateIfKnown(
  key: string,
  values: Record<string, string | number> = {},
): string | undefined {
  return i18next.exists(key) ? i18next.t(key, values) : undefined;
}

export function currentLanguage(): Language {
  return i18next.language === 'ja' ? 'ja' : 'en';
}
