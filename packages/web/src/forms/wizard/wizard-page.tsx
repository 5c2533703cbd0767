import { Button, Form, Wizard, WizardStep } from '@patternfly/react-core';
import { clusterNextid } from '@ryokan/api/methods/cluster.ts';
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import { useNodeNames, useResources } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { isGuest } from '../../api/rows.ts';
import { type PlainKey, useT } from '../../i18n/index.ts';
import { vmidTaken } from '../problems.ts';
import { WizardFooter } from './wizard-footer.tsx';
import {
  type GuestDraft,
  type GuestModel,
  loadDraft,
  type Problems,
  saveDraft,
  type WizardValue,
} from './wizard-state.ts';

export interface StepOfWizard<S extends string> {
  readonly key: S;
  readonly title: PlainKey;
  readonly content: ReactNode;
}

interface Props<D extends GuestDraft, S extends string> {
  readonly model: GuestModel<D, S>;
  readonly title: string;
  /** All but the last one, on which everything is confirmed. */
  readonly steps: readonly StepOfWizard<S>[];
  readonly confirm: ReactNode;
  /** Fills in what has a good default once the server has told. */
  readonly defaults: ReactNode;
  /** What the address of the page says about the guest. */
  readonly fromAddress: (search: URLSearchParams) => Partial<D>;
  readonly links?: (draft: D) => ReactNode;
}

/** Creating a guest, step by step. What was typed stays in the session until the guest is there. */
export function WizardPage<D extends GuestDraft, S extends string>(props: Props<D, S>) {
  const { model, title, steps } = props;
  const t = useT();
  const [search] = useSearchParams();
  const [restored, setRestored] = useState(() => loadDraft(model) !== undefined);
  const [draft, setDraft] = useState<D>(() => ({
    ...(loadDraft(model) ?? model.empty),
    ...props.fromAddress(search),
  }));
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<Problems>({});
  const [creating, setCreating] = useState(false);
  const taken = useTaken(draft.vmid.trim()) && !creating;
  const change = useCallback((part: Partial<D>) => {
    setDraft((before) => ({ ...before, ...part }));
    setRefused({});
  }, []);
  const fill = useCallback(
    (part: { node?: string; vmid?: string }) => setDraft((before) => ({ ...before, ...part })),
    [],
  );
  useEffect(() => {
    document.title = `${title} – Ryokan`;
  }, [title]);
  useEffect(() => saveDraft(model.kind, model.kept(draft)), [model, draft]);
  // Told at once, also on a step that nobody has left yet: nothing that is typed later would change it.
  const urgent = useMemo<Problems>(
    () => ({ ...(taken ? { vmid: vmidTaken(draft.vmid) } : {}), ...refused }),
    [taken, draft.vmid, refused],
  );
  const all = useMemo<Problems>(() => ({ ...model.problemsOf(draft), ...urgent }), [model, draft, urgent]);
  const shown = useMemo<Problems>(() => {
    const isShown = (key: string) => key in urgent || left.has(model.stepOf(key));
    return Object.fromEntries(Object.entries(all).filter(([key]) => isShown(key)));
  }, [all, left, model, urgent]);
  const state = useMemo<WizardValue<D>>(
    () => ({ draft, change, problems: shown, creating }),
    [draft, change, shown, creating],
  );
  const leave = (step: string) => setLeft((before) => new Set([...before, step]));
  const reset = () => {
    setDraft({ ...model.empty, node: draft.node });
    setLeft(new Set());
    setRestored(false);
  };
  return (
    <model.context.Provider value={state}>
      <GuestDefaults draft={draft} fill={fill} />
      {props.defaults}
      <div className="ry-page">
        <header className="ry-page-header">
          <div className="ry-page-title">
            <h1>{title}</h1>
          </div>
          <div className="ry-page-actions">
            {restored ? (
              <>
                <span className="ry-subtle">{t('wizard.restored')}</span>
                <Button variant="link" size="sm" isInline onClick={reset}>
                  {t('wizard.startOver')}
                </Button>
              </>
            ) : null}
            {props.links?.(draft)}
          </div>
        </header>
        <div className="ry-wizard-box" ref={nameToggle}>
          <Wizard
            className="ry-wizard"
            navAriaLabel={t('wizard.steps')}
            shouldFocusContent
            onStepChange={(_, __, previous) => leave(String(previous.id))}
            footer={
              <WizardFooter
                model={model}
                steps={steps.map((step) => step.key)}
                problems={all}
                onLeave={leave}
                onRefused={setRefused}
                onCreating={setCreating}
              />
            }
          >
            {steps.map((step) => (
              <WizardStep
                key={step.key}
                id={step.key}
                name={t(step.title)}
                status={
                  Object.keys(shown).some((key) => model.stepOf(key) === step.key) ? 'error' : 'default'
                }
              >
                <StepForm title={t(step.title)}>{step.content}</StepForm>
              </WizardStep>
            ))}
            <WizardStep id="confirm" name={t('wizard.confirm')}>
              <StepForm title={t('wizard.confirm')}>{props.confirm}</StepForm>
            </WizardStep>
          </Wizard>
        </div>
      </div>
    </model.context.Provider>
  );
}

function useTaken(vmid: string): boolean {
  const { rows } = useResources();
  return rows.some((row) => isGuest(row) && String(row.vmid) === vmid);
}

/**
 * On narrow screens PatternFly shows the steps behind a button with a fixed English name that hides the name of the step
 * from screen readers (its WizardToggle takes no other). Without it, the step's own name is the button's.
 */
function nameToggle(box: HTMLDivElement | null): void {
  box?.querySelector('.pf-v6-c-wizard__toggle')?.removeAttribute('aria-label');
}

function StepForm({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Form className="ry-wizard-form" onSubmit={(event) => event.preventDefault()}>
      <h2>{title}</h2>
      {children}
    </Form>
  );
}

/** The first node, and a number that is free. */
function GuestDefaults({
  draft,
  fill,
}: {
  draft: GuestDraft;
  fill: (part: { node?: string; vmid?: string }) => void;
}) {
  const node = useNodeNames()[0];
  const { data: nextid } = useCall(clusterNextid, {}, { staleTime: 0 });
  useEffect(() => {
    if (draft.node === '' && node) fill({ node });
  }, [draft.node, node, fill]);
  const [given, setGiven] = useState(draft.vmid !== '');
  useEffect(() => {
    if (given || !nextid) return;
    setGiven(true);
    // Whoever was faster than the answer keeps what was typed.
    if (draft.vmid === '') fill({ vmid: String(nextid) });
  }, [given, nextid, draft.vmid, fill]);
  return null;
}
