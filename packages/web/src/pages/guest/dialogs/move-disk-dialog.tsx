import { ExpandableSection } from '@patternfly/react-core';
import type { ParamsOf } from '@ryokan/api/method.ts';
import { qemuMoveDisk } from '@ryokan/api/methods/qemu-copy.ts';
import { useState } from 'react';
import { follow } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { CopyTargetFields, type DiskFormat } from '../../../forms/copy-target.tsx';
import { CheckField, NumberField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import type { DiskDialogProps } from '../device-dialogs.tsx';
import { driveText } from '../hardware-model.ts';

export type MovableKey = ParamsOf<typeof qemuMoveDisk>['disk'];

/** A disk goes to another storage or format, also while its guest runs; the tab shows how far it is. */
export function MoveDiskDialog({ row, target, onClose }: DiskDialogProps) {
  const t = useT();
  const [storage, setStorage] = useState('');
  const [format, setFormat] = useState('');
  const [remove, setRemove] = useState(false);
  const [limit, setLimit] = useState('');
  const volume = driveText(row.id, row.now[row.id] ?? row.next[row.id] ?? '').main;
  const here = volume.split(':')[0] ?? '';
  return (
    <FormDialog
      title={t('disk.moveTitle', { key: row.id })}
      submit={t('disk.move')}
      ready={storage !== '' || format !== ''}
      onClose={onClose}
      onSubmit={async () => {
        const { node, vmid, digest } = target;
        follow(
          await api.call(qemuMoveDisk, {
            node,
            vmid,
            disk: row.id as MovableKey,
            storage: storage || here,
            delete: remove,
            ...(format ? { format: format as DiskFormat } : {}),
            ...(digest ? { digest } : {}),
            ...(Number(limit) > 0 ? { bwlimit: Number(limit) * 1024 } : {}),
          }),
        );
      }}
    >
      <p className="ry-id">{volume}</p>
      <CopyTargetFields
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
      <p className="ry-subtle">{t('disk.moveCancel')}</p>
    </FormDialog>
  );
}
