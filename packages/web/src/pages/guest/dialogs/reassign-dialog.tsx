import { qemuConfigGet } from '@ryokan/api/methods/qemu.ts';
import { qemuMoveDisk } from '@ryokan/api/methods/qemu-copy.ts';
import { useState } from 'react';
import { useResources } from '../../../api/hooks.ts';
import { useCall } from '../../../api/query.ts';
import { isGuest, labelOf } from '../../../api/rows.ts';
import { follow } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { SelectField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { freeKey } from '../config-model.ts';
import type { DiskDialogProps } from '../device-dialogs.tsx';
import { driveText } from '../hardware-model.ts';
import { BusField, type DiskBus, diskBuses } from './bus-field.tsx';
import type { MovableKey } from './move-disk-dialog.tsx';

/** Gives a disk with all its data to another guest of the node. */
export function ReassignDialog({ row, target, onClose }: DiskDialogProps) {
  const t = useT();
  const { node, vmid, digest } = target;
  const { rows } = useResources();
  const guests = rows.filter(
    (one) => isGuest(one) && one.type === 'qemu' && one.node === node && one.vmid !== vmid && !one.template,
  );
  const [chosen, setChosen] = useState('');
  const [bus, setBus] = useState<DiskBus>(diskBuses.find((one) => row.id.startsWith(one)) ?? 'scsi');
  const other = useCall(qemuConfigGet, { node, vmid: Number(chosen) }, { enabled: chosen !== '' });
  const key = other.data && freeKey(bus, new Set(Object.keys(other.data)));
  return (
    <FormDialog
      title={t('disk.reassignTitle', { key: row.id })}
      submit={t('disk.reassign')}
      ready={key !== undefined}
      onClose={onClose}
      onSubmit={async () => {
        follow(
          await api.call(qemuMoveDisk, {
            node,
            vmid,
            disk: row.id as MovableKey,
            'target-vmid': Number(chosen),
            'target-disk': key as MovableKey,
            ...(digest ? { digest } : {}),
            ...(other.data?.digest ? { 'target-digest': other.data.digest } : {}),
          }),
        );
      }}
    >
      <p className="ry-id">{driveText(row.id, row.now[row.id] ?? row.next[row.id] ?? '').main}</p>
      <div className="ry-form-grid">
        <SelectField
          id="target-guest"
          label={t('disk.reassignTo')}
          problem={guests.length === 0 ? t('disk.reassignNobody') : undefined}
          value={chosen}
          onChange={setChosen}
          choices={[
            { value: '', label: t('disk.chooseGuest'), disabled: true },
            ...guests.map((one) => ({ value: String(one.vmid), label: labelOf(one) })),
          ]}
        />
        {other.data ? <BusField bus={bus} freeKey={key} onChange={setBus} /> : null}
      </div>
      <p className="ry-subtle">{t('disk.reassignHelp')}</p>
    </FormDialog>
  );
}
