import { ExpandableSection } from '@patternfly/react-core';
import { useState } from 'react';
import { follow } from '../../../api/run.ts';
import { CopyTargetFields, type DiskFormat } from '../../../forms/copy-target.tsx';
import { CheckField, NumberField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { startMove } from '../copy-calls.ts';
import type { DiskDialogProps } from '../device-dialogs.tsx';
import { volumeOf } from '../hardware-model.ts';

/** A disk goes to another storage or format, also while its guest runs; the tab shows how far it is. */
export function MoveDiskDialog({ row, target, onClose }: DiskDialogProps) {
  const t = useT();
  const [storage, setStorage] = useState('');
  const [format, setFormat] = useState('');
  const [remove, setRemove] = useState(false);
  const [limit, setLimit] = useState('');
  const volume = volumeOf(row)?.volid ?? '';
  const here = volume.split(':')[0] ?? '';
  return (
    <FormDialog
      title={t('disk.moveTitle', { key: row.id })}
      submit={t('disk.move')}
      ready={storage !== '' || format !== ''}
      onClose={onClose}
      onSubmit={async () => {
        follow(
          await startMove(target, row.id, {
            storage: storage || here,
            delete: remove,
            ...(format ? { format: format as DiskFormat } : {}),
            ...(Number(limit) > 0 ? { bwlimit: Number(limit) * 1024 } : {}),
          }),
        );
      }}
    >
      <p className="ry-id">{volume}</p>
      <CopyTargetFields
        type={target.type}
        node={target.node}
        storage={storage}
        format={format}
        same={t('disk.sameStorage', { storage: here })}
        onChange={(next) => {
          setStorage(next.storage);
          setFormat(next.format);
        }}
      />
      <CheckField
        id="remove-source"
        label={t('disk.removeSource')}
        help={remove ? t('disk.removeSourceHelp') : t('disk.keepSourceHelp')}
        value={remove}
        onChange={setRemove}
      />
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <NumberField
          id="bwlimit"
          label={t('disk.moveLimit')}
          unit="MiB/s"
          min={0}
          placeholder={t('hardware.noLimit')}
          value={limit}
          onChange={setLimit}
        />
      </ExpandableSection>
      <p className="ry-subtle">{t(target.type === 'lxc' ? 'container.moveCancel' : 'disk.moveCancel')}</p>
    </FormDialog>
  );
}
