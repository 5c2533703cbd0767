import { useNodeNames, useResources } from '../../api/hooks.ts';
import { isGuest } from '../../api/rows.ts';
import { useT } from '../../i18n/index.ts';
import { CheckField, NumberField, SelectField, TextField } from '../fields.tsx';
import { problemText, useWizard } from './context.ts';

export function GeneralStep() {
  const t = useT();
  const { draft, change, problems } = useWizard();
  const nodes = useNodeNames();
  const { rows } = useResources();
  const taken = rows.some((row) => isGuest(row) && String(row.vmid) === draft.vmid.trim());
  return (
    <>
      {nodes.length > 1 ? (
        <SelectField
          id="node"
          label={t('column.node')}
          value={draft.node}
          onChange={(node) => change({ node })}
          choices={nodes.map((one) => ({ value: one, label: one }))}
        />
      ) : null}
      <NumberField
        id="vmid"
        label={t('wizard.vmid')}
        required
        min={100}
        max={999_999_999}
        value={draft.vmid}
        onChange={(vmid) => change({ vmid })}
        problem={taken ? t('problem.vmidUsed', { vmid: draft.vmid }) : problemText(problems, 'vmid', t)}
      />
      <TextField
        id="name"
        label={t('column.name')}
        help={t('wizard.nameHelp')}
        value={draft.name}
        onChange={(name) => change({ name })}
        problem={problemText(problems, 'name', t)}
      />
      <TextField
        id="tags"
        label={t('guest.tags')}
        help={t('wizard.tagsHelp')}
        value={draft.tags}
        onChange={(tags) => change({ tags })}
        problem={problemText(problems, 'tags', t)}
      />
      <CheckField
        id="start"
        label={t('wizard.start')}
        value={draft.start}
        onChange={(start) => change({ start })}
      />
      <CheckField
        id="onboot"
        label={t('wizard.onboot')}
        value={draft.onboot}
        onChange={(onboot) => change({ onboot })}
      />
    </>
  );
}
