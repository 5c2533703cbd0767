/** Devices that are one choice or one text. */
import { capabilitiesMachines } from '@ryokan/api/methods/node-capabilities.ts';
import { formatPropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { machineFields } from '@ryokan/api/schema/qemu-options.ts';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { SelectField, TextField } from '../../../forms/fields.tsx';
import { scsiControllers } from '../../../forms/scsi-controllers.ts';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey } from '../config-model.ts';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';

export function BiosDialog({ row, target, entries, onClose }: DeviceDialogProps) {
  const t = useT();
  const before = row?.next.bios ?? 'seabios';
  const [bios, setBios] = useState(before);
  return (
    <ConfigDialog
      title={t('hardware.bios')}
      target={target}
      change={changeOf({ bios: before }, { bios })}
      onClose={onClose}
    >
      <SelectField
        id="bios"
        label={t('hardware.bios')}
        value={bios}
        onChange={setBios}
        help={bios === 'ovmf' && !entries.has('efidisk0') ? t('hardware.needsEfidisk') : undefined}
        choices={[
          { value: 'seabios', label: 'SeaBIOS' },
          { value: 'ovmf', label: 'OVMF (UEFI)' },
        ]}
      />
    </ConfigDialog>
  );
}

export function MachineDialog({ row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const text = row?.next.machine;
  const before = readPropertyString(machineFields, text ?? '').value ?? {};
  const [type, setType] = useState(before.type ?? 'pc');
  const { data } = useCall(capabilitiesMachines, { node: target.node }, { staleTime: 600_000 });
  const versions = (data ?? []).map((one) => one.id);
  const listed = ['pc', 'q35', ...versions].includes(type);
  const machine = formatPropertyString(machineFields, { ...before, type });
  return (
    <ConfigDialog
      title={t('hardware.machine')}
      target={target}
      change={changeOf({ machine: text ?? 'pc' }, { machine })}
      onClose={onClose}
    >
      <SelectField
        id="machine"
        label={t('hardware.machine')}
        help={t('hardware.machineHelp')}
        value={type}
        onChange={setType}
        choices={[
          { value: 'pc', label: t('hardware.newest', { machine: 'i440fx' }) },
          { value: 'q35', label: t('hardware.newest', { machine: 'q35' }) },
          ...[...versions, ...(listed ? [] : [type])].map((one) => ({ value: one, label: one })),
        ]}
      />
    </ConfigDialog>
  );
}

export function ScsiDialog({ row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const before = row?.next.scsihw ?? 'lsi';
  const [scsihw, setScsihw] = useState(before);
  return (
    <ConfigDialog
      title={t('hardware.scsihw')}
      target={target}
      change={changeOf({ scsihw: before }, { scsihw })}
      onClose={onClose}
    >
      <SelectField
        id="scsihw"
        label={t('hardware.scsihw')}
        value={scsihw}
        onChange={setScsihw}
        choices={scsiControllers}
      />
    </ConfigDialog>
  );
}

const ports = {
  serial: { title: 'hardware.serial', help: 'hardware.serialHelp', preset: 'socket' },
  parallel: { title: 'hardware.parallel', help: 'hardware.parallelHelp', preset: '/dev/parport0' },
} as const;

/** A serial or parallel port. */
export function PortDialog(props: DeviceDialogProps & { family: keyof typeof ports }) {
  const t = useT();
  const { row, target, entries, onClose, family } = props;
  const { title, help, preset } = ports[family];
  const key = row?.id ?? freeKey(family, new Set(entries.keys()));
  const before = row ? (row.next[row.id] ?? '') : '';
  const [value, setValue] = useState(before || preset);
  return (
    <ConfigDialog
      title={t(title)}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={target}
      change={key ? changeOf({ [key]: before }, { [key]: value }) : undefined}
      onClose={onClose}
    >
      <TextField
        id="port"
        label={key ?? t(title)}
        help={t(help)}
        problem={key ? undefined : t('hardware.busFull')}
        mono
        value={value}
        onChange={setValue}
      />
    </ConfigDialog>
  );
}
