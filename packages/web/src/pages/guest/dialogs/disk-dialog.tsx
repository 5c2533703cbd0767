import type { QemuDrive } from '@ryokan/api/schema/qemu-drive.ts';
import { useState } from 'react';
import { useStorages } from '../../../api/volumes.ts';
import { NumberField, SelectField } from '../../../forms/fields.tsx';
import type { FieldValues } from '../../../forms/schema-field.tsx';
import { StorageField } from '../../../forms/wizard/storage-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey, future, readDrive } from '../config-model.ts';
import { changeDrive, driveString } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import type { HardwareRow } from '../hardware-model.ts';
import { BusField, type DiskBus } from './bus-field.tsx';
import { DiskOptions } from './disk-options.tsx';

/** A new disk, or (with a row) an unused volume that gets a bus again. */
export function AddDiskDialog({ target, entries, row, onClose }: DeviceDialogProps) {
  const t = useT();
  const volume = row ? row.next[row.id]?.split(',')[0] : undefined;
  const [bus, setBus] = useState<DiskBus>('scsi');
  const [storage, setStorage] = useState('');
  const [size, setSize] = useState('32');
  const [format, setFormat] = useState('');
  const [options, setOptions] = useState<FieldValues>({ discard: 'on', ssd: true, iothread: true });
  const { storages } = useStorages(target.node, 'images');
  const chosen = storages.find((one) => one.storage === storage);
  const key = freeKey(bus, new Set(entries.keys()));
  const file = volume ?? (storage && Number(size) > 0 ? `${storage}:${size.trim()}` : undefined);
  const drive = { ...options, ...(format && !volume ? { format } : {}) } as Partial<QemuDrive>;
  return (
    <ConfigDialog
      asTask
      title={volume ? t('hardware.attachTitle', { volume }) : t('hardware.addDisk')}
      submit={volume ? t('hardware.attach') : t('hardware.addSubmit')}
      target={target}
      change={key && file ? { [key]: driveString(key, { file, ...drive }) } : undefined}
      onClose={onClose}
    >
      <div className="ry-form-grid">
        <BusField bus={bus} freeKey={key} onChange={setBus} />
        {volume ? null : (
          <>
            <StorageField
              id="storage"
              label={t('column.storage')}
              node={target.node}
              value={storage}
              onChange={setStorage}
            />
            <NumberField
              id="size"
              label={t('column.size')}
              unit="GiB"
              min={1}
              value={size}
              onChange={setSize}
            />
            <SelectField
              id="format"
              label={t('column.format')}
              value={format}
              onChange={setFormat}
              choices={[
                {
                  value: '',
                  label: t('wizard.formatDefault', { format: chosen?.formats?.default ?? 'qcow2' }),
                },
                ...(chosen?.formats?.supported ?? [])
                  .filter((one) => one === 'raw' || one === 'qcow2')
                  .map((one) => ({ value: one, label: one })),
              ]}
            />
          </>
        )}
      </div>
      <DiskOptions driveKey={`${bus}0`} values={options} onChange={setOptions} />
    </ConfigDialog>
  );
}

/** Options of a disk that is there. */
export function EditDiskDialog({ target, entries, row, onClose }: DeviceDialogProps & { row: HardwareRow }) {
  const t = useT();
  const text = future(entries.get(row.id)) ?? row.now[row.id] ?? '';
  const drive = readDrive(row.id, text);
  const [options, setOptions] = useState<FieldValues>((drive ?? {}) as FieldValues);
  const next = changeDrive(row.id, text, options as Partial<QemuDrive>);
  return (
    <ConfigDialog
      title={t('hardware.editDisk', { key: row.id })}
      target={target}
      change={next === changeDrive(row.id, text, {}) ? undefined : { [row.id]: next }}
      onClose={onClose}
    >
      <p className="ry-id">{drive?.file ?? text}</p>
      <DiskOptions driveKey={row.id} values={options} onChange={setOptions} />
    </ConfigDialog>
  );
}
