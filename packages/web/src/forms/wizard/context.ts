/** The wizard's draft, shared by its steps; kept in the session, so that leaving the page loses nothing. */
import { createContext, useContext } from 'react';
import type { Translate } from '../../i18n/index.ts';
import { explainProblem } from '../problems.ts';
import { type Draft, emptyDraft } from './draft.ts';

export interface WizardState {
  readonly draft: Draft;
  readonly change: (change: Partial<Draft>) => void;
  /** Problems that may be shown: those of steps that were left, and what the server refused. */
  readonly problems: Readonly<Record<string, string>>;
}

export const WizardState = createContext<WizardState>({
  draft: emptyDraft,
  change: () => undefined,
  problems: {},
});

export function useWizard(): WizardState {
  return useContext(WizardState);
}

/** The problem of a parameter as a person reads it. */
export function problemText(
  problems: WizardState['problems'],
  key: string,
  t: Translate,
): string | undefined {
  const text = problems[key];
  return text === undefined ? undefined : explainProblem(text, t);
}

const storageKey = 'ryokan.draft.qemu';

export function loadDraft(): Draft | undefined {
  try {
    const stored = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') as Partial<Draft> | null;
    return stored ? { ...emptyDraft, ...stored } : undefined;
  } catch {
    return undefined;
  }
}

export function saveDraft(draft: Draft | undefined): void {
  try {
    if (draft) sessionStorage.setItem(storageKey, JSON.stringify(draft));
    else sessionStorage.removeItem(storageKey);
  } catch {
    // Without storage the draft lasts as long as the page.
  }
}
