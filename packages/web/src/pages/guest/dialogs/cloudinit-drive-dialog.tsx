import { useState } from 'react';
import { StorageField } from '../../../forms/wizard/storage-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey } from '../config-model.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { BusField, cdromBuses } from './bus-field.tsx';

/** The CD-ROM that carries the cloud-init data; the node makes and renews its image. */
export default function CloudInitDriveDialog({ target, entries, onClose }: DeviceDialogProps) {
  const t = useT();
  const [bus, setBus] = useState<(typeof cdromBuses)[number]>('ide');
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
        <BusField bus={bus} buses={cdromBuses} freeKey={key} onChange={setBus} />
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
