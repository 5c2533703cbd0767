import { useState } from 'react';
import { AreaField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';
import { changeOf } from '../device-change.ts';
import { Dialog, type FormProps } from '../option-dialog.tsx';
import { variableLines, variablesOf, wrongVariable } from '../option-list.ts';

/** The environment of a container's first process, a variable a line. */
export default function VariablesForm(props: FormProps) {
  const t = useT();
  const { row, value } = props;
  const [lines, setLines] = useState(variableLines(value));
  const wrong = wrongVariable(lines);
  const change = changeOf({ [row.key]: value }, { [row.key]: variablesOf(lines) });
  return (
    <Dialog {...props} change={wrong === undefined ? change : undefined}>
      <AreaField
        id="variables"
        label={t(row.label)}
        help={row.help ? t(row.help) : undefined}
        mono
        rows={8}
        value={lines}
        onChange={setLines}
        problem={wrong === undefined ? undefined : t('container.envProblem', { line: wrong })}
      />
    </Dialog>
  );
}
