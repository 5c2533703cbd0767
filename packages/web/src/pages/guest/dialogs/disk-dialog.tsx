import { ExpandableSection } from '@patternfly/react-core';
import { qemuResize } from '@ryokan/api/methods/qemu.ts';
import type { QemuDrive } from '@ryokan/api/schema/qemu-drive.ts';
import { useState } from 'react';
import { api } from '../../../api/session.ts';
import { useStorages } from '../../../api/volumes.ts';
import { CheckField, NumberField, SelectField } from '../../../forms/fields.tsx';
import { StorageField } from '../../../forms/wizard/storage-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey, future, readDrive } from '../config-model.ts';
import { changeDrive, driveString } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import type { HardwareRow } from '../hardware-model.ts';

const buses = [
  { value: 'scsi', label: 'SCSI' },
  { value: 'virtio', label: 'VirtIO Block' },
  { value: 'sata', label: 'SATA' },
  { value: 'ide', label: 'IDE' },
] as const;
type Bus = (typeof buses)[number]['value'];

/** What can be set on any disk; the bus decides what of it counts. */
type Options = Pick<
  QemuDrive,
  'cache' | 'discard' | 'ssd' | 'iothread' | 'ro' | 'backup' | 'mbps_rd' | 'mbps_wr' | 'iops_rd' | 'iops_wr'
>;

/** A new disk, or (with a row) an unused volume that gets a bus again. */
export function AddDiskDialog({ target, entries, row, onClose }: DeviceDialogProps) {
  const t = useT();
  const volume = row ? row.next[row.id]?.split(',')[0] : undefined;
  const [bus, setBus] = useState<Bus>('scsi');
  const [storage, setStorage] = useState('');
  const [size, setSize] = useState('32');
  const [format, setFormat] = useState('');
  const [options, setOptions] = useState<Options>({ discard: 'on', ssd: true, iothread: true });
  const { storages } = useStorages(target.node, 'images');
  const chosen = storages.find((one) => one.storage === storage);
  const key = freeKey(bus, new Set(entries.keys()));
  const file = volume ?? (storage && Number(size) > 0 ? `${storage}:${size.trim()}` : undefined);
  const change =
    key && file
      ? {
          [key]: driveString(key, {
            file,
            ...options,
            ...(format ? { format: format as 'raw' | 'qcow2' } : {}),
          }),
        }
      : undefined;
  return (
    <ConfigDialog
      asTask
      title={volume ? t('hardware.attachTitle', { volume }) : t('hardware.addDisk')}
      submit={volume ? t('hardware.attach') : t('hardware.addSubmit')}
      target={target}
      change={change}
      onClose={onClose}
    >
      <div className="ry-form-grid">
        <SelectField
          id="bus"
          label={t('hardware.bus')}
          help={key ? t('hardware.asKey', { key }) : undefined}
          problem={key ? undefined : t('hardware.busFull')}
          value={bus}
          onChange={(value) => setBus(value as Bus)}
          choices={buses}
        />
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
              label={t('hardware.size')}
              unit="GiB"
              min={1}
              value={size}
              onChange={setSize}
            />
            <SelectField
              id="format"
              label={t('hardware.format')}
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
      <OptionFields bus={bus} options={options} onChange={setOptions} />
    </ConfigDialog>
  );
}

