import { Button, useWizardContext, WizardFooterWrapper } from '@patternfly/react-core';
import { ApiError } from '@ryokan/api/client.ts';
import { useContext, useState } from 'react';
import { useNavigate } from 'react-router';
import { useTasks } from '../../api/hooks.ts';
import { taskDone } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { RunningTasks } from '../../components/running-tasks.tsx';
import { useTaskLink } from '../../frame/task-link.ts';
import { useT } from '../../i18n/index.ts';
import { type GuestDraft, type GuestModel, type Problems, saveDraft } from './wizard-state.ts';

interface Props<D extends GuestDraft, S extends string> {
  readonly model: GuestModel<D, S>;
  readonly steps: readonly S[];
  readonly problems: Problems;
  readonly onLeave: (step: S) => void;
  readonly onRefused: (errors: Problems) => void;
  readonly onCreating: (creating: boolean) => void;
}

type Creation =
  | { readonly phase: 'idle' }
  | { readonly phase: 'busy'; readonly upid?: string }
  | { readonly phase: 'failed'; readonly error: unknown; readonly upid?: string };

/** Back, Next, Create. A step with a problem is not left by Next: the problem is shown instead. */
export function WizardFooter<D extends GuestDraft, S extends string>(props: Props<D, S>) {
  const { model, steps, problems, onLeave } = props;
  const t = useT();
  const navigate = useNavigate();
  const { draft } = useContext(model.context);
  const { activeStep, goToNextStep, goToPrevStep, goToStepById } = useWizardContext();
  const [creation, setCreation] = useState<Creation>({ phase: 'idle' });
  const step = String(activeStep.id);
  const busy = creation.phase === 'busy';
  const create = async () => {
    const first = Object.keys(problems)[0];
    if (first !== undefined) {
      for (const one of steps) onLeave(one);
      return goToStepById(model.stepOf(first));
    }
    setCreation({ phase: 'busy' });
    props.onCreating(true);
    let upid: string | undefined;
    try {
      const { verb, path } = model.method;
      upid = (await api.request<string>(verb, path, model.createParams(draft))).data;
      setCreation({ phase: 'busy', upid });
      await taskDone(upid);
      saveDraft(model.kind, undefined);
      navigate(`/${model.kind}/${draft.vmid.trim()}/${draft.start ? 'console' : 'summary'}`);
    } catch (error) {
      setCreation({ phase: 'failed', error, ...(upid === undefined ? {} : { upid }) });
      props.onCreating(false);
      if (error instanceof ApiError && Object.keys(error.errors).length > 0) {
        props.onRefused(error.errors);
        goToStepById(model.stepOf(Object.keys(error.errors)[0] as string));
      }
    }
  };
  const next = () => {
    const own = steps.find((one) => one === step);
    if (own !== undefined) onLeave(own);
    if (Object.keys(problems).some((key) => model.stepOf(key) === step)) focusProblem();
    else void goToNextStep();
  };
  return (
    <WizardFooterWrapper className="ry-wizard-footer">
      <Result creation={creation} kind={model.kind} />
      <div className="ry-wizard-buttons">
        <Button
          variant="secondary"
          onClick={() => void goToPrevStep()}
          isDisabled={step === steps[0] || busy}
        >
          {t('wizard.back')}
        </Button>
        {step === 'confirm' ? (
          <Button onClick={() => void create()} isLoading={busy} isDisabled={busy}>
            {t('wizard.create')}
          </Button>
        ) : (
          <Button onClick={next}>{t('wizard.next')}</Button>
        )}
        <Button variant="link" onClick={() => navigate(-1)}>
          {t(busy ? 'action.close' : 'action.cancel')}
        </Button>
      </div>
    </WizardFooterWrapper>
  );
}

/** The first field of the step with a problem, as soon as it is marked: it may stand below what one sees. */
function focusProblem(): void {
  setTimeout(() => document.querySelector<HTMLElement>('.ry-wizard-form [aria-invalid="true"]')?.focus());
}

/** How the creation goes: its task with progress, or why it failed. */
function Result({ creation, kind }: { creation: Creation; kind: 'qemu' | 'lxc' }) {
  const t = useT();
  const tasks = useTasks();
  const link = useTaskLink();
  const running = tasks.find((one) => creation.phase === 'busy' && one.upid === creation.upid);
  const upid = creation.phase === 'failed' ? creation.upid : undefined;
  return (
    <div aria-live="assertive" className="ry-wizard-result">
      {creation.phase === 'failed' ? (
        <ErrorNotice title={t(kind === 'qemu' ? 'wizard.failed' : 'newct.failed')} error={creation.error} />
      ) : null}
      {upid === undefined ? null : (
        <Button variant="link" isInline onClick={() => link.open(upid)}>
          {t('task.openLog')}
        </Button>
      )}
      {creation.phase !== 'busy' ? null : running ? (
        <RunningTasks tasks={[running]} />
      ) : (
        t(kind === 'qemu' ? 'wizard.busy' : 'newct.busy')
      )}
    </div>
  );
}
