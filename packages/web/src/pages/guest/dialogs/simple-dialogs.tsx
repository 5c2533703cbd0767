/** Devices that are one choice or one text. */
import { capabilitiesMachines } from '@ryokan/api/methods/node-capabilities.ts';
import { formatPropertyString, parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { machineFields, rngFields, vgaFields } from '@ryokan/api/schema/qemu-options.ts';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { NumberField, SelectField, TextField } from '../../../forms/fields.tsx';
import { scsiControllers } from '../../../forms/scsi-controllers.ts';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey } from '../config-model.ts';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import type { HardwareRow } from '../hardware-model.ts';

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

/** Fields of a property string, or none when it cannot be read. */
function read<T extends typeof vgaFields | typeof machineFields | typeof rngFields>(
  fields: T,
  text: string | undefined,
) {
  try {
    return parsePropertyString(fields, text ?? '');
  } catch {
    return undefined;
  }
}

export function DisplayDialog({ row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const text = row?.next.vga;
  const before = read(vgaFields, text) ?? {};
  const [type, setType] = useState(before.type ?? 'std');
  const [memory, setMemory] = useState(before.memory === undefined ? '' : String(before.memory));
  const vga = formatPropertyString(vgaFields, {
    ...before,
    type,
    memory: memory === '' ? undefined : Number(memory),
  });
  return (
    <ConfigDialog
      title={t('hardware.display')}
      target={target}
      change={changeOf({ vga: text ?? 'std' }, { vga })}
      onClose={onClose}
    >
      <SelectField
        id="vga"
        label={t('hardware.display')}
        value={type}
        onChange={(value) => setType(value as typeof type)}
        choices={[
          { value: 'std', label: t('wizard.vgaStd') },
          { value: 'virtio', label: 'VirtIO-GPU' },
          { value: 'qxl', label: 'QXL' },
          { value: 'vmware', label: 'VMware' },
          { value: 'cirrus', label: 'Cirrus' },
          { value: 'serial0', label: t('wizard.vgaSerial') },
          { value: 'none', label: t('wizard.vgaNone') },
        ]}
      />
      <NumberField
        id="vga-memory"
        label={t('hardware.videoMemory')}
        unit="MiB"
        min={4}
        max={512}
        placeholder={t('hardware.automatic')}
        value={memory}
        onChange={setMemory}
      />
    </ConfigDialog>
  );
}

export function MachineDialog({ row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const text = row?.next.machine;
  const before = read(machineFields, text) ?? {};
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

export function SerialDialog({ row, target, entries, onClose }: DeviceDialogProps) {
  const t = useT();
  const key = row?.id ?? freeKey('serial', new Set(entries.keys()));
  const before = row ? (row.next[row.id] ?? '') : '';
  const [value, setValue] = useState(before || 'socket');
  return (
    <ConfigDialog
      title={t('hardware.serial')}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={target}
      change={key ? changeOf({ [key]: before }, { [key]: value }) : undefined}
      onClose={onClose}
    >
      <TextField
        id="serial"
        label={key ?? t('hardware.serial')}
        help={t('hardware.serialHelp')}
        problem={key ? undefined : t('hardware.busFull')}
        mono
        value={value}
        onChange={setValue}
      />
    </ConfigDialog>
  );
}

export function RngDialog({ row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const text = row?.next.rng0;
  const before = text === undefined ? undefined : read(rngFields, text);
  const [source, setSource] = useState(before?.source ?? '/dev/urandom');
  const [maxBytes, setMaxBytes] = useState(String(before?.max_bytes ?? 1024));
  const rng0 = formatPropertyString(rngFields, {
    period: 1000,
    ...before,
    source,
    max_bytes: maxBytes === '' ? undefined : Number(maxBytes),
  });
  return (
    <ConfigDialog
      title={t('hardware.rng')}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={target}
      change={changeOf({ rng0: text ?? '' }, { rng0 })}
      onClose={onClose}
    >
      <SelectField
        id="rng-source"
        label={t('hardware.source')}
        value={source}
        onChange={(value) => setSource(value as typeof source)}
        choices={['/dev/urandom', '/dev/random', '/dev/hwrng'].map((one) => ({ value: one, label: one }))}
      />
      <NumberField
        id="rng-bytes"
        label={t('hardware.rngBytes')}
        help={t('hardware.rngBytesHelp')}
        min={0}
        value={maxBytes}
        onChange={setMaxBytes}
      />
    </ConfigDialog>
  );
}

/** For devices without a form of their own: the text of the configuration, checked by the API's schema. */
export function TextDialog({ row, target, onClose }: DeviceDialogProps & { row: HardwareRow }) {
  const t = useT();
  const before = row.next[row.id] ?? '';
  const [value, setValue] = useState(before);
  const change = value.trim() === '' ? undefined : changeOf({ [row.id]: before }, { [row.id]: value });
  return (
    <ConfigDialog title={row.id} target={target} change={change} onClose={onClose}>
      <TextField
        id="text"
        label={row.id}
        help={t('hardware.textHelp')}
        mono
        value={value}
        onChange={setValue}
      />
    </ConfigDialog>
  );
}
