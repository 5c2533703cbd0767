import { useEffect } from 'react';
import { type ContentType, useStorages } from '../../api/volumes.ts';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { SelectField } from '../fields.tsx';
import { useWizard } from './vm-model.ts';

/** A storage that takes disks of this kind, with its free space; the first one is chosen when there is no choice yet. */
export function StorageField(props: {
  id: string;
  label: string;
  help?: string;
  node: string;
  content?: ContentType;
  value: string;
  onChange: (storage: string) => void;
  problem?: string | undefined;
}) {
  const t = useT();
  const format = useFormat();
  const { storages, loaded } = useStorages(props.node, props.content ?? 'images');
  const first = storages[0]?.storage;
  const known = storages.some((one) => one.storage === props.value);
  const { onChange } = props;
  useEffect(() => {
    if (loaded && !known && first !== undefined) onChange(first);
  }, [loaded, known, first, onChange]);
  return (
    <SelectField
      id={props.id}
      label={props.label}
      help={props.help}
      value={known ? props.value : ''}
      onChange={props.onChange}
      problem={loaded && storages.length === 0 ? t('wizard.noStorage') : props.problem}
      choices={[
        ...(known
          ? []
          : [{ value: '', label: loaded ? t('wizard.chooseStorage') : t('page.loading'), disabled: true }]),
        ...storages.map((one) => ({
          value: one.storage,
          label: t('wizard.storageFree', { storage: one.storage, free: format.bytes(one.avail ?? 0) }),
        })),
      ]}
    />
  );
}

/** Gives disks without a storage the node's first one, also when their step is never opened. */
export function useFirstStorage(): void {
  const { draft, change } = useWizard();
  const { storages } = useStorages(draft.node, 'images');
  const first = storages[0]?.storage;
  const { disks, efiStorage } = draft;
  const wanted = efiStorage === '' || disks.some((disk) => disk.storage === '');
  useEffect(() => {
    if (!wanted || first === undefined) return;
    change({
      efiStorage: efiStorage || first,
      disks: disks.map((disk) => (disk.storage === '' ? { ...disk, storage: first } : disk)),
    });
  }, [wanted, first, disks, efiStorage, change]);
}
