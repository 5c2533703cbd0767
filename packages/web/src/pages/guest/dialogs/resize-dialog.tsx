import { qemuResize } from '@ryokan/api/methods/qemu.ts';
import { useState } from 'react';
import { follow } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { NumberField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { readDrive } from '../config-model.ts';
import type { DiskDialogProps } from '../device-dialogs.tsx';

/** Makes a disk larger, also while its guest runs. */
export function ResizeDialog({ row, target, onClose }: DiskDialogProps) {
  const t = useT();
  const [grow, setGrow] = useState('');
  const size = readDrive(row.id, row.now[row.id] ?? row.next[row.id] ?? '')?.size;
  return (
    <FormDialog
      title={t('disk.growTitle', { key: row.id })}
      submit={t('hardware.grow')}
      ready={Number(grow) > 0}
      onClose={onClose}
      onSubmit={async () => {
        const { node, vmid } = target;
        follow(await api.call(qemuResize, { node, vmid, disk: row.id, size: `+${grow.trim()}G` }));
      }}
    >
      <NumberField
        id="grow"
        label={t('hardware.growBy')}
        help={t('hardware.growHelp', { size: size ?? '?' })}
        unit="GiB"
        min={0}
        value={grow}
        onChange={setGrow}
      />
      <p className="ry-subtle">{t('disk.growGuest')}</p>
    </FormDialog>
  );
}
