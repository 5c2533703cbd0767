import type { GuestType } from '../api/guest-kinds.ts';
import { useStorages } from '../api/volumes.ts';
import { useT } from '../i18n/index.ts';
import { useFormat } from '../util/use-format.ts';
import { SelectField } from './fields.tsx';

/** Formats that disks of QEMU guests can have. */
export const diskFormats = ['raw', 'qcow2', 'vmdk'] as const;
export type DiskFormat = (typeof diskFormats)[number];

/** Where copied disks go, and in which form; volumes of containers have one form only. */
export function CopyTargetFields(props: {
  type: GuestType;
  node: string;
  storage: string;
  format: string;
  onChange: (next: { storage: string; format: string }) => void;
  /** What no choice of a storage means. */
  same: string;
}) {
  const t = useT();
  const units = useFormat();
  const { storages } = useStorages(props.node, props.type === 'lxc' ? 'rootdir' : 'images');
  const chosen = storages.find((one) => one.storage === props.storage);
  const formats: readonly string[] = diskFormats.filter(
    (one) => chosen?.formats?.supported.includes(one) ?? one !== 'vmdk',
  );
  return (
    <div className="ry-form-grid">
      <SelectField
        id="target-storage"
        label={t('clone.storage')}
        value={props.storage}
        onChange={(storage) => props.onChange({ storage, format: props.format })}
        choices={[
          { value: '', label: props.same },
          ...storages.map((one) => ({
            value: one.storage,
            label: t('wizard.storageFree', { storage: one.storage, free: units.bytes(one.avail ?? 0) }),
          })),
        ]}
      />
      {props.type === 'lxc' ? null : (
        <SelectField
          id="target-format"
          label={t('column.format')}
          value={formats.includes(props.format) ? props.format : ''}
          onChange={(format) => props.onChange({ storage: props.storage, format })}
          choices={[
            { value: '', label: t('clone.sameFormat') },
            ...formats.map((one) => ({ value: one, label: one })),
          ]}
        />
      )}
    </div>
  );
}
