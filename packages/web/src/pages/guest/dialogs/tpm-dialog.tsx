import { formatPropertyString } from '@ryokan/api/schema/property-string.ts';
import { tpmstateFields } from '@ryokan/api/schema/qemu-drive.ts';
import { useState } from 'react';
import { SelectField } from '../../../forms/fields.tsx';
import { StorageField } from '../../../forms/wizard/storage-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import type { DeviceDialogProps } from '../device-dialogs.tsx';

type Version = 'v2.0' | 'v1.2';

export function TpmDialog({ target, onClose }: DeviceDialogProps) {
  const t = useT();
  const [storage, setStorage] = useState('');
  const [version, setVersion] = useState<Version>('v2.0');
  return (
    <ConfigDialog
      asTask
      title={t('tpm.add')}
      submit={t('hardware.addSubmit')}
      target={target}
      change={
        storage
          ? { tpmstate0: formatPropertyString(tpmstateFields, { file: `${storage}:1`, version }) }
          : undefined
      }
      onClose={onClose}
    >
      <StorageField
        id="storage"
        label={t('tpm.storage')}
        help={t('tpm.help')}
        node={target.node}
        value={storage}
        onChange={setStorage}
      />
      <SelectField
        id="tpm-version"
        label={t('tpm.version')}
        value={version}
        onChange={(value) => setVersion(value as Version)}
        choices={[
          { value: 'v2.0', label: 'TPM 2.0' },
          { value: 'v1.2', label: 'TPM 1.2' },
        ]}
      />
    </ConfigDialog>
  );
}
