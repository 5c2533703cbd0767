import { dirMappings } from '@ryokan/api/methods/cluster-mapping.ts';
import { dirMapFields } from '@ryokan/api/schema/mapping.ts';
import { formatPropertyString } from '@ryokan/api/schema/property-string.ts';
import { virtiofsFields } from '@ryokan/api/schema/qemu-options.ts';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey } from '../config-model.ts';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { directoryWords } from './field-words.ts';
import { HostChoice } from './host-choice.tsx';
import { readFields } from './property-dialog.tsx';
import { TextDialog } from './text-dialog.tsx';

/** The directory that a mapping stands for on a node; undefined when it has none there. */
function pathOn(node: string, map: readonly string[]): string | undefined {
  const entry = map.map((text) => readFields(dirMapFields, text)).find((one) => one?.node === node);
  return entry === undefined ? undefined : String(entry.path);
}

/** A directory of the node that the guest mounts by virtiofs. */
export function DirectoryDialog(props: DeviceDialogProps) {
  const t = useT();
  const { row, entries } = props;
  const { node } = props.target;
  const key = row?.id ?? freeKey('virtiofs', new Set(entries.keys()));
  const text = row ? (row.next[row.id] ?? '') : '';
  const before = row && readFields(virtiofsFields, text);
  const [values, setValues] = useState<FieldValues>(before ?? {});
  const mappings = useCall(dirMappings.list, { 'check-node': node });
  if (row && !before) return <TextDialog {...props} row={row} />;
  const dirid = String(values.dirid ?? '');
  const problems = mappings.data?.find((one) => one.id === dirid)?.checks ?? [];
  return (
    <ConfigDialog
      title={t('hardware.directory')}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={props.target}
      change={
        key && dirid
          ? changeOf({ [key]: text }, { [key]: formatPropertyString(virtiofsFields, { ...values, dirid }) })
          : undefined
      }
      onClose={props.onClose}
    >
      {key ? null : <p>{t('hardware.busFull')}</p>}
      <HostChoice
        id="directory-mapping"
        label={t('host.mapping')}
        none={t('directory.noMapping')}
        answer={mappings}
        choice={(one) => {
          const path = pathOn(node, one.map) ?? t('directory.notHere', { node });
          return { value: one.id, label: [one.id, path, one.description].filter(Boolean).join(' – ') };
        }}
        value={dirid}
        onChange={(next) => setValues({ ...values, dirid: next })}
      />
      {problems.map((one) => (
        <p key={one.message} className="ry-pending-note">
          {one.message}
        </p>
      ))}
      <p className="ry-subtle">{t('directory.mountHelp', { tag: dirid || 'TAG' })}</p>
      <SchemaFields
        fields={virtiofsFields}
        words={directoryWords}
        names={Object.keys(directoryWords)}
        values={values}
        onChange={setValues}
      />
    </ConfigDialog>
  );
}
