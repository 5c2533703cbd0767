import type { ImportMetadata } from '@ryokan/api/import-plan.ts';
import { useStorages, volumeName } from '../../api/volumes.ts';
import { BridgeField } from '../../forms/bridge-field.tsx';
import { CheckField, SelectField } from '../../forms/fields.tsx';
import { nicModels } from '../../forms/nic-models.ts';
import { StorageField } from '../../forms/wizard/storage-field.tsx';
import { type Translate, useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import type { DiskChoice, ImportDraft, NetChoice } from './import-draft.ts';

interface ChoiceProps {
  readonly node: string;
  readonly metadata: ImportMetadata;
  readonly draft: ImportDraft;
  readonly change: (part: Partial<ImportDraft>) => void;
  readonly problem: (key: string) => string | undefined;
}

/** Storage and format of each disk. */
export function DiskChoiceFields(props: ChoiceProps) {
  const { metadata, draft, change } = props;
  return Object.entries(draft.disks).map(([key, choice]) => (
    <DiskFields
      key={key}
      {...props}
      name={key}
      disk={metadata.disks[key]}
      choice={choice}
      onChange={(part) => change({ disks: { ...draft.disks, [key]: { ...choice, ...part } } })}
    />
  ));
}

function DiskFields(
  props: ChoiceProps & {
    name: string;
    disk: ImportMetadata['disks'][string] | undefined;
    choice: DiskChoice;
    onChange: (part: Partial<DiskChoice>) => void;
  },
) {
  const t = useT();
  const format = useFormat();
  const { name, disk, choice, onChange } = props;
  const { storages } = useStorages(props.node, 'images');
  const formats = storages.find((one) => one.storage === choice.storage)?.formats;
  const size =
    disk === undefined || disk === 1 || disk.size === undefined ? '' : ` · ${format.bytes(disk.size)}`;
  return (
    <fieldset className="ry-card">
      <legend className="ry-id">{name}</legend>
      <CheckField
        id={`${name}-use`}
        label={`${diskText(disk, t)}${size}`}
        value={choice.use}
        onChange={(use) => onChange({ use })}
      />
      {choice.use ? (
        <div className="ry-form-grid">
          <StorageField
            id={`${name}-storage`}
            label={t('column.storage')}
            node={props.node}
            value={choice.storage}
            onChange={(storage) => onChange({ storage })}
            problem={props.problem(name)}
          />
          {name === 'tpmstate0' ? null : (
            <SelectField
              id={`${name}-format`}
              label={t('column.format')}
              value={choice.format}
              onChange={(next) => onChange({ format: next })}
              choices={[
                { value: '', label: t('wizard.formatDefault', { format: formats?.default ?? 'qcow2' }) },
                ...(formats?.supported ?? []).map((one) => ({ value: one, label: one })),
              ]}
            />
          )}
        </div>
      ) : null}
    </fieldset>
  );
}

function diskText(disk: ImportMetadata['disks'][string] | undefined, t: Translate): string {
  if (disk === undefined || disk === 1) return t('import.newState');
  return disk.volid === undefined ? t('import.emptyDisk') : volumeName(disk.volid);
}

/** Bridge and model of each card. */
export function NetChoiceFields({ node, metadata, draft, change, problem }: ChoiceProps) {
  const t = useT();
  return Object.entries(draft.nets).map(([key, choice]) => {
    const card = metadata.net[key];
    const set = (part: Partial<NetChoice>) =>
      change({ nets: { ...draft.nets, [key]: { ...choice, ...part } } });
    const models: readonly { value: string; label: string }[] = nicModels;
    const known = models.some((one) => one.value === choice.model);
    return (
      <fieldset key={key} className="ry-card">
        <legend className="ry-id">{key}</legend>
        <CheckField
          id={`${key}-use`}
          label={[card?.network ?? t('import.card'), card?.macaddr].filter(Boolean).join(' · ')}
          value={choice.use}
          onChange={(use) => set({ use })}
        />
        {choice.use ? (
          <>
            <BridgeField
              id={`${key}-bridge`}
              node={node}
              value={choice.bridge}
              onChange={(bridge) => set({ bridge })}
              problem={problem(key)}
            />
            <SelectField
              id={`${key}-model`}
              label={t('hardware.model')}
              value={choice.model}
              onChange={(model) => set({ model })}
              choices={known ? models : [{ value: choice.model, label: choice.model }, ...models]}
            />
          </>
        ) : null}
      </fieldset>
    );
  });
}
