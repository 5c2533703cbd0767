/** What a person chose for this browser: theme, language, tree and drawer. Kept in localStorage. */
import { useSyncExternalStore } from 'react';

export type ThemeChoice = 'auto' | 'light' | 'dark';
export type Language = 'en' | 'ja';

export interface Preferences {
  readonly theme: ThemeChoice;
  readonly language: Language;
  readonly treeOpen: boolean;
  /** Width of the tree in CSS pixels. */
  readonly treeWidth: number;
  readonly drawerOpen: boolean;
  /** Ids of collapsed tree branches. */
  readonly collapsed: readonly string[];
}

// The same name is read by public/theme.js before the first paint.
const storageKey = 'ryokan.preferences';

const browserLanguage = (): Language =>
  typeof navigator !== 'undefined' && navigator.language.toLowerCase().startsWith('ja') ? 'ja' : 'en';

const defaults = (): Preferences => ({
  theme: 'auto',
  language: browserLanguage(),
  treeOpen: true,
  treeWidth: 264,
  drawerOpen: false,
  collapsed: [],
});

function load(): Preferences {
  try {
    const stored = JSON.parse(localStorage.getItem(storageKey) ?? '{}') as Partial<Preferences>;
    return { ...defaults(), ...stored };
  } catch {
    return defaults();
  }
}

let current: Preferences | undefined;
const listeners = new Set<() => void>();

export function preferences(): Preferences {
  current ??= load();
  return current;
}

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...preferences(), ...change };
  try {
    localStorage.setItem(storageKey, JSON.stringify(current));
  } catch {
    // Private mode or full: the choice then lasts as long as the page.
  }
  applyTheme(current.theme);
  for (const listener of listeners) listener();
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const darkQuery = () => matchMedia('(prefers-color-scheme: dark)');

function isDark(theme: ThemeChoice): boolean {
  return theme === 'dark' || (theme === 'auto' && darkQuery().matches);
}

function applyTheme(theme: ThemeChoice): void {
  const root = document.documentElement;
  const dark = isDark(theme);
  root.classList.toggle('pf-v6-theme-dark', dark);
  root.style.colorScheme = dark ? 'dark' : 'light';
}

/** Follows the system's theme while the choice is `auto`. Call once at start. */
export function watchSystemTheme(): void {
  darkQuery().addEventListener('change', () => {
    applyTheme(preferences().theme);
    for (const listener of listeners) listener();
  });
}

/** Whether the page is dark now; for plots and terminals that paint by themselves. */
export function useDark(): boolean {
  const { theme } = usePreferences();
  return useSyncExternalStore(subscribe, () => isDark(theme));
}
