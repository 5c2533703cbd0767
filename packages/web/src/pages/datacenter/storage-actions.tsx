/** Changing and removing the definition of a storage: the menu of a row or page, and its dialogs. */
import { storageDelete, storageList } from '@ryokan/api/methods/storage.ts';
import { useState } from 'react';
import { invalidate } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { RowMenu } from '../../components/row-menu.tsx';
import { useT } from '../../i18n/index.ts';
import { type Removal, RemovalDialog } from './removal.tsx';
import { type StorageDefinition, StorageDialog } from './storage-dialog.tsx';

export default function StorageActions(props: { definition: StorageDefinition; onRemoved?: () => void }) {
  const t = useT();
  const { definition, onRemoved } = props;
  const { storage } = definition;
  const [editing, setEditing] = useState(false);
  const [removal, setRemoval] = useState<Removal>();
  const removing: Removal = {
    name: storage,
    body: t('storage.removeBody'),
    call: async () => {
      await api.call(storageDelete, { storage });
      await invalidate(storageList);
      onRemoved?.();
    },
  };
  return (
    <>
      <RowMenu
        label={t('access.actionsOf', { name: storage })}
        entries={[
          { key: 'edit', label: t('action.edit'), onClick: () => setEditing(true) },
          { key: 'remove', label: t('action.remove'), danger: true, onClick: () => setRemoval(removing) },
        ]}
      />
      {editing ? <StorageDialog definition={definition} onClose={() => setEditing(false)} /> : null}
      <RemovalDialog removal={removal} onClose={() => setRemoval(undefined)} />
    </>
  );
}
