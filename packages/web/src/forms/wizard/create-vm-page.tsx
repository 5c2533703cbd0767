import {
  Alert,
  Button,
  Form,
  useWizardContext,
  Wizard,
  WizardFooterWrapper,
  WizardStep,
} from '@patternfly/react-core';
import { ApiError } from '@ryokan/api/client.ts';
import { clusterNextid } from '@ryokan/api/methods/cluster.ts';
import { qemuCreate } from '@ryokan/api/methods/qemu.ts';
import { validate } from '@ryokan/api/validate.ts';
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { useNodeNames } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { taskDone } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useTaskLink } from '../../frame/task-link.ts';
import { type PlainKey, useT } from '../../i18n/index.ts';
import { loadDraft, saveDraft, WizardState } from './context.ts';
import { createParams, type Draft, emptyDraft, problemsOf, type StepKey, stepOf } from './draft.ts';
import { ConfirmStep } from './step-confirm.tsx';
import { CpuStep, MemoryStep } from './step-cpu-memory.tsx';
import { DisksStep } from './step-disks.tsx';
import { GeneralStep } from './step-general.tsx';
import { NetworkStep, useFirstBridge } from './step-network.tsx';
import { OsStep, useNewestIso } from './step-os.tsx';
import { SystemStep } from './step-system.tsx';
import { useFirstStorage } from './storage-field.tsx';

const steps: readonly { key: StepKey; title: PlainKey; content: ReactNode }[] = [
  { key: 'general', title: 'wizard.general', content: <GeneralStep /> },
  { key: 'os', title: 'wizard.os', content: <OsStep /> },
  { key: 'system', title: 'wizard.system', content: <SystemStep /> },
  { key: 'disks', title: 'wizard.disks', content: <DisksStep /> },
  { key: 'cpu', title: 'wizard.cpu', content: <CpuStep /> },
  { key: 'memory', title: 'wizard.memory', content: <MemoryStep /> },
  { key: 'network', title: 'wizard.network', content: <NetworkStep /> },
];

/** Creating a VM, step by step. What was typed stays in the session until the VM is there. */
export default function CreateVmPage() {
  const t = useT();
  const [search] = useSearchParams();
  const [restored, setRestored] = useState(() => loadDraft() !== undefined);
  const [draft, setDraft] = useState<Draft>(
    () => loadDraft() ?? { ...emptyDraft, node: search.get('node') ?? '' },
  );
  const [left, setLeft] = useState<ReadonlySet<StepKey>>(new Set());
  const [refused, setRefused] = useState<Readonly<Record<string, string>>>({});
  const change = useCallback((part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
    setRefused({});
  }, []);
  useEffect(() => {
    document.title = `${t('create.vm')} – Ryokan`;
  }, [t]);
  useEffect(() => saveDraft(draft), [draft]);
  const all = useMemo(() => ({ ...problemsOf(draft), ...refused }), [draft, refused]);
  const shown = useMemo(
    () => Object.fromEntries(Object.entries(all).filter(([key]) => key in refused || left.has(stepOf(key)))),
    [all, left, refused],
  );
  const state = useMemo(() => ({ draft, change, problems: shown }), [draft, change, shown]);
  const reset = () => {
    setDraft({ ...emptyDraft, node: draft.node });
    setLeft(new Set());
    setRestored(false);
  };
  return (
    <WizardState.Provider value={state}>
      <Defaults />
      <div className="ry-page">
        <header className="ry-page-header">
          <div className="ry-page-title">
            <h1>{t('create.vm')}</h1>
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
            <Link to={`/create/import${draft.node ? `?node=${draft.node}` : ''}`}>{t('import.instead')}</Link>
          </div>
        </header>
        <div className="ry-wizard-box" ref={nameToggle}>
          <Wizard
            className="ry-wizard"
            navAriaLabel={t('wizard.steps')}
            shouldFocusContent
            onStepChange={(_, __, previous) =>
              setLeft((before) => new Set([...before, previous.id as StepKey]))
            }
            footer={
              <StepFooter
                problems={all}
                onLeave={(step) => setLeft((before) => new Set([...before, step]))}
                onRefused={setRefused}
              />
            }
          >
            {steps.map((step) => (
              <WizardStep
                key={step.key}
                id={step.key}
                name={t(step.title)}
                status={Object.keys(shown).some((key) => stepOf(key) === step.key) ? 'error' : 'default'}
              >
                <StepForm title={t(step.title)}>{step.content}</StepForm>
              </WizardStep>
            ))}
            <WizardStep id="confirm" name={t('wizard.confirm')}>
              <StepForm title={t('wizard.confirm')}>
                <ConfirmStep />
              </StepForm>
            </WizardStep>
          </Wizard>
        </div>
      </div>
    </WizardState.Provider>
  );
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

/** Fills in what has a good default once the server has told: node, VMID, bridge. */
function Defaults() {
  const nodes = useNodeNames();
  const { data: nextid } = useCall(clusterNextid, {}, { staleTime: 0 });
  return (
    <WizardState.Consumer>
      {({ draft, change }) => <DefaultsOf draft={draft} change={change} node={nodes[0]} nextid={nextid} />}
    </WizardState.Consumer>
  );
}

function DefaultsOf(props: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  node: string | undefined;
  nextid: string | undefined;
}) {
  const { draft, change, node, nextid } = props;
  useFirstBridge();
  useFirstStorage();
  useNewestIso();
  useEffect(() => {
    if (draft.node === '' && node) change({ node });
  }, [draft.node, node, change]);
  const [given, setGiven] = useState(draft.vmid !== '');
  useEffect(() => {
    if (given || !nextid) return;
    setGiven(true);
    change({ vmid: String(nextid) });
  }, [given, nextid, change]);
  return null;
}

