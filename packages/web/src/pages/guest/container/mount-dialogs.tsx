/** Mount points of a container, and the options of its root file system. */
import { ExpandableSection } from '@patternfly/react-core';
import { lxcConfigFields, mountPointFields, rootfsFields } from '@ryokan/api/schema/lxc-config.ts';
import { formatPropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { useState } from 'react';
import { useSession } from '../../../api/session.ts';
import { CheckField, NumberField, SelectField, TextField } from '../../../forms/fields.tsx';
import { type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { StorageField } from '../../../forms/wizard/storage-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey } from '../config-model.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { Ways } from '../dialogs/host-choice.tsx';
import { TextDialog } from '../dialogs/text-dialog.tsx';
import { type HardwareRow, volumeOf } from '../hardware-model.ts';
import { isAbsolute, toggleOption } from './container-model.ts';
import { mountWords } from './words.ts';

type Way = 'volume' | 'directory';

/** A new volume or a directory of the node; with a row, an unused volume that gets a place again. */
export function AddMountDialog({ target, entries, row, onClose }: DeviceDialogProps) {
  const t = useT();
  const unused = row && volumeOf(row)?.volid;
  const [way, setWay] = useState<Way>('volume');
  const [storage, setStorage] = useState('');
  const [size, setSize] = useState('8');
  const [directory, setDirectory] = useState('');
  const [path, setPath] = useState('');
  const [options, setOptions] = useState<FieldValues>({ backup: true });
  const isRoot = useSession()?.username === 'root@pam';
  const key = freeKey('mp', new Set(entries.keys()), lxcConfigFields);
  const bind = !unused && way === 'directory';
  const volume = unused ?? (bind ? bindSource(directory) : newVolume(storage, size));
  const mp = path.trim();
  const values = { ...(bind ? withoutVolumeOptions(options) : options), volume: volume ?? '', mp };
  const ready = key && volume && isAbsolute(mp);
  return (
    <ConfigDialog
      title={unused ? t('hardware.attachTitle', { volume: unused }) : t('container.addMount')}
      submit={unused ? t('hardware.attach') : t('hardware.addSubmit')}
      target={target}
      change={ready ? { [key]: formatPropertyString(mountPointFields, values) } : undefined}
      onClose={onClose}
    >
      <PathField value={path} onChange={setPath} />
      {unused ? null : (
        <Ways<Way>
          name="mount-way"
          value={way}
          onChange={setWay}
          ways={[
            {
              key: 'volume',
              label: t('container.newVolume'),
              body: (
                <div className="ry-form-grid">
                  <StorageField
                    id="storage"
                    label={t('column.storage')}
                    node={target.node}
                    content="rootdir"
                    value={storage}
                    onChange={setStorage}
                  />
                  <NumberField
                    id="size"
                    label={t('column.size')}
                    unit="GiB"
                    min={0}
                    value={size}
                    onChange={setSize}
                  />
                </div>
              ),
            },
            {
              key: 'directory',
              disabled: !isRoot,
              label: t('container.directory'),
              help: t(isRoot ? 'container.directoryHelp' : 'container.directoryRoot'),
              body: (
                <TextField
                  id="directory"
                  label={t('container.directory')}
                  placeholder="/srv/shared"
                  mono
                  value={directory}
                  onChange={setDirectory}
                  problem={absoluteProblem(directory, t('container.absolute'))}
                />
              ),
            },
          ]}
        />
      )}
      <MountOptions values={options} onChange={setOptions} bind={bind} fresh={!unused} />
    </ConfigDialog>
  );
}

const bindSource = (text: string) => (isAbsolute(text.trim()) ? text.trim() : undefined);
const newVolume = (storage: string, size: string) =>
  storage && Number(size) > 0 ? `${storage}:${size.trim()}` : undefined;
const withoutVolumeOptions = ({ quota: _, acl: __, backup: ___, mountoptions: ____, ...rest }: FieldValues) =>
  rest;
const absoluteProblem = (text: string, problem: string) =>
  text === '' || isAbsolute(text.trim()) ? undefined : problem;

/** The options of the root file system or of a mount point that is there. */
export function EditMountDialog(props: DeviceDialogProps & { row: HardwareRow }) {
  const t = useT();
  const { row, target, onClose } = props;
  const root = row.group === 'rootfs';
  const fields = root ? rootfsFields : mountPointFields;
  const text = row.next[row.id] ?? '';
  const before = readPropertyString(fields, text).value;
  const [values, setValues] = useState((before ?? {}) as FieldValues);
  // A text that the schema does not know is edited as it is written.
  if (!before) return <TextDialog {...props} row={row} />;
  const write = (all: FieldValues) => formatPropertyString(fields, all as typeof before);
  const next = write({ ...values, ...(root ? {} : { mp: String(values.mp ?? '').trim() }) });
  const complete = root || isAbsolute(String(values.mp ?? '').trim());
  const changed = next !== write(before as FieldValues);
  return (
    <ConfigDialog
      title={root ? t('container.rootfs') : t('container.editMount', { key: row.id })}
      target={target}
      change={complete && changed ? { [row.id]: next } : undefined}
      onClose={onClose}
    >
      <p className="ry-id">{before.volume}</p>
      {root ? null : (
        <PathField value={String(values.mp ?? '')} onChange={(mp) => setValues({ ...values, mp })} />
      )}
      <MountOptions
        values={values}
        onChange={setValues}
        bind={before.volume.startsWith('/')}
        root={root}
        fresh={false}
      />
    </ConfigDialog>
  );
}

function PathField({ value, onChange }: { value: string; onChange: (path: string) => void }) {
  const t = useT();
  return (
    <TextField
      id="mp"
      label={t('container.path')}
      help={t('container.pathHelp')}
      placeholder="/srv/data"
      mono
      required
      value={value}
      onChange={onChange}
      problem={absoluteProblem(value, t('container.absolute'))}
    />
  );
}

const mountOptions = ['noatime', 'lazytime', 'discard', 'nodev', 'noexec', 'nosuid'] as const;

function MountOptions(props: {
  values: FieldValues;
  onChange: (values: FieldValues) => void;
  /** True: a directory or device of the node, whose file system is the node's affair. */
  bind: boolean;
  root?: boolean;
  /** True: the volume is made with the mount point. */
  fresh: boolean;
}) {
  const t = useT();
  const { values, onChange, bind, root } = props;
  const chosen = String(values.mountoptions ?? '');
  const common = { fields: mountPointFields, words: mountWords, values, onChange };
  return (
    <>
      <SchemaFields {...common} names={bind || root ? ['ro'] : ['ro', 'backup']} />
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <div className="ry-form-rows">
          {bind ? null : (
            <SelectField
              id="acl"
              label={t('container.acl')}
              value={values.acl === undefined ? '' : values.acl ? '1' : '0'}
              onChange={(acl) => onChange({ ...values, acl: acl === '' ? undefined : acl === '1' })}
              choices={[
                { value: '', label: t('container.aclDefault') },
                { value: '1', label: t('word.yes') },
                { value: '0', label: t('word.no') },
              ]}
            />
          )}
          <SchemaFields
            {...common}
            names={[
              ...(bind ? [] : ['quota']),
              'replicate',
              'shared',
              ...(props.fresh && !bind ? ['keepattrs'] : []),
              'idmap',
            ]}
          />
          {bind ? null : (
            <fieldset className="ry-form-rows">
              <legend className="ry-small-heading">{t('container.mountOptions')}</legend>
              <div className="ry-form-checks">
                {mountOptions.map((option) => (
                  <CheckField
                    key={option}
                    id={`option-${option}`}
                    label={option}
                    value={chosen.split(';').includes(option)}
                    onChange={() =>
                      onChange({ ...values, mountoptions: toggleOption(chosen, option) || undefined })
                    }
                  />
                ))}
              </div>
            </fieldset>
          )}
        </div>
      </ExpandableSection>
    </>
  );
}