/** Options of a disk, and growing it. */
export function EditDiskDialog({ target, entries, row, onClose }: DeviceDialogProps & { row: HardwareRow }) {
  const t = useT();
  const text = future(entries.get(row.id)) ?? row.now[row.id] ?? '';
  const drive = readDrive(row.id, text);
  const [options, setOptions] = useState<Options>(drive ?? {});
  const [grow, setGrow] = useState('');
  const bus = row.id.replace(/\d+$/, '') as Bus;
  const growing = Number(grow) > 0;
  const next = changeDrive(row.id, text, options);
  const changed = next !== changeDrive(row.id, text, {});
  return (
    <ConfigDialog
      title={t('hardware.editDisk', { key: row.id })}
      target={target}
      change={growing || changed ? { [row.id]: next } : undefined}
      {...(growing
        ? {
            submit: t('hardware.grow'),
            apply: () =>
              api.call(qemuResize, {
                node: target.node,
                vmid: target.vmid,
                disk: row.id,
                size: `+${grow.trim()}G`,
              }),
          }
        : {})}
      onClose={onClose}
    >
      <p className="ry-id">{drive?.file ?? text}</p>
      <NumberField
        id="grow"
        label={t('hardware.growBy')}
        help={t('hardware.growHelp', { size: drive?.size ?? '?' })}
        unit="GiB"
        min={0}
        value={grow}
        disabled={changed}
        onChange={setGrow}
      />
      <OptionFields bus={bus} options={options} onChange={setOptions} disabled={growing} />
    </ConfigDialog>
  );
}

function OptionFields(props: {
  bus: Bus;
  options: Options;
  onChange: (options: Options) => void;
  disabled?: boolean;
}) {
  const t = useT();
  const { bus, options, disabled = false } = props;
  const set = (part: Partial<Options>) => props.onChange({ ...options, ...part });
  const number = (text: string) => (text === '' ? undefined : Number(text));
  const limit = (key: 'mbps_rd' | 'mbps_wr' | 'iops_rd' | 'iops_wr', label: string, unit: string) => (
    <NumberField
      id={key}
      label={label}
      unit={unit}
      min={0}
      placeholder={t('hardware.noLimit')}
      value={options[key] === undefined ? '' : String(options[key])}
      disabled={disabled}
      onChange={(value) => set({ [key]: number(value) })}
    />
  );
  return (
    <>
      <SelectField
        id="cache"
        label={t('hardware.cache')}
        value={options.cache ?? ''}
        disabled={disabled}
        onChange={(cache) => set({ cache: (cache || undefined) as Options['cache'] })}
        choices={[
          { value: '', label: t('hardware.default', { value: 'none' }) },
          { value: 'writeback', label: 'writeback' },
          { value: 'writethrough', label: 'writethrough' },
          { value: 'directsync', label: 'directsync' },
          { value: 'unsafe', label: t('hardware.cacheUnsafe') },
        ]}
      />
      <div className="ry-form-checks">
        <CheckField
          id="discard"
          label={t('hardware.discard')}
          disabled={disabled}
          value={options.discard === 'on'}
          onChange={(on) => set({ discard: on ? 'on' : undefined })}
        />
        {bus === 'virtio' ? null : (
          <CheckField
            id="ssd"
            label={t('hardware.ssd')}
            disabled={disabled}
            value={options.ssd === true}
            onChange={(ssd) => set({ ssd: ssd || undefined })}
          />
        )}
        {bus === 'scsi' || bus === 'virtio' ? (
          <>
            <CheckField
              id="iothread"
              label={t('hardware.iothread')}
              disabled={disabled}
              value={options.iothread === true}
              onChange={(iothread) => set({ iothread: iothread || undefined })}
            />
            <CheckField
              id="ro"
              label={t('hardware.readOnly')}
              disabled={disabled}
              value={options.ro === true}
              onChange={(ro) => set({ ro: ro || undefined })}
            />
          </>
        ) : null}
        <CheckField
          id="backup"
          label={t('hardware.inBackups')}
          disabled={disabled}
          value={options.backup !== false}
          onChange={(on) => set({ backup: on ? undefined : false })}
        />
      </div>
      <ExpandableSection toggleText={t('hardware.limits')}>
        <div className="ry-form-grid">
          {limit('mbps_rd', t('hardware.readLimit'), 'MB/s')}
          {limit('mbps_wr', t('hardware.writeLimit'), 'MB/s')}
          {limit('iops_rd', t('hardware.readLimit'), 'IOPS')}
          {limit('iops_wr', t('hardware.writeLimit'), 'IOPS')}
        </div>
      </ExpandableSection>
    </>
  );
}