interface FooterProps {
  readonly problems: Readonly<Record<string, string>>;
  readonly onLeave: (step: StepKey) => void;
  readonly onRefused: (errors: Readonly<Record<string, string>>) => void;
}

type Creation =
  | { readonly phase: 'idle' | 'busy' }
  | { readonly phase: 'failed'; readonly error: unknown; readonly upid?: string };

/** Back, Next, Create. A step with a problem is not left by Next: the problem is shown instead. */
function StepFooter({ problems, onLeave, onRefused }: FooterProps) {
  const t = useT();
  const navigate = useNavigate();
  const task = useTaskLink();
  const { activeStep, goToNextStep, goToPrevStep, goToStepById } = useWizardContext();
  const [creation, setCreation] = useState<Creation>({ phase: 'idle' });
  const step = activeStep.id as StepKey | 'confirm';
  const create = async (draft: Draft) => {
    const first = Object.keys(problems)[0];
    if (first !== undefined) {
      for (const one of steps) onLeave(one.key);
      return goToStepById(stepOf(first));
    }
    const checked = validate(qemuCreate.params, createParams(draft));
    if (checked.errors) return;
    setCreation({ phase: 'busy' });
    let upid = '';
    try {
      upid = await api.call(qemuCreate, checked.value);
      await taskDone(upid);
      saveDraft(undefined);
      navigate(`/qemu/${draft.vmid.trim()}/${draft.start ? 'console' : 'summary'}`);
    } catch (error) {
      setCreation({ phase: 'failed', error, upid });
      if (error instanceof ApiError && Object.keys(error.errors).length > 0) {
        onRefused(error.errors);
        goToStepById(stepOf(Object.keys(error.errors)[0] as string));
      }
    }
  };
  const next = () => {
    const stuck = Object.keys(problems).some((key) => stepOf(key) === step);
    if (step !== 'confirm') onLeave(step);
    if (!stuck) void goToNextStep();
  };
  const failed = creation.phase === 'failed' ? creation : undefined;
  return (
    <WizardFooterWrapper className="ry-wizard-footer">
      <div aria-live="assertive" className="ry-wizard-result">
        {failed ? (
          <>
            <ErrorNotice title={t('wizard.failed')} error={failed.error} />
            {failed.upid ? (
              <Button variant="link" isInline onClick={() => task.open(failed.upid ?? '')}>
                {t('task.openLog')}
              </Button>
            ) : null}
          </>
        ) : null}
        {creation.phase === 'busy' ? (
          <Alert isInline isPlain variant="info" title={t('wizard.busy')} />
        ) : null}
      </div>
      <WizardState.Consumer>
        {({ draft }) => (
          <div className="ry-wizard-buttons">
            <Button variant="secondary" onClick={() => void goToPrevStep()} isDisabled={step === 'general'}>
              {t('wizard.back')}
            </Button>
            {step === 'confirm' ? (
              <Button
                onClick={() => void create(draft)}
                isLoading={creation.phase === 'busy'}
                isDisabled={creation.phase === 'busy'}
              >
                {t('wizard.create')}
              </Button>
            ) : (
              <Button onClick={next}>{t('wizard.next')}</Button>
            )}
            <Button variant="link" onClick={() => navigate(-1)}>
              {t('action.cancel')}
            </Button>
          </div>
        )}
      </WizardState.Consumer>
    </WizardFooterWrapper>
  );
}
