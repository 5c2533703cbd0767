import { useState } from 'react';
import { SelectField } from '../../../forms/fields.tsx';
import { StorageField } from '../../../forms/wizard/storage-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey } from '../config-model.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';

/** The CD-ROM that carries the cloud-init data; the node makes and renews its image. */
export default function CloudInitDriveDialog({ target, entries, onClose }: DeviceDialogProps) {
  const t = useT();
  const [bus, setBus] = useState('ide');
  const [storage, setStorage] = useState('');
  const key = freeKey(bus, new Set(entries.keys()));
  return (
    <ConfigDialog
      asTask
      title={t('cloudinit.addDrive')}
      submit={t('hardware.addSubmit')}
      target={target}
      change={key && storage ? { [key]: `${storage}:cloudinit,media=cdrom` } : undefined}
      onClose={onClose}
    >
      <div className="ry-form-grid">
        <SelectField
          id="bus"
          label={t('hardware.bus')}
          help={key ? t('hardware.asKey', { key }) : undefined}
          problem={key ? undefined : t('hardware.busFull')}
          value={bus}
          onChange={setBus}
          choices={[
            { value: 'ide', label: 'IDE' },
            { value: 'sata', label: 'SATA' },
            { value: 'scsi', label: 'SCSI' },
          ]}
        />
        <StorageField
          id="storage"
          label={t('column.storage')}
          node={target.node}
          value={storage}
          onChange={setStorage}
        />
      </div>
    </ConfigDialog>
  );
}
