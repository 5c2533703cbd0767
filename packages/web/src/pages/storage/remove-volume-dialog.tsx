import { Alert } from '@patternfly/react-core';
import { volumeDelete, volumeList } from '@ryokan/api/methods/storage.ts';
import { useState } from 'react';
import { invalidate } from '../../api/query.ts';
import { follow } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import type { Volume } from '../../api/volumes.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';

export default function RemoveVolumeDialog(props: {
  node: string;
  storage: string;
  volume: Volume;
  onClose: () => void;
}) {
  const t = useT();
  const format = useFormat();
  const { node, storage, volume } = props;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const remove = async () => {
    setBusy(true);
    setError(undefined);
    try {
      follow(await api.call(volumeDelete, { node, storage, volume: volume.volid }));
      void invalidate(volumeList);
      props.onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <ConfirmDialog
      danger
      busy={busy}
      title={t('content.removeTitle')}
      confirm={t('action.remove')}
      onClose={props.onClose}
      onConfirm={remove}
      body={
        <div className="ry-form-rows">
          {error ? <ErrorNotice error={error} /> : null}
          <p>
            <span className="ry-id">{volume.volid}</span> ({format.bytes(volume.size ?? 0)})
          </p>
          {volume.vmid ? (
            <Alert isInline variant="warning" title={t('content.removeOwned', { vmid: volume.vmid })} />
          ) : null}
          <p>{t('content.removeBody')}</p>
        </div>
      }
    />
  );
}
