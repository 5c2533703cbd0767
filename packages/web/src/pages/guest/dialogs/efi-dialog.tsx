import { useState } from 'react';
import { CheckField } from '../../../forms/fields.tsx';
import { StorageField } from '../../../forms/wizard/storage-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import type { DeviceDialogProps } from '../device-dialogs.tsx';

export function EfiDialog({ target, onClose }: DeviceDialogProps) {
  const t = useT();
  const [storage, setStorage] = useState('');
  const [keys, setKeys] = useState(false);
  const change = storage
    ? { efidisk0: `${storage}:1,efitype=4m,pre-enrolled-keys=${keys ? 1 : 0}` }
    : undefined;
  return (
    <ConfigDialog
      asTask
      title={t('hardware.efidisk')}
      submit={t('hardware.addSubmit')}
      target={target}
      change={change}
      onClose={onClose}
    >
      <StorageField
        id="storage"
        label={t('wizard.efiStorage')}
        help={t('wizard.efiHelp')}
        node={target.node}
        value={storage}
        onChange={setStorage}
      />
      <CheckField
        id="efi-keys"
        label={t('wizard.efiKeys')}
        help={t('wizard.efiKeysHelp')}
        value={keys}
        onChange={setKeys}
      />
    </ConfigDialog>
  );
}
