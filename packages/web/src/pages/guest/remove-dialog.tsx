import { Alert, Checkbox, Form, FormGroup, TextInput } from '@patternfly/react-core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { kindOf, nameOf } from '../../api/guest-kinds.ts';
import { useGuestConfig } from '../../api/hooks.ts';
import { leaveGuest } from '../../api/live.ts';
import type { Guest } from '../../api/rows.ts';
import { follow } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useT } from '../../i18n/index.ts';
import { volumesOf } from './config-model.ts';

/** Removing a guest: names each volume that goes, and wants its number (or name) typed. */
export default function RemoveGuestDialog({ guest, onClose }: { guest: Guest; onClose: () => void }) {
  const t = useT();
  const navigate = useNavigate();
  const { node, vmid } = guest;
  const config = useGuestConfig(guest);
  const [typed, setTyped] = useState('');
  const [purge, setPurge] = useState(true);
  const [unreferenced, setUnreferenced] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const volumes = config.data ? volumesOf(config.data) : [];
  const confirmed =
    typed.trim() === String(vmid) || (guest.name !== undefined && typed.trim() === guest.name);

  const remove = async () => {
    setBusy(true);
    const stay = leaveGuest(vmid);
    setError(undefined);
    try {
      const also = { purge, 'destroy-unreferenced-disks': unreferenced };
      follow(await api.call(kindOf(guest).destroy, { node, vmid, ...also }));
      onClose();
      navigate(`/node/${node}`);
    } catch (failure) {
      stay();
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <ConfirmDialog
      danger
      busy={busy}
      disabled={!confirmed}
      title={t('remove.title', { name: nameOf(guest) })}
      confirm={t('guest.remove')}
      onClose={onClose}
      onConfirm={remove}
      body={
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            if (confirmed) void remove();
          }}
        >
          {error ? <ErrorNotice error={error} /> : null}
          <Alert isInline variant="warning" title={t('remove.warning')}>
            {volumes.length > 0 ? (
              <ul className="ry-id-list">
                {volumes.map((volume) => (
                  <li key={volume.key}>
                    <span className="ry-id">{volume.volid}</span> {volume.size ?? ''}
                  </li>
                ))}
              </ul>
            ) : (
              t('remove.noVolumes')
            )}
          </Alert>
          <Checkbox
            id="purge"
            label={t('remove.purge')}
            description={t('remove.purgeHelp')}
            isChecked={purge}
            onChange={(_, checked) => setPurge(checked)}
          />
          <Checkbox
            id="unreferenced"
            label={t('remove.unreferenced')}
            description={t('remove.unreferencedHelp')}
            isChecked={unreferenced}
            onChange={(_, checked) => setUnreferenced(checked)}
          />
          <FormGroup label={t('remove.type', { vmid })} fieldId="confirm-vmid">
            <TextInput
              id="confirm-vmid"
              value={typed}
              autoComplete="off"
              onChange={(_, value) => setTyped(value)}
            />
          </FormGroup>
        </Form>
      }
    />
  );
}
