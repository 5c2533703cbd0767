import { useState } from 'react';
import { kindOf } from '../../../api/guest-kinds.ts';
import { follow } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { NumberField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import type { DiskDialogProps } from '../device-dialogs.tsx';
import { volumeOf } from '../hardware-model.ts';

/** Makes a disk larger, also while its guest runs. */
export function ResizeDialog({ row, target, onClose }: DiskDialogProps) {
  const t = useT();
  const [grow, setGrow] = useState('');
  const size = volumeOf(row)?.size;
  return (
    <FormDialog
      title={t('disk.growTitle', { key: row.id })}
      submit={t('hardware.grow')}
      ready={Number(grow) > 0}
      onClose={onClose}
      onSubmit={async () => {
        const { node, vmid } = target;
        const size = `+${grow.trim()}G`;
        follow(await api.call(kindOf(target).resize, { node, vmid, disk: row.id, size }));
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
      <p className="ry-subtle">{t(target.type === 'lxc' ? 'container.growGuest' : 'disk.growGuest')}</p>
    </FormDialog>
  );
}
