import { Button, Form } from '@patternfly/react-core';
import type { ImportMetadata } from '@ryokan/api/import-plan.ts';
import { clusterNextid } from '@ryokan/api/methods/cluster.ts';
import { qemuCreate } from '@ryokan/api/methods/qemu.ts';
import { validate } from '@ryokan/api/validate.ts';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useCall } from '../../api/query.ts';
import { follow } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { useStorages } from '../../api/volumes.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { useBridges } from '../../forms/bridge-field.tsx';
import { CheckField, NumberField, TextField } from '../../forms/fields.tsx';
import { explainProblem } from '../../forms/problems.ts';
import { useT } from '../../i18n/index.ts';
import { DiskChoiceFields, NetChoiceFields } from './choice-fields.tsx';
import { draftOf, type ImportDraft, importParams, problemsOf } from './import-draft.ts';
import { Recognised } from './recognised.tsx';

interface FormProps {
  readonly node: string;
  readonly metadata: ImportMetadata;
}

/** Waits for what the defaults of the form come from. */
export function ImportForm({ node, metadata }: FormProps) {
  const { data: nextid } = useCall(clusterNextid, {}, { staleTime: 0 });
  const { storages, loaded } = useStorages(node, 'images');
  const { bridges, loaded: knowsBridges } = useBridges(node);
  if (nextid === undefined || !loaded || !knowsBridges) return <Loading />;
  const first = {
    vmid: String(nextid),
    storage: storages[0]?.storage ?? '',
    bridge: bridges[0] ?? '',
  };
  return <Choices node={node} metadata={metadata} start={draftOf(metadata, first)} />;
}

function Choices({ node, metadata, start }: FormProps & { start: ImportDraft }) {
  const t = useT();
  const navigate = useNavigate();
  const [draft, setDraft] = useState(start);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<ImportDraft>) => setDraft((before) => ({ ...before, ...part }));
  const problems = problemsOf(node, metadata, draft);
  const problem = (key: string) => {
    const text = problems[key];
    return text === undefined ? undefined : explainProblem(text, t);
  };
  const submit = async () => {
    const checked = validate(qemuCreate.params, importParams(node, metadata, draft));
    if (checked.errors) return;
    setBusy(true);
    setError(undefined);
    try {
      const upid = await api.call(qemuCreate, checked.value);
      follow(upid);
      navigate(`/qemu/${draft.vmid.trim()}/summary?task=${encodeURIComponent(upid)}`);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <>
      <Recognised metadata={metadata} />
      <Form
        className="ry-wizard-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h2>{t('import.change')}</h2>
        <div className="ry-form-grid">
          <NumberField
            id="vmid"
            label={t('wizard.vmid')}
            required
            min={100}
            max={999_999_999}
            value={draft.vmid}
            onChange={(vmid) => change({ vmid })}
            problem={problem('vmid')}
          />
          <TextField
            id="name"
            label={t('column.name')}
            value={draft.name}
            onChange={(name) => change({ name })}
            problem={problem('name')}
          />
          <NumberField
            id="cores"
            label={t('hardware.cores')}
            min={1}
            value={draft.cores}
            onChange={(cores) => change({ cores })}
            problem={problem('cores')}
          />
          <NumberField
            id="memory"
            label={t('column.memory')}
            unit="MiB"
            min={16}
            value={draft.memory}
            onChange={(memory) => change({ memory })}
            problem={problem('memory')}
          />
        </div>
        <DiskChoiceFields node={node} metadata={metadata} draft={draft} change={change} problem={problem} />
        <NetChoiceFields node={node} metadata={metadata} draft={draft} change={change} problem={problem} />
        <CheckField
          id="prepareVirtio"
          label={t('import.prepareVirtio')}
          help={t('import.prepareVirtioHelp')}
          value={draft.prepareVirtio}
          onChange={(prepareVirtio) => change({ prepareVirtio })}
        />
        <CheckField
          id="newMacs"
          label={t('import.newMacs')}
          help={t('import.newMacsHelp')}
          value={draft.newMacs}
          onChange={(newMacs) => change({ newMacs })}
        />
        <CheckField
          id="start"
          label={t('import.start')}
          value={draft.start}
          onChange={(next) => change({ start: next })}
        />
        {error ? <ErrorNotice title={t('import.failed')} error={error} /> : null}
        <div className="ry-wizard-buttons">
          <Button type="submit" isLoading={busy} isDisabled={busy || Object.keys(problems).length > 0}>
            {t('import.begin')}
          </Button>
          <Button variant="link" onClick={() => navigate(-1)}>
            {t('action.cancel')}
          </Button>
        </div>
      </Form>
    </>
  );
}
