/** What the wizards for VMs and containers share: their drafts, kept in the session so that leaving the page loses nothing. */
import type { Method } from '@ryokan/api/method.ts';
import { type Context, createContext } from 'react';
import type { Translate } from '../../i18n/index.ts';
import { explainProblem } from '../problems.ts';

/** What every new guest is asked for. Numbers stay the texts that were typed. */
export interface GuestDraft {
  readonly node: string;
  readonly vmid: string;
  readonly tags: string;
  readonly pool: string;
  readonly onboot: boolean;
  readonly start: boolean;
  /** MiB. */
  readonly memory: string;
  /** False until the person chose a bridge: the first one of the node is taken then. */
  readonly bridgeChosen: boolean;
}

export type Problems = Readonly<Record<string, string>>;

export interface WizardValue<D> {
  readonly draft: D;
  readonly change: (change: Partial<D>) => void;
  /** Problems that may be shown: those of steps that were left, and what the server refused. */
  readonly problems: Problems;
  /** The guest is being made now. */
  readonly creating: boolean;
}

/** A kind of guest: how its draft becomes the call that makes it. */
export interface GuestModel<D extends GuestDraft, S extends string> {
  readonly kind: 'qemu' | 'lxc';
  readonly method: Method;
  readonly empty: D;
  readonly context: Context<WizardValue<D>>;
  /** Parameters of the call, in the order in which a person would name them. */
  readonly createParams: (draft: D) => Readonly<Record<string, string>>;
  /** Problems by parameter, or by `parameter.field`. */
  readonly problemsOf: (draft: D) => Problems;
  /** The step on which a parameter stands; what the API refuses is shown there. */
  readonly stepOf: (key: string) => S;
  /** The draft as the browser may keep it: without secrets. */
  readonly kept: (draft: D) => D;
}

export function wizardContext<D>(empty: D): Context<WizardValue<D>> {
  return createContext<WizardValue<D>>({
    draft: empty,
    change: () => undefined,
    problems: {},
    creating: false,
  });
}

/** The problem of a parameter as a person reads it. */
export function problemText(problems: Problems, key: string, t: Translate): string | undefined {
  const text = problems[key];
  return text === undefined ? undefined : explainProblem(text, t);
}

const storageKey = (kind: string) => `ryokan.draft.${kind}`;

export function loadDraft<D extends GuestDraft>(model: {
  readonly kind: string;
  readonly empty: D;
}): D | undefined {
  try {
    const stored = JSON.parse(sessionStorage.getItem(storageKey(model.kind)) ?? 'null') as Partial<D> | null;
    return stored ? { ...model.empty, ...stored } : undefined;
  } catch {
    return undefined;
  }
}

export function saveDraft(kind: string, draft: object | undefined): void {
  try {
    if (draft) sessionStorage.setItem(storageKey(kind), JSON.stringify(draft));
    else sessionStorage.removeItem(storageKey(kind));
  } catch {
    // Without storage the draft lasts as long as the page.
  }
}
