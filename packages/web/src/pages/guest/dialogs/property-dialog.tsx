/** Devices whose form is nothing but the fields of their property string. */
import {
  formatPropertyString,
  propertyStringFields,
  readPropertyString,
} from '@ryokan/api/schema/property-string.ts';
import { qemuConfigFields } from '@ryokan/api/schema/qemu-config.ts';
import type { TObject, TSchema } from '@ryokan/api/schema/types.ts';
import { useState } from 'react';
import { type FieldValues, type FieldWords, SchemaFields } from '../../../forms/schema-field.tsx';
import { type PlainKey, useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { type DeviceGroup, freeKey } from '../config-model.ts';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import {
  audioWords,
  numaWords,
  rngWords,
  sharedMemoryWords,
  vgaWords,
  watchdogWords,
} from './field-words.ts';
import { TextDialog } from './text-dialog.tsx';

export interface PropertyDevice {
  /** Configuration key; of a numbered family its name. */
  readonly key: string;
  readonly numbered?: true;
  readonly fields: TObject;
  readonly title: PlainKey;
  readonly help?: PlainKey;
  readonly words: Readonly<Record<string, FieldWords>>;
  /** What a new device begins with. */
  readonly preset: FieldValues;
}

const fieldsOf = (key: string): TObject =>
  propertyStringFields((qemuConfigFields as Record<string, TSchema>)[key] as TSchema) as TObject;

export const propertyDevices = {
  display: { key: 'vga', fields: fieldsOf('vga'), title: 'hardware.display', words: vgaWords, preset: {} },
  rng: {
    key: 'rng0',
    fields: fieldsOf('rng0'),
    title: 'hardware.rng',
    help: 'rng.help',
    words: rngWords,
    preset: { source: '/dev/urandom', max_bytes: 1024, period: 1000 },
  },
  audio: {
    key: 'audio0',
    fields: fieldsOf('audio0'),
    title: 'hardware.audio',
    words: audioWords,
    preset: { device: 'ich9-intel-hda' },
  },
  watchdog: {
    key: 'watchdog',
    fields: fieldsOf('watchdog'),
    title: 'hardware.watchdog',
    help: 'watchdog.help',
    words: watchdogWords,
    preset: { model: 'i6300esb', action: 'reset' },
  },
  sharedmemory: {
    key: 'ivshmem',
    fields: fieldsOf('ivshmem'),
    title: 'hardware.sharedMemory',
    help: 'sharedMemory.help',
    words: sharedMemoryWords,
    preset: { size: 32 },
  },
  numanode: {
    key: 'numa',
    numbered: true,
    fields: fieldsOf('numa0'),
    title: 'hardware.numaNode',
    help: 'numaNode.help',
    words: numaWords,
    preset: {},
  },
} as const satisfies Partial<Record<DeviceGroup, PropertyDevice>>;

/** The values of a property string; undefined when it cannot be read. */
export function readFields(fields: TObject, text: string): FieldValues | undefined {
  return readPropertyString(fields, text).value as FieldValues | undefined;
}

export function PropertyDialog(props: DeviceDialogProps & { device: PropertyDevice }) {
  const t = useT();
  const { row, device } = props;
  const { fields } = device;
  // The display's row stands always, under a name of its own.
  const key = device.numbered ? (row?.id ?? freeKey(device.key, new Set(props.entries.keys()))) : device.key;
  const text = (key === undefined ? undefined : row?.next[key]) ?? '';
  const before = text === '' ? undefined : readFields(fields, text);
  const [values, setValues] = useState<FieldValues>(before ?? device.preset);
  // A text that the schema does not know is edited as it is written.
  if (text !== '' && !before && row) return <TextDialog {...props} row={row} configKey={key} />;
  return (
    <ConfigDialog
      title={t(device.title)}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={props.target}
      change={
        key === undefined
          ? undefined
          : changeOf({ [key]: text }, { [key]: formatPropertyString(fields, values) })
      }
      onClose={props.onClose}
    >
      {device.help ? <p className="ry-subtle">{t(device.help)}</p> : null}
      <SchemaFields
        fields={fields}
        words={device.words}
        names={Object.keys(device.words)}
        values={values}
        onChange={setValues}
      />
    </ConfigDialog>
  );
}
