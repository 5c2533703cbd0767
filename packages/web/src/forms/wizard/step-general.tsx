import { useT } from '../../i18n/index.ts';
import { TextField } from '../fields.tsx';
import { GeneralFields } from './general-fields.tsx';
import { useWizard } from './vm-model.ts';
import { problemText } from './wizard-state.ts';

export function GeneralStep() {
  const t = useT();
  const wizard = useWizard();
  const { draft, change, problems } = wizard;
  return (
    <GeneralFields wizard={wizard}>
      <TextField
        id="name"
        label={t('column.name')}
        help={t('wizard.nameHelp')}
        value={draft.name}
        onChange={(name) => change({ name })}
        problem={problemText(problems, 'name', t)}
      />
    </GeneralFields>
  );
}
