import { lxcConfigFields } from '@ryokan/api/schema/lxc-config.ts';
import { useState } from 'react';
import { kindOf } from '../../../api/guest-kinds.ts';
import { useResources } from '../../../api/hooks.ts';
import { useCall } from '../../../api/query.ts';
import { isGuest, labelOf } from '../../../api/rows.ts';
import { follow } from '../../../api/run.ts';
import { SelectField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { freeKey } from '../config-model.ts';
import { startMove } from '../copy-calls.ts';
import type { DiskDialogProps } from '../device-dialogs.tsx';
import { volumeOf } from '../hardware-model.ts';
import { BusField, type DiskBus, diskBuses } from './bus-field.tsx';

/** Gives a disk with all its data to another guest of the node. */
export function ReassignDialog({ row, target, onClose }: DiskDialogProps) {
  const t = useT();
  const { type, node, vmid } = target;
  const { rows } = useResources();
  const guests = rows.filter(
    (one) => isGuest(one) && one.type === type && one.node === node && one.vmid !== vmid && !one.template,
  );
  const [chosen, setChosen] = useState('');
  const [bus, setBus] = useState<DiskBus>(diskBuses.find((one) => row.id.startsWith(one)) ?? 'scsi');
  const other = useCall(kindOf(target).config, { node, vmid: Number(chosen) }, { enabled: chosen !== '' });
  const taken = new Set(Object.keys(other.data ?? {}));
  const family = row.id.replace(/\d+$/, '');
  const free = type === 'lxc' ? freeKey(family, taken, lxcConfigFields) : freeKey(bus, taken);
  const key = other.data && free;
  return (
    <FormDialog
      title={t('disk.reassignTitle', { key: row.id })}
      submit={t('disk.reassign')}
      ready={key !== undefined}
      onClose={onClose}
      onSubmit={async () => {
        follow(
          await startMove(target, row.id, {
            'target-vmid': Number(chosen),
            ...(key ? { to: key } : {}),
            ...(other.data?.digest ? { 'target-digest': other.data.digest } : {}),
          }),
        );
      }}
    >
      <p className="ry-id">{volumeOf(row)?.volid}</p>
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
        {other.data && type === 'qemu' ? <BusField bus={bus} freeKey={key} onChange={setBus} /> : null}
      </div>
      <p className="ry-subtle">{t('disk.reassignHelp')}</p>
    </FormDialog>
  );
}
