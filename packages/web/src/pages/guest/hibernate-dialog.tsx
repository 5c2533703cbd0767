import { qemuSuspend } from '@ryokan/api/methods/qemu.ts';
import { useState } from 'react';
import { nameOf } from '../../api/guest-kinds.ts';
import type { Guest } from '../../api/rows.ts';
import { follow } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { useStorages } from '../../api/volumes.ts';
import { SelectField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';

/** Saves the memory of a guest to a storage and ends it; the next start goes on from there. */
export default function HibernateDialog({ guest, onClose }: { guest: Guest; onClose: () => void }) {
  const t = useT();
  const format = useFormat();
  const { node, vmid } = guest;
  const { storages } = useStorages(node, 'images');
  const [storage, setStorage] = useState('');
  return (
    <FormDialog
      title={t('hibernate.title', { name: nameOf(guest) })}
      submit={t('guest.hibernate')}
      ready
      onClose={onClose}
      onSubmit={async () => {
        const where = storage ? { statestorage: storage } : {};
        follow(await api.call(qemuSuspend, { node, vmid, todisk: true, ...where }));
      }}
    >
      <p>{t('hibernate.body', { size: format.bytes(guest.maxmem ?? 0) })}</p>
      <SelectField
        id="state-storage"
        label={t('hibernate.storage')}
        value={storage}
        onChange={setStorage}
        choices={[
          { value: '', label: t('hardware.automatic') },
          ...storages.map((one) => ({
            value: one.storage,
            label: t('wizard.storageFree', { storage: one.storage, free: format.bytes(one.avail ?? 0) }),
          })),
        ]}
      />
    </FormDialog>
  );
}
