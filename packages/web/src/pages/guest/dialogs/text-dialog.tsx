import { useState } from 'react';
import { TextField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import type { HardwareRow } from '../hardware-model.ts';

/** For devices without a form of their own: the text of the configuration, checked by the API's schema. */
export function TextDialog(props: DeviceDialogProps & { row: HardwareRow; configKey?: string }) {
  const t = useT();
  const { row, configKey: key = row.id } = props;
  const before = row.next[key] ?? '';
  const [value, setValue] = useState(before);
  const change = value.trim() === '' ? undefined : changeOf({ [key]: before }, { [key]: value });
  return (
    <ConfigDialog title={key} target={props.target} change={change} onClose={props.onClose}>
      <TextField id="text" label={key} help={t('hardware.textHelp')} mono value={value} onChange={setValue} />
    </ConfigDialog>
  );
}
